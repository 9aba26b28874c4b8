"""Nets whose work depends on their input: no one figure is theirs, so each is a distribution over clips, or bounds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from statistics import fmean, median
from typing import Any

import torch
from torch import Tensor, nn

from vidbench.catalog import variants
from vidbench.conditions.watch import Watch, add_details, doubt_details
from vidbench.counting import Count, count
from vidbench.measure import MEASURERS, Workload
from vidbench.measure.compiling import measure_first_calls
from vidbench.measure.sampling import Effort, doubt_clips, make_figure, sample
from vidbench.measure.timing import LATENCY, THROUGHPUT, measure_latency, open_watch, time_calls
from vidbench.models.atfr_sgs import keeping, samplers
from vidbench.records import RANDOM, Case, Clip, Measurement
from vidbench.run.bench import make_workload
from vidbench.run.nets import Nets
from vidbench.run.offers import applies
from vidbench.run.plan import Plan
from vidbench.run.static import static_figures
from vidbench.statistics import summarise, thin

CLIP = Effort(calls=3, seconds=0.2, budget=1.0)  # of latency, for each clip
PASS_CLIPS = 16  # clips held in memory at once, for throughput


@dataclass(frozen=True, slots=True)
class Trial:
    """A net on its device, its clips, and what one forward pass of each clip counted and let through."""

    net: nn.Module  # as it is counted
    base: Workload  # the net in the case's mode, with the first clip
    case: Case
    clips: Sequence[Clip]
    load: Callable[[Clip, Case], Tensor]
    counts: list[Count]
    kept: dict[str, list[int]]  # by the path of the sampling layer, a number for each clip
    first_calls: dict[str, Measurement]
    precision: float  # to which medians are to be known
    watch: Watch | None = None

    def workload(self, clip: Clip) -> Workload:
        """The net with one clip."""
        return _show(self.base, self.load(clip, self.case))


def measure_adaptive(
    case: Case, clips: Sequence[Clip], plan: Plan, nets: Nets, watch: Watch | None = None
) -> Iterator[Measurement]:
    """The metrics of one case, each a distribution over the clips; on meta tensors MACs are unknown, but for bounds."""
    net = nets.counted(case)
    fewest, most = (_count_keeping(net, case, kept) for kept in (1, case.frames))
    static = static_figures(net, most, case)
    bounds = Measurement(
        metric="macs_bounds",
        value=(fewest.macs, most.macs),
        unit="MACs",
        method="counted on meta tensors with one surviving frame, and with all of them",
    )
    measurers: dict[str, Any] = {"macs_bounds": lambda: bounds}
    for name in ("params", "weight_memory"):
        measurers[name] = lambda name=name: static[name]
    measurers["predicted_memory"] = lambda: _at_most(static["predicted_memory"])
    if case.device == "meta":
        measurers |= {name: lambda name=name: _unknown(static[name], fewest, most) for name in ("macs", "activations")}
    else:
        trial = cache(
            lambda: _try(case, clips, nets, plan.precision, watch)
        )  # a pass of every clip, which the weights' figures do not need
        measurers |= {
            "macs": lambda: _macs(static["macs"], trial()),
            "activations": lambda: _activations(static["activations"], trial()),
            "frames_kept": lambda: _frames_kept(trial()),
            "first_call": lambda: trial().first_calls["first_call"],
            "latency": lambda: _latency(trial()),
            "throughput": lambda: _throughput(trial()),
            "peak_memory": lambda: _memory("peak_memory", trial()),
            "reserved_memory": lambda: _memory("reserved_memory", trial()),
        }
        if applies("compile_time", case):
            measurers["compile_time"] = lambda: trial().first_calls["compile_time"]
    yield from (measurers[name]() for name in plan.metrics if name in measurers)


def _count_keeping(net: nn.Module, case: Case, frames: int) -> Count:
    with keeping(net, frames):
        return count(net, Clip(frames=case.frames, size=case.size), train=case.task == "train")


def _at_most(static: Measurement) -> Measurement:
    return replace(static, caveats=(*static.caveats, "as if all frames survived; with fewer it is less"))


def _unknown(static: Measurement, fewest: Count, most: Count) -> Measurement:
    bounds = {name: (getattr(fewest, name), getattr(most, name)) for name in ("macs", "activations")}
    return replace(
        static,
        value=None,
        details={**static.details, "bounds": bounds[static.metric]},
        caveats=("depends on the clip, of which meta tensors hold nothing; give clips and a device that computes",),
    )


def _try(case: Case, clips: Sequence[Clip], nets: Nets, precision: float, watch: Watch | None) -> Trial:
    net = nets.measured(case)
    base = make_workload(case, nets.load(clips[0], case), nets)
    first_calls = {taken.metric: taken for taken in measure_first_calls(base)}
    counts: list[Count] = []
    kept: dict[str, list[int]] = {path: [] for path in samplers(net)}
    for clip in clips:
        with torch.autocast(torch.device(case.device).type, torch.bfloat16, enabled=case.dtype == "amp"):
            counts.append(count(net, nets.load(clip, case), train=case.task == "train"))
        for path, layer in samplers(net).items():
            kept[path] += layer.frames_kept
    return Trial(net, base, case, clips, nets.load, counts, kept, first_calls, precision, watch)


def _show(workload: Workload, tensor: Tensor) -> Workload:
    """The same net with another clip, in the order in which it takes clips."""
    like = torch.empty_like(workload.clips, memory_format=torch.preserve_format)
    return replace(workload, clips=like.copy_(tensor))


def _over_clips(figure: Measurement, values: Sequence[float], trial: Trial) -> Measurement:
    """A figure of one clip as the mean over several, which stay with it, each under its clip's name."""
    caveats = [f"over {len(trial.clips)} clips: the work depends on what a clip shows"]
    if trial.case.weights == RANDOM:
        caveats.append("random weights: the distribution is of an untrained net")
    names = [name_clip(clip) for clip in trial.clips]
    return replace(
        figure,
        value=fmean(values),
        samples=thin(values),
        details={**figure.details, **summarise(values), "clips": names},
        caveats=(*figure.caveats, *caveats),
    )


