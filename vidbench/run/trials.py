"""Trying what an explanation proposes: the same net changed in one way, timed in turns with itself as it was."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from statistics import median
from time import perf_counter

import torch

from vidbench.errors import first_line
from vidbench.explain.explanation import Trial
from vidbench.measure import Workload
from vidbench.measure.modes import apply_mode
from vidbench.measure.outputs import compare_outputs, take_outputs
from vidbench.measure.timing import time_calls

ROUNDS, SECONDS = 5, 2.0  # of calls in turns: at least so many, and until so much time has gone
BATCH = 8


def try_changes(names: Sequence[str], workload: Workload, announce: Callable[[str], None]) -> Iterator[Trial]:
    """What each of the changes named does to the time of a clip and to the logits."""
    for name in names:
        change, apply = TRIALS[name]
        announce(f"trying {name}: {change}")
        yield _try(name, change, apply, workload)


def _try(name: str, change: str, apply: Callable[[Workload], Workload], workload: Workload) -> Trial:
    before = _per_clip(workload, time_calls(workload, 1))
    try:
        changed = apply(workload)
        begun = perf_counter()
        with torch.inference_mode():
            difference = _difference(workload, changed)
        first = perf_counter() - begun
        before, after = _time_in_turns(workload, changed)
    except Exception as error:  # a change that does not work is an answer
        return Trial(name=name, change=change, before=before, failure=f"{type(error).__name__}: {first_line(error)}")
    if name == "compile":
        change += f", which took {first:.0f} s at the first call"
    return Trial(name=name, change=change, before=before, after=after, difference=difference)


def _time_in_turns(workload: Workload, changed: Workload) -> tuple[float, float]:
    """Seconds a clip of both: medians of single calls, one after the other, so that a drift is both's."""
    samples: list[tuple[float, float]] = []
    spent = 0.0
    with torch.inference_mode():
        time_calls(changed, 1)
        while len(samples) < ROUNDS or spent < SECONDS:
            pair = time_calls(workload, 1), time_calls(changed, 1)
            spent += sum(pair)
            samples.append((_per_clip(workload, pair[0]), _per_clip(changed, pair[1])))
    return median(before for before, _ in samples), median(after for _, after in samples)


def _per_clip(workload: Workload, seconds: float) -> float:
    return seconds / workload.clips.shape[0]


def _difference(workload: Workload, changed: Workload) -> float | None:
    """The greatest difference of the outputs over the greatest of them; None where the batch is another."""
    if workload.clips.shape != changed.clips.shape:
        changed.call()
        return None
    difference = compare_outputs(take_outputs(workload), take_outputs(changed))
    return None if difference is None else difference.relative


def _in_mode(mode: str, workload: Workload) -> Workload:
    return apply_mode(mode, replace(workload, net=deepcopy(workload.net)))


def _bf16(workload: Workload) -> Workload:
    return replace(workload, net=deepcopy(workload.net).to(torch.bfloat16), clips=workload.clips.to(torch.bfloat16))


def _larger_batch(workload: Workload) -> Workload:
    return replace(workload, clips=workload.clips.repeat(BATCH, 1, 1, 1, 1))


TRIALS: dict[str, tuple[str, Callable[[Workload], Workload]]] = {
    "channels-last": ("weights and clip in the order of channels last", partial(_in_mode, "channels-last")),
    "bf16": ("weights and clip in bf16", _bf16),
    "compile": ("torch.compile", partial(_in_mode, "compile")),
    "batch": (f"{BATCH} times as many clips a call", _larger_batch),
}
