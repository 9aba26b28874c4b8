"""One case to one explanation: count it on its device, time its operators there, and join the two."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vidbench.counting import Call, count
from vidbench.counting.kinds import CONTRACTIONS, UNKNOWN
from vidbench.devices import Peaks, estimate_call
from vidbench.environment import describe, key
from vidbench.errors import VidbenchError, first_line
from vidbench.explain.explanation import Explanation, Part, Work
from vidbench.explain.findings import find
from vidbench.explain.joining import Module, Timed, by_kind, by_operator, grow, loose, pair
from vidbench.measure import Workload
from vidbench.measure.operators import OperatorTimes, time_operators
from vidbench.measure.peaks import measure_peaks
from vidbench.metrics import MACS_CONVENTION
from vidbench.records import RANDOM, Case, Clip
from vidbench.run.ceiling import is_out_of_memory, memory_ceiling
from vidbench.run.nets import Nets
from vidbench.run.setting import set_up
from vidbench.run.static import count_call
from vidbench.run.trials import try_changes
from vidbench.run.worker import is_adaptive

SLOWED, QUICKENED = 1.25, 0.9  # by the profiler: what is beyond makes times doubtful
COUNTED = frozenset(CONTRACTIONS)
BYTES = "bytes: of the tensors that operators take in and put out, each once; what stays in caches between is not seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How to explain: with these `peaks` (a datasheet's stand instead of timing), with trials, with a trace kept."""

    peaks: Peaks | None = None
    tries: bool = False
    trace: Path | None = None


def explain_case(case: Case, clip: Clip, ways: Ways, nets: Nets, announce: Callable[[str], None]) -> Explanation:
    """Where one call of the case's net goes.

    Args:
        case: on a device that computes, or on meta, where nothing is timed.
        clip: what it is called with.
        ways: how.
        nets: where its net comes from.
        announce: is told what is being done.

    Raises:
        VidbenchError: it could not be run or counted.
    """
    device = torch.device(case.device)
    with set_up(case):
        try:
            with memory_ceiling(device):
                explanation = _explain(case, clip, ways, nets, announce)
        except VidbenchError:
            raise
        except Exception as error:
            kind = "out of memory" if is_out_of_memory(error) else type(error).__name__
            setting = f"{case.model} {case.frames}x{case.size} batch {case.batch} on {case.device}"
            raise VidbenchError(f"{setting} cannot be explained: {kind}: {first_line(error)}") from error
    return explanation


def _explain(case: Case, clip: Clip, ways: Ways, nets: Nets, announce: Callable[[str], None]) -> Explanation:
    device = torch.device(case.device)
    environment = describe(device)
    about: dict[str, Any] = {
        "case": case,
        "device": environment.device,
        "environment": key(environment),
        "versions": dict(environment.stack),
    }
    if ways.peaks and ways.peaks.estimate:
        about |= {"device": ways.peaks.name, "environment": None}
    if device.type == "meta":
        return find(_without_timing(case, ways.peaks, nets, about))
    announce("counting its operators")
    tensor = nets.load(clip, case)
    workload = Workload(nets.measured(case), tensor, device, amp=case.dtype == "amp")
    with torch.autocast(device.type, torch.bfloat16, enabled=workload.amp):
        counted = count(workload.net, tensor)
    peaks = ways.peaks
    if peaks is None:
        announce("measuring what the device can do")
        peaks = measure_peaks(device, case.dtype)
    announce("timing its operators")
    times = time_operators(workload, counted.calls, trace=ways.trace)
    timed = pair(counted.calls, times.seconds)
    timed += [loose(one.name, one.module, one.seconds) for one in times.loose]
    waits = device.type == "cuda"
    # On a GPU the profiler slows launches and hardly kernels: what the device waits is told from unprofiled calls.
    outside = times.waiting * times.latency if waits else times.outside
    explanation = Explanation(
        **about,
        **_join(workload.net, timed),
        peaks=peaks,
        total=times.busy + outside,
        outside=outside,
        waits=waits,
        latency=times.latency,
        overhead=times.overhead,
        methods=(times.method, f"peaks {peaks.method}", f"MACs: {MACS_CONVENTION}", BYTES),
        caveats=_caveats(case, clip, times, counted.calls),
    )
    explanation = find(explanation)
    if not ways.tries:
        return explanation
    proposed = dict.fromkeys(finding.trial for finding in explanation.findings if finding.trial)
    return replace(explanation, trials=tuple(try_changes(list(proposed), workload, announce)))


def _without_timing(case: Case, peaks: Peaks | None, nets: Nets, about: dict[str, Any]) -> Explanation:
    """On meta: what the shapes tell, and with a datasheet's peaks the least that each operator would take."""
    net = nets.counted(case)
    calls = count_call(net, case).calls
    seconds = None
    methods: tuple[str, ...] = (f"counted on meta tensors, nothing timed; MACs: {MACS_CONVENTION}", BYTES)
    if peaks:
        seconds = [estimate_call(peaks, macs=call.macs, bytes=call.read + call.written).seconds for call in calls]
        how = (
            "estimated, not measured: each operator takes the longest of its MACs, its bytes and its launch at the "
            "peaks; no kernel reaches them, so that times are lower bounds"
        )
        methods = (how, f"peaks {peaks.method}", *methods)
    return Explanation(
        **about,
        **_join(net, pair(calls, seconds)),
        peaks=peaks,
        total=sum(seconds) if seconds is not None else None,
        outside=0.0 if seconds is not None else None,
        waits=False,
        latency=None,
        overhead=None,
        methods=methods,
    )


def _join(net: nn.Module, timed: Sequence[Timed]) -> dict[str, Any]:
    modules = [
        Module(path, type(module).__name__, sum(p.numel() for p in module.parameters()))
        for path, module in net.named_modules()
    ]
    root: Part = grow(modules, timed)
    return {
        "params": root.params,
        "root": root,
        "kinds": by_kind(timed, COUNTED, kernels=False),
        "kernels": by_kind(timed, COUNTED, kernels=True),
        "operators": by_operator(timed, COUNTED, frozenset({UNKNOWN})),
    }


def _caveats(case: Case, clip: Clip, times: OperatorTimes, calls: Sequence[Call]) -> tuple[str, ...]:
    caveats = []
    unmet = [calls[index] for index in times.missing]
    hidden = Work(macs=sum(call.macs for call in unmet))
    if hidden.macs:
        inside = ", ".join(dict.fromkeys(one.name for one in times.loose))
        caveats.append(f"{hidden.macs:,} MACs ran inside of {inside or 'operators'} that no counted call stands for")
    if is_adaptive(case):
        random = " with random weights" if case.weights == RANDOM else ""
        caveats.append(f"its work depends on the clip{random}; this is of one clip, {clip.source}")
    if times.overhead > SLOWED:
        caveats.append("the profiler slows this net much; its small operators look longer than they are")
    if times.overhead < QUICKENED:
        caveats.append("calls without the profiler took longer than those with it: something else runs on this machine")
    return tuple(caveats)
