"""What a video's clip costs on its way to logits: each stage, all one after the other, and overlapped."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import fmean
from time import perf_counter_ns
from typing import Any

from vidbench.clips import count_decoding_threads
from vidbench.measure.overlap import Overlap, Passage
from vidbench.measure.pipeline import Pipeline
from vidbench.measure.sampling import Effort, make_figure, sample, warm_up
from vidbench.measure.timing import open_watch
from vidbench.records import Measurement

PASSES = Effort(calls=10, seconds=1.0, budget=10.0)
WINDOWS = Effort(calls=6, seconds=0.0, budget=10.0)  # of fewer than six there is no 95% interval
WINDOW_SECONDS = 0.5
NO_COPY = "left out: the net runs on the CPU, so that nothing is copied"

Clock = Callable[[], int]  # nanoseconds


@dataclass(slots=True)
class _Passes:
    """Seconds of every stage, pass by pass."""

    pipeline: Pipeline
    clock: Clock
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def run(self) -> float:
        """One stage after the other, each done before the next begins; seconds of all."""
        pipeline = self.pipeline
        begin = self.clock()
        frames = self._time("stage_decode", pipeline.decode)
        clips = self._time("stage_preprocess", lambda: pipeline.preprocess(frames))
        if pipeline.on_gpu:
            clips = self._time("stage_copy_in", lambda: pipeline.copy_in(clips))
        logits = self._time("stage_model", lambda: pipeline.workload.infer(clips))
        if pipeline.on_gpu:
            self._time("stage_copy_out", lambda: pipeline.copy_out(logits))
        return (self.clock() - begin) / 1e9

    def _time(self, stage: str, work: Callable[[], Any]) -> Any:
        begin = self.clock()
        made = work()
        self.pipeline.workload.synchronise()
        self.seconds.setdefault(stage, []).append((self.clock() - begin) / 1e9)
        return made


def measure_stages(
    pipeline: Pipeline, effort: Effort = PASSES, clock: Clock = perf_counter_ns
) -> dict[str, Measurement]:
    """Every stage of a call and all of them in seconds, by metric: medians of passes, one stage after the other."""
    passes = _Passes(pipeline, clock)
    with pipeline.workload.running():
        warmth = warm_up(passes.run)
        passes.seconds.clear()
        with open_watch(pipeline.workload.device).window() as window:
            totals, spent = sample(passes.run, effort, tick=window.tick)
    passes.seconds["stage_end_to_end"] = totals
    found = {}
    for metric, method in _describe(pipeline, effort).items():
        seconds = passes.seconds.get(metric)
        if seconds is None:
            found[metric] = Measurement(metric=metric, value=None, unit="seconds", method=method, caveats=(NO_COPY,))
        else:
            found[metric] = make_figure(
                metric, "seconds", method, warmth, window, samples=seconds, spent=spent, effort=effort, what="passes"
            )
    return found


def measure_overlapped(pipeline: Pipeline, effort: Effort = WINDOWS, clock: Clock = perf_counter_ns) -> Measurement:
    """Clips a second where threads decode and preprocess the clips to come while the net works on the last ones.

    `details` has `model_share`: the share of time in which the net was at work; the rest of it the net waited.
    """
    taken: list[Passage] = []

    def run(calls: int) -> float:
        taken.append(overlap.run(calls))
        return taken[-1].seconds

    with pipeline.workload.running(), Overlap(pipeline, clock) as overlap:
        warmth = warm_up(lambda: run(1))
        usual = fmean(warmth.samples[len(warmth.samples) // 2 :])
        calls = max(2, overlap.workers, math.ceil(WINDOW_SECONDS / usual))  # threads may finish all at once
        clips = calls * pipeline.batch
        taken.clear()
        with open_watch(pipeline.workload.device).window() as window:
            samples, spent = sample(lambda: run(calls), effort, lambda seconds: clips / seconds, window.tick)
    beside = ", copies to the device in a stream beside the net's" if pipeline.on_gpu else ""
    method = (
        f"median of windows of calls, {overlap.workers} threads decoding (one thread of FFmpeg each) and "
        f"preprocessing ahead of the net{beside}: {effort.describe('windows')}"
    )
    figure = make_figure(
        "stage_overlapped", "clips/s", method, warmth, window,
        samples=samples, spent=spent, effort=effort, what="windows",
    )  # fmt: skip
    told = {
        "window_calls": calls,
        "workers": overlap.workers,
        "model_share": sum(one.busy for one in taken) / sum(one.seconds for one in taken),
    }
    return replace(figure, details={**figure.details, **told})


def _describe(pipeline: Pipeline, effort: Effort) -> dict[str, str]:
    """What is inside each stage."""
    dtype = str(pipeline.workload.clips.dtype).removeprefix("torch.")
    pinned = ", in pinned memory" if pipeline.on_gpu else ""
    again = f", for each of the {pipeline.batch} clips of a call" if pipeline.batch > 1 else ""
    return {
        "stage_decode": (
            "the video file, in the page cache, opened, sought in and the clip's frames decoded with all that lie "
            f"between a key frame and them{again}; FFmpeg with {count_decoding_threads(pipeline.clip)} threads"
        ),
        "stage_preprocess": (
            f"frames resized (bilinear) and turned to RGB, cropped, normalised, put into one {dtype} tensor{pinned}"
            f"{again}; one thread"
        ),
        "stage_copy_in": "that tensor copied from pinned memory to the device, and synchronised",
        "stage_model": "one call of the net on it, synchronised; inference mode",
        "stage_copy_out": "the logits copied to the CPU's memory, and synchronised",
        "stage_end_to_end": (
            f"median of passes through these stages, each done before the next begins: {effort.describe('passes')}"
        ),
    }
