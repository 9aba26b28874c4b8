"""What a mode's first calls cost beside computing, and when a compiled net is compiled anew."""

from collections.abc import Iterable
from dataclasses import replace
from statistics import median
from typing import Any, NamedTuple

from vidbench.measure.graphs import WARM_UP, Captured
from vidbench.measure.timing import Clock, measure_first_call, time_calls
from vidbench.measure.workload import Workload
from vidbench.modes import MODES
from vidbench.records import Measurement

CALLS, LIMIT = 3, 10  # first calls: compile-max records its CUDA graphs at the second and third
STEADY = 5  # calls
UNTOLD = "this torch does not tell what it compiles"


class Compiled(NamedTuple):
    """What torch.compile has done in this process: graphs compiled, graph breaks, graphs found on the disk."""

    graphs: int
    breaks: int
    cached: int


def read_compiled() -> Compiled | None:
    """As of now; None where this torch does not tell, for its counters are no public interface."""
    try:
        from torch._dynamo.utils import counters
    except ImportError:
        return None
    return Compiled(
        graphs=counters["stats"]["unique_graphs"],
        breaks=sum(counters["graph_break"].values()),
        cached=counters["inductor"]["fxgraph_cache_hit"] + counters["aot_autograd"]["autograd_cache_hit"],
    )


def measure_first_calls(workload: Workload, clock: Clock = time_calls) -> list[Measurement]:
    """`first_call`, and where the workload's mode prepares something, `compile_time`: the net's first calls of all."""
    prepares = MODES[workload.mode].prepares
    if prepares is None:
        return [measure_first_call(workload, clock)]
    before = read_compiled() if prepares == "compile" else None
    first = measure_first_call(workload, clock)
    first = replace(first, method=f"{first.method}; it prepares what mode {workload.mode} needs")
    if isinstance(workload.net, Captured):
        return [first, _capture_time(workload.net)]
    return [first, _compile_time(workload, first.samples[0], before, clock)]


def _capture_time(net: Captured) -> Measurement:
    return Measurement(
        metric="compile_time",
        value=net.seconds,
        unit="seconds",
        samples=(net.seconds,),
        method=f"the capture of the CUDA graph, without the {WARM_UP} calls before it",
    )


def _compile_time(workload: Workload, first: float, before: Compiled | None, clock: Clock) -> Measurement:
    seconds = [first]
    with workload.running():
        after = read_compiled()
        while len(seconds) < LIMIT:
            known = after
            seconds.append(clock(workload, 1))
            after = read_compiled()
            if len(seconds) >= CALLS and after == known:
                break
        steady = median(clock(workload, 1) for _ in range(STEADY))
    details: dict[str, Any] = {"calls": seconds, "steady_call": steady}
    caveats: tuple[str, ...] = (UNTOLD,)
    if before and after and after.graphs > before.graphs:
        graphs, cached = after.graphs - before.graphs, after.cached - before.cached
        details |= {"graphs": graphs, "graph_breaks": after.breaks - before.breaks, "found_on_disk": cached}
        caveats = ()
        if details["graph_breaks"]:
            caveats += (
                f"{details['graph_breaks']} graph breaks: between the graphs Python runs, and what torch would have to "
                "compile too often (its recompile_limit) stays eager",
            )
        if cached:
            caveats += (
                "code that an earlier run had compiled was found on the disk, so that compiling took less; "
                "TORCHINDUCTOR_FORCE_DISABLE_CACHES=1 compiles all anew",
            )
    return Measurement(
        metric="compile_time",
        value=max(sum(seconds) - len(seconds) * steady, 0.0),
        unit="seconds",
        details=details,
        method=(
            f"the first calls, until one compiles nothing ({CALLS} at least), less as many steady calls (the median of "
            f"{STEADY} after them)"
        ),
        caveats=caveats,
    )


def count_recompilations(workload: Workload, lengths: Iterable[Workload]) -> Measurement:
    """How often one compiled net is compiled anew when clips of several lengths come one after the other.

    Args:
        workload: of a net that has not been called yet.
        lengths: the same with clips of each length, in their order.
    """
    found: dict[str, dict[str, Any]] = {}
    for one in lengths:
        before = read_compiled()
        with workload.running():
            seconds = time_calls(one, 1)
            time_calls(one, 1)
        after = read_compiled()
        compilations = after.graphs - before.graphs if before and after else None
        found[str(one.clips.shape[2])] = {"compilations": compilations, "seconds": seconds}
    counts = [length["compilations"] for length in found.values()]
    value = sum(counts[1:]) if counts and all(count is not None for count in counts) and counts[0] else None
    return Measurement(
        metric="recompilations",
        value=value,
        unit="compilations",
        details={"lengths": found},
        method=(
            f"graphs compiled after those for the first length, by one net called twice with clips of "
            f"{', '.join(found)} frames in turn; the seconds are of each length's first call"
        ),
        caveats=(UNTOLD,) if value is None else (),
    )
