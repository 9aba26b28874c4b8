"""Latency and throughput as vidbench takes them, against a bare loop over the same module in the same process.

The two alternate call by call, and window by window: beside each call that vidbench times stands a bare one, before it
or after it in turns, so that a machine whose speed drifts drifts for both.

Run: python benchmarks/overhead.py [ROUNDS].
"""

import sys
import time
from statistics import median

import torch
from side_by_side import show

import vidbench
from vidbench.measure import Workload
from vidbench.measure.timing import LATENCY, THROUGHPUT, measure_latency, measure_throughput, time_calls

NETS = (("x3d-xs", 4, 160), ("x3d-m", 16, 112), ("vov3d-m", 8, 112), ("slow-4x16-r50", 4, 112), ("slowfast", 16, 112))
AS_LONG = 0.99  # a precision that is reached at once
SECONDS = 4.0  # of latency's samples


class Beside:
    """A clock for vidbench that also times a bare loop of as many calls, right before or after."""

    def __init__(self, net: torch.nn.Module, clip: torch.Tensor) -> None:
        self.net, self.clip = net, clip
        self.samples: list[float] = []

    def __call__(self, workload: Workload, calls: int) -> float:
        """Seconds as vidbench's own clock has them."""
        if len(self.samples) % 2:
            seconds = time_calls(workload, calls)
            self.samples.append(self.bare(calls))
        else:
            self.samples.append(self.bare(calls))
            seconds = time_calls(workload, calls)
        return seconds

    def bare(self, calls: int) -> float:
        """Seconds of so many calls, with nothing around them."""
        with torch.inference_mode():
            begin = time.perf_counter()
            for _ in range(calls):
                self.net(self.clip)
            return time.perf_counter() - begin


def compare(metric: str, net: torch.nn.Module, clip: torch.Tensor) -> float:
    """The figure that vidbench gives over that of the bare loop, of the same calls' neighbours."""
    clock, workload = Beside(net, clip), Workload(net, clip, torch.device("cpu"))
    if metric == "latency":
        effort = type(LATENCY)(calls=LATENCY.calls, seconds=SECONDS, budget=2 * SECONDS, precision=AS_LONG)
        found = measure_latency(workload, effort, clock)
        bare = median(clock.samples[-found.details["count"] :])
    else:
        found = measure_throughput(workload, THROUGHPUT.to(AS_LONG), clock)
        bare = found.details["window_calls"] / median(clock.samples[-found.details["count"] :])
    assert isinstance(found.value, float)
    return found.value / bare


def main() -> None:
    """A line a net and metric, and the median over all."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    everything: dict[str, list[float]] = {"latency": [], "throughput": []}
    for name, frames, size in NETS:
        net, clip = vidbench.build(name), torch.randn(1, 3, frames, size, size)
        for metric, every in everything.items():
            ratios = sorted(compare(metric, net, clip) for _ in range(rounds))
            every.extend(ratios)
            show(f"{name} {frames}x{size}: {metric}, vidbench / bare loop", ratios, "within 1%")
    for metric, ratios in everything.items():
        show(f"all nets: {metric}, vidbench / bare loop", sorted(ratios), "within 1%")


if __name__ == "__main__":
    main()
