"""What is taken on request alone: energy and the stages of a pipeline."""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial

import torch

from vidbench.clips import is_video
from vidbench.errors import InputError
from vidbench.measure import Workload
from vidbench.measure.energy import Rest, measure_energy, watch_rest
from vidbench.measure.meters import find_meter
from vidbench.measure.pipeline import Pipeline
from vidbench.measure.stages import PASSES, WINDOWS, measure_overlapped, measure_stages
from vidbench.metrics import ENERGY, ON_REQUEST, STAGES
from vidbench.records import Case, Clip, Measurement
from vidbench.run.nets import Nets
from vidbench.run.plan import Plan


def check_request(case: Case, clips: Sequence[Clip], metrics: Collection[str], *, adaptive: bool) -> None:
    """Raise InputError where what is asked for cannot be taken of that case."""
    if adaptive and (asked := [name for name in ON_REQUEST if name in metrics]):
        raise InputError(
            f"{asked[0]} is not taken of nets whose work depends on the clip; leave out {case.model}, or ask for less"
        )
    if set(STAGES) & set(metrics):
        if not is_video(clips[0]):
            raise InputError("the stages are timed on a real video; give one with --clip VIDEO")
        if case.task != "inference":
            raise InputError(f"the stages are those of inference; leave out --task {case.task}, or --stages")


def watch_device(case: Case, metrics: Collection[str]) -> Rest | None:
    """What the case's device takes at rest, where its energy is asked for; before the net runs."""
    if not set(ENERGY) & set(metrics):
        return None
    return watch_rest(partial(find_meter, torch.device(case.device)))


def measure_requested(
    case: Case, clip: Clip, plan: Plan, nets: Nets, *, rest: Rest | None, load: Callable[[], Workload]
) -> Iterator[Measurement]:
    """Energy and stages, as far as they are asked for."""
    found: dict[str, Measurement] = {}
    if rest is not None:
        found |= measure_energy(load(), rest)
    asked = set(STAGES) & set(plan.metrics)
    if asked:
        pipeline = Pipeline(load(), clip, *nets.normalisation(case))
        if asked != {"stage_overlapped"}:
            found |= measure_stages(pipeline, PASSES.to(plan.precision))
        if "stage_overlapped" in asked:
            found["stage_overlapped"] = measure_overlapped(pipeline, WINDOWS.to(plan.precision))
    yield from (found[name] for name in plan.metrics if name in found)