def name_clip(clip: Clip) -> str:
    """Where a clip comes from: `video.mp4@12` begins at frame 12."""
    return clip.source if clip.start is None else f"{clip.source}@{clip.start}"


def _beside(figure: Measurement, unsampled: float) -> Measurement:
    """The figure with that of the net without sampling, and the share of it that sampling saves."""
    saving = 1 - figure.details["mean"] / unsampled
    return replace(figure, details={**figure.details, "unsampled": unsampled, "saving": saving})


def _unsampled(case: Case) -> Case:
    """The same case of the net without its sampling."""
    return replace(case, model=variants()[case.model].unsampled or case.model, weights=RANDOM)


def _macs(static: Measurement, trial: Trial) -> Measurement:
    plain = Nets().counted(_unsampled(trial.case))
    clip = Clip(frames=trial.case.frames, size=trial.case.size)
    unsampled = count(plain, clip, train=trial.case.task == "train").macs
    return _beside(_over_clips(static, [counted.macs for counted in trial.counts], trial), unsampled)


def _activations(static: Measurement, trial: Trial) -> Measurement:
    return _over_clips(static, [counted.activations for counted in trial.counts], trial)


def _frames_kept(trial: Trial) -> Measurement:
    totals = [sum(numbers) for numbers in zip(*trial.kept.values(), strict=True)]
    figure = Measurement(
        metric="frames_kept",
        value=None,
        unit="frames",
        method="frames that the sampling layers let through, all layers added; mean over clips",
        details={"layers": trial.kept},
    )
    return _over_clips(figure, totals, trial)


def _latency(trial: Trial) -> Measurement:
    effort = CLIP.to(trial.precision)
    taken = [measure_latency(trial.workload(clip), effort, watch=trial.watch) for clip in trial.clips]
    watched = add_details(m.details for m in taken)
    values = [float(m.value) for m in taken if isinstance(m.value, float)]
    plain = make_workload(_unsampled(trial.case), trial.load(trial.clips[0], trial.case), Nets())
    unsampled = measure_latency(plain, LATENCY.to(trial.precision), watch=trial.watch).value
    clips = replace(
        taken[0],
        method=f"median over clips; of each clip the {taken[0].method}",
        details={
            "precision": max(m.details["precision"] for m in taken),  # of the clip that is known worst
            "precision_asked": trial.precision,
            "settled": all(m.details["settled"] for m in taken),
            "warm_up_calls": sum(m.details["warm_up_calls"] for m in taken),
            "steady": all(m.details["steady"] for m in taken),
            **watched,
        },
        caveats=(*doubt_clips(taken), *doubt_details(watched)),
    )
    figure = replace(_over_clips(clips, values, trial), value=median(values))
    return _beside(figure, unsampled) if isinstance(unsampled, float) else figure


def _throughput(trial: Trial) -> Measurement:
    chosen = trial.clips[:: -(-len(trial.clips) // PASS_CLIPS)]
    workloads = [trial.workload(clip) for clip in chosen]
    effort = THROUGHPUT.to(trial.precision)
    with workloads[0].running():
        for workload in workloads:
            workload.call()
        with (trial.watch or open_watch(workloads[0].device)).window() as window:
            samples, spent = sample(
                lambda: sum(time_calls(workload, 1) for workload in workloads),
                effort,
                lambda seconds: len(chosen) / seconds,
                window.tick,
            )
    method = f"median of passes over the clips, one clip a call: {effort.describe('passes', 'a pass to warm up')}"
    return make_figure(
        "throughput", "clips/s", method, window, samples=samples, spent=spent, effort=effort, what="passes"
    )


def _memory(metric: str, trial: Trial) -> Measurement:
    """Of the clip that asks for the most work."""
    works = [counted.macs for counted in trial.counts]
    clip = trial.clips[works.index(max(works))]
    measurement = MEASURERS[metric](trial.workload(clip))
    return replace(measurement, method=f"{measurement.method}; of the clip with the most MACs ({name_clip(clip)})")
