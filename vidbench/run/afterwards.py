"""What is taken when all figures of time and memory are: the outputs held against fp32 eager, and recompilations."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isclose

import torch
from torch import nn

from vidbench.environment import DTYPES, precision
from vidbench.errors import first_line
from vidbench.measure.compiling import count_recompilations
from vidbench.measure.layouts import watch_layouts
from vidbench.measure.outputs import Difference, compare_outputs, take_outputs
from vidbench.modes import LIMITS
from vidbench.records import WRONG, Case, Clip, Measurement
from vidbench.run.bench import Bench
from vidbench.run.nets import Nets
from vidbench.units import format_number

AFTERWARDS = ("output_difference", "recompilations")  # metrics


def measure_afterwards(bench: Bench, wanted: Sequence[str], lengths: Sequence[int]) -> Iterator[Measurement]:
    """Those of AFTERWARDS that are wanted; the bench is cleared, and none of them can fail the case."""
    measurers = {
        "output_difference": lambda: measure_output_difference(bench),
        "recompilations": lambda: _recompilations(bench, lengths),
    }
    for name in AFTERWARDS:
        if name in wanted and (name != "recompilations" or lengths):
            yield measurers[name]()


def measure_output_difference(bench: Bench) -> Measurement:
    """How far the outputs are from those of the same weights in fp32 eager, on the same clip and device.

    No two nets are in memory at once: the one that was timed is let go of before the other is built.
    """
    case = bench.case
    figure = Measurement(
        metric="output_difference",
        value=None,
        unit="relative",
        method=(
            "greatest difference of the outputs over the greatest output, against the same weights in fp32 eager (TF32 "
            "off) on the same clip and device, both in inference"
        ),
    )
    try:
        if case.task == "train":  # training has moved the statistics of normalisations
            bench.clear()
            bench = Bench(replace(case, task="inference"), bench.clip, bench.nets)
        laid_out = case.mode == "channels-last"
        with watch_layouts(bench.workload.net if laid_out else nn.Module()) as layouts:
            outputs = take_outputs(bench.workload)
        weights = _weigh(bench.workload.net, DTYPES[case.dtype])
        bench.clear()
        expected, others = _run_reference(case, bench.clip, bench.nets)
    except Exception as error:  # the figures of time and memory stand without it
        bench.clear()
        return replace(figure, caveats=(f"not known: {type(error).__name__}: {first_line(error)}",))
    alike = (isclose(one, other, rel_tol=1e-9) for one, other in zip(weights, others, strict=False))
    if len(weights) != len(others) or not all(alike):
        reason = "not known: the net's factory gives other weights each time; let it seed what it draws them from"
        return replace(figure, caveats=(reason,))
    judged = _judge(figure, compare_outputs(expected, outputs), case)
    return replace(judged, details={**judged.details, "layouts": dict(layouts)}) if laid_out else judged


def _run_reference(case: Case, clip: Clip, nets: Nets) -> tuple[list[torch.Tensor], list[float]]:
    bench = Bench(replace(case, task="inference", dtype="fp32", mode="eager"), clip, nets)
    try:
        with precision("fp32"):
            return take_outputs(bench.workload), _weigh(bench.workload.net, DTYPES[case.dtype])
    finally:
        bench.clear()


def _weigh(net: nn.Module, dtype: torch.dtype) -> list[float]:
    """The sum of the magnitudes of each weight in that precision, by which nets are told apart."""
    tensors = [t.detach().to(dtype) for t in (*net.parameters(), *net.buffers()) if t.is_floating_point()]
    return [float(torch.linalg.vector_norm(t, 1, dtype=torch.float64)) for t in tensors]


def _judge(figure: Measurement, difference: Difference | None, case: Case) -> Measurement:
    """The figure, with a caveat that begins with WRONG where it is beyond what the case's precision explains."""
    limit = LIMITS[case.dtype]
    if difference is None:
        return replace(figure, details={"agrees": False}, caveats=(f"{WRONG}: they have other shapes, or are none",))
    relative, finite, same_choice = difference
    details = {"finite": finite, "same_choice": same_choice, "limit": limit}
    caveats: tuple[str, ...] = ()
    agrees: bool | None = True
    if not finite:
        agrees, caveats = False, (f"{WRONG}: not all of them are finite",)
    elif relative is None:
        agrees, caveats = None, ("not known: the outputs of fp32 eager are all zero or not finite",)
    elif relative > limit:
        told = f"by {format_number(relative)} of the greatest, where {case.dtype} explains {limit:g} at most"
        agrees, caveats = False, (f"{WRONG}: {told}",)
    return replace(figure, value=relative, details={**details, "agrees": agrees}, caveats=caveats)


def _recompilations(bench: Bench, lengths: Sequence[int]) -> Measurement:
    case, nets = bench.case, bench.nets
    bench.clear()
    try:
        workload = bench.workload
        clips = (replace(bench.clip, frames=frames) for frames in lengths)
        return count_recompilations(workload, (replace(workload, clips=nets.load(clip, case)) for clip in clips))
    except Exception as error:
        return Measurement(
            metric="recompilations",
            value=None,
            unit="compilations",
            method=f"graphs compiled by one net called with clips of {', '.join(map(str, lengths))} frames in turn",
            caveats=(f"not known: {type(error).__name__}: {first_line(error)}",),
        )
    finally:
        bench.clear()
