"""How long each operator of one call takes, by torch's profiler, and what is left between them."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median
from typing import NamedTuple

from vidbench.counting import Call
from vidbench.errors import VidbenchError
from vidbench.measure.kernels import device_times
from vidbench.measure.matching import Claim, Owner, match_calls
from vidbench.measure.profiler import CALL, check_trace, profile_call, scope, scoped_modules
from vidbench.measure.sampling import warm_up
from vidbench.measure.timing import describe_state, time_calls
from vidbench.measure.workload import Workload

LEAST_CALLS, MOST_CALLS, PROFILED_SECONDS = 3, 20, 0.5


class LooseTime(NamedTuple):
    """Seconds of an operator, or a kernel, that no counted call stands for, under the module that was being called."""

    name: str
    module: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTimes:
    """Where the time of one call goes: `sum(seconds)`, `loose` and `outside` add up to `total`.

    Attributes:
        seconds: of each counted call, in their order; on CUDA the time of the kernels that it launched.
        missing: indices of the counted calls that were not met, whose seconds are 0.
        loose: what ran and is none of the counted calls (a fused operator of torch's fast paths), the longest first.
        outside: seconds in no operator: Python, dispatch and the profiler's hooks; on CUDA the seconds between the
            first kernel and the last in which the device waited for launches.
        total: seconds of the profiled call; on CUDA from the first kernel's start to the last one's end.
        latency: seconds of a call without the profiler, the calls of both kinds taken in turns.
        overhead: how many times as long a call takes under the profiler.
        method: how these were taken.
    """

    seconds: tuple[float, ...]
    missing: tuple[int, ...]
    loose: tuple[LooseTime, ...]
    outside: float
    total: float
    latency: float
    overhead: float
    method: str

    @property
    def busy(self) -> float:
        """Seconds in operators; on CUDA those in which the device worked."""
        return math.fsum((*self.seconds, *(time.seconds for time in self.loose)))

    @property
    def waiting(self) -> float:
        """On CUDA: the share of a call without the profiler in which the device waited for launches.

        The profiler slows launches down and kernels hardly, so that `outside` says too much.
        """
        return max(0.0, 1 - self.busy / self.latency)


class _Profile(NamedTuple):
    """Nanoseconds of one profiled call, and the seconds that it took."""

    busy: Counter[Owner]
    outside: int
    met: frozenset[Owner]
    latency: float


def time_operators(
    workload: Workload, calls: Sequence[Call], *, profiled_calls: int | None = None, trace: Path | None = None
) -> OperatorTimes:
    """Time what `calls` counted: the median over some profiled calls of the workload, after warm-up calls.

    The net is run as a user runs it, with torch's fast paths; its hooks are left as they were.

    Args:
        workload: the net and its input.
        calls: what was counted of the same pass of this net on this input, in the order in which it ran.
        profiled_calls: how many calls are profiled, and as many timed without the profiler; default is as many as take
            half a second, from 3 to 20.
        trace: where to write the Chrome trace of the last one (.json or .json.gz).

    Raises:
        InputError: the trace cannot be written.
        VidbenchError: the profiler saw nothing of the call.
    """
    if trace:
        check_trace(trace)
    plain: list[float] = []
    profiles: list[_Profile] = []
    with workload.running():
        warm_up(lambda: time_calls(workload, 1))
        if profiled_calls is None:
            fitting = math.ceil(PROFILED_SECONDS / time_calls(workload, 1))
            profiled_calls = min(max(fitting, LEAST_CALLS), MOST_CALLS)
        for left in reversed(range(profiled_calls)):
            plain.append(time_calls(workload, 1))
            profiles.append(_profile(workload, calls, trace if left == 0 else None))
    return _summarise(profiles, plain, len(calls), workload)


class _Marked(Workload):
    """A workload whose calls stand in a scope of their own."""

    __slots__ = ()

    def call(self) -> None:
        with scope(CALL):
            Workload.call(self)


def _profile(workload: Workload, calls: Sequence[Call], trace: Path | None) -> _Profile:
    marked = _Marked(**{name.name: getattr(workload, name.name) for name in fields(workload)})
    with scoped_modules(workload.net) as scopes:
        root, kernels, latency = profile_call(lambda: time_calls(marked, 1), workload.device, trace)
    claims = match_calls(root, calls, scopes)
    if workload.device.type == "cuda":
        if not kernels:
            raise VidbenchError("torch's profiler saw no kernel; it needs NVIDIA's CUPTI, and the right to use it")
        busy, outside = device_times(root, claims, kernels, scopes)
    else:
        busy = _cpu_times(claims)
        outside = root.end - root.start - busy.total()
    return _Profile(busy, outside, frozenset(claim.owner for claim in claims), latency)


def _cpu_times(claims: Iterable[Claim]) -> Counter[Owner]:
    """Nanoseconds of each owner's events."""
    busy: Counter[Owner] = Counter()
    for claim in claims:
        inside = sum(child.end - child.start for child in claim.event.children) if claim.own else 0
        busy[claim.owner] += claim.event.end - claim.event.start - inside
    return busy


def _summarise(profiles: Sequence[_Profile], plain: Sequence[float], calls: int, workload: Workload) -> OperatorTimes:
    def typical(owner: Owner) -> float:
        return median(profile.busy[owner] for profile in profiles) / 1e9

    seconds = tuple(typical(index) for index in range(calls))
    names = dict.fromkeys(owner for profile in profiles for owner in profile.busy if isinstance(owner, tuple))
    loose = [LooseTime(*name, typical(name)) for name in names]
    outside = median(profile.outside for profile in profiles) / 1e9
    met = frozenset[Owner]().union(*(profile.met for profile in profiles))
    latency = median(plain)
    what = (
        "the kernels that it launched, where kernels overlap the one that began first"
        if workload.device.type == "cuda"
        else "its event and all inside it"
    )
    return OperatorTimes(
        seconds=seconds,
        missing=tuple(index for index in range(calls) if index not in met),
        loose=tuple(sorted((time for time in loose if time.seconds), key=lambda time: -time.seconds)),
        outside=outside,
        total=math.fsum((*seconds, *(time.seconds for time in loose), outside)),
        latency=latency,
        overhead=median(profile.latency for profile in profiles) / latency,
        method=(
            f"an operator's time is that of {what} under torch.profiler, the median of {len(profiles)} calls "
            f"in turns with {len(plain)} calls without it, after warm-up calls; {describe_state(workload)}"
        ),
    )
