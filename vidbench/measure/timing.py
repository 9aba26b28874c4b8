"""Latency, one synchronised call at a time, and throughput, calls queued back to back: two questions, two methods."""

import math
from collections.abc import Sequence
from statistics import fmean, median
from time import perf_counter_ns

import torch

from vidbench.measure.workload import Workload
from vidbench.records import MAX_SAMPLES, Measurement

WARM_UP_CALLS, WARM_UP_SECONDS = 2, 0.5
LATENCY_CALLS, LATENCY_SECONDS = 10, 1.0
WINDOWS, WINDOW_CALLS, WINDOW_SECONDS = 5, 2, 0.5


def measure_latency(workload: Workload, calls: int = LATENCY_CALLS, seconds: float = LATENCY_SECONDS) -> Measurement:
    """Seconds from handing over one batch to having its logits: the median of at least that many calls and seconds."""
    with workload.running():
        warmed_up = warm_up(workload)
        samples: list[float] = []
        while len(samples) < calls or sum(samples) < seconds:
            samples.append(time_calls(workload, 1))
    clock = "CUDA events" if workload.device.type == "cuda" else "perf_counter_ns"
    return Measurement(
        metric="latency",
        value=median(samples),
        unit="seconds",
        samples=thin(samples),
        details={**summarise(samples), "warm_up_calls": warmed_up},
        method=(
            f"median of single calls, each synchronised, timed by {clock}, after warm-up calls; "
            f"{describe_state(workload)}, the clip already on the device"
        ),
    )


def measure_throughput(workload: Workload) -> Measurement:
    """Clips a second with the queue kept full: the median of five windows of calls with one synchronisation each."""
    with workload.running():
        warmed_up = warm_up(workload)
        calls = max(WINDOW_CALLS, math.ceil(WINDOW_SECONDS / time_calls(workload, 1)))
        batch = workload.clips.shape[0]
        samples = [calls * batch / time_calls(workload, calls) for _ in range(WINDOWS)]
    return Measurement(
        metric="throughput",
        value=median(samples),
        unit="clips/s",
        samples=tuple(samples),
        details={**summarise(samples), "warm_up_calls": warmed_up, "window_calls": calls},
        method=(
            f"median of {WINDOWS} windows of calls queued back to back, one synchronisation at the end of each, "
            f"after warm-up calls; {describe_state(workload)}, the clip already on the device"
        ),
    )


def describe_state(workload: Workload) -> str:
    """What the calls do, for a method."""
    return "inference mode" if workload.task == "inference" else "forward and backward, no optimiser"


def warm_up(workload: Workload) -> int:
    """Call until caches, allocators and clocks have had some time; how many calls that took."""
    calls, seconds = 0, 0.0
    while calls < WARM_UP_CALLS or seconds < WARM_UP_SECONDS:
        seconds += time_calls(workload, 1)
        calls += 1
    return calls


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


def summarise(samples: Sequence[float]) -> dict[str, float]:
    """Count, mean, p90, least and greatest of all samples."""
    ordered = sorted(samples)
    rank = 0.9 * (len(ordered) - 1)
    below = ordered[math.floor(rank)]
    return {
        "count": len(ordered),
        "mean": fmean(ordered),
        "p90": below + (ordered[math.ceil(rank)] - below) * (rank % 1),
        "min": ordered[0],
        "max": ordered[-1],
    }


def thin(samples: Sequence[float]) -> tuple[float, ...]:
    """At most MAX_SAMPLES of the samples, evenly spaced over them."""
    count = min(len(samples), MAX_SAMPLES)
    return tuple(samples[index * len(samples) // count] for index in range(count))
