"""Latency, one synchronised call at a time, and throughput, calls queued back to back: two questions, two methods."""

import math
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter_ns

import torch

from vidbench.conditions.watch import Watch
from vidbench.environment import locate_gpu
from vidbench.measure.sampling import Effort, make_figure, sample, warm_up
from vidbench.measure.workload import MOMENTUM, RATE, Workload
from vidbench.records import Measurement

LATENCY = Effort(calls=10, seconds=1.0, budget=5.0)
THROUGHPUT = Effort(calls=6, seconds=0.0, budget=5.0)  # windows; of fewer than six there is no 95% interval
WINDOW_CALLS, WINDOW_SECONDS = 2, 0.5

Clock = Callable[[Workload, int], float]  # seconds that so many calls take, with one synchronisation at the end


def time_calls(workload: Workload, calls: int) -> float:
    """Seconds that `calls` calls take, with one synchronisation at the end."""
    workload.synchronise()
    if workload.device.type == "cuda":
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        with torch.cuda.device(workload.device):
            start.record()
            for _ in range(calls):
                workload.call()
            end.record()
            end.synchronize()
        return float(start.elapsed_time(end)) / 1e3
    begin = perf_counter_ns()
    for _ in range(calls):
        workload.call()
    return (perf_counter_ns() - begin) / 1e9


def measure_first_call(workload: Workload, clock: Clock = time_calls) -> Measurement:
    """Seconds of a call before which there was none of this net at this shape, so that nothing is warm yet."""
    with workload.running():
        seconds = clock(workload, 1)
    return Measurement(
        metric="first_call",
        value=seconds,
        unit="seconds",
        samples=(seconds,),
        method=(
            f"one call, the first of this net at this shape in this process, timed by {_name_clock(workload)}; with "
            f"what libraries initialise at a first call, unless a case before it had them do so; {_describe(workload)}"
        ),
    )


def measure_latency(
    workload: Workload, effort: Effort = LATENCY, clock: Clock = time_calls, watch: Watch | None = None
) -> Measurement:
    """Seconds from handing over one batch to having its logits: the median of single calls.

    `watch` is what looks at the machine between them, by default one of their own.
    """
    watch = watch or open_watch(workload.device)
    with workload.running():
        warmth = warm_up(lambda: clock(workload, 1))
        with watch.window() as window:
            samples, spent = sample(lambda: clock(workload, 1), effort, tick=window.tick)
    method = (
        f"median of single calls, each synchronised, timed by {_name_clock(workload)}: {effort.describe('calls')}; "
        f"{_describe(workload)}"
    )
    return make_figure(
        "latency", "seconds", method, warmth, window, samples=samples, spent=spent, effort=effort, what="calls"
    )


def measure_throughput(
    workload: Workload, effort: Effort = THROUGHPUT, clock: Clock = time_calls, watch: Watch | None = None
) -> Measurement:
    """Clips a second with the queue kept full: the median of windows of calls with one synchronisation each.

    `watch` is what looks at the machine between windows, by default one of their own.
    """
    watch = watch or open_watch(workload.device)
    with workload.running():
        warmth = warm_up(lambda: clock(workload, 1))
        calls = max(WINDOW_CALLS, math.ceil(WINDOW_SECONDS / clock(workload, 1)))
        clips = calls * workload.clips.shape[0]
        with watch.window() as window:
            samples, spent = sample(
                lambda: clock(workload, calls), effort, lambda seconds: clips / seconds, window.tick
            )
    method = (
        "median of windows of calls queued back to back, one synchronisation at the end of each: "
        f"{effort.describe('windows')}; {_describe(workload)}"
    )
    figure = make_figure(
        "throughput", "clips/s", method, warmth, window, samples=samples, spent=spent, effort=effort, what="windows"
    )
    return replace(figure, details={**figure.details, "window_calls": calls})


def open_watch(device: torch.device) -> Watch:
    """What looks at the machine, and at that device, while samples are taken."""
    return Watch(locate_gpu(device) if device.type == "cuda" else None)


def describe_state(workload: Workload) -> str:
    """What the calls do, for a method."""
    if workload.task == "inference":
        return "inference mode"
    return (
        f"forward, backward from the sum of the outputs, and a step of SGD (momentum {MOMENTUM}, a learning rate of "
        f"{RATE:g} so that the weights stay, no weight decay), gradients let go of before each call"
    )


def _describe(workload: Workload) -> str:
    return f"{describe_state(workload)}, the clip already on the device"


def _name_clock(workload: Workload) -> str:
    return "CUDA events" if workload.device.type == "cuda" else "perf_counter_ns"
