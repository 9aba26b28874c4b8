"""Latency and throughput as vidbench takes them, against a bare loop over the same module in the same process.

Run: python benchmarks/overhead.py [ROUNDS].
"""

import sys
import time
from statistics import median

import torch
from side_by_side import compare, show

import vidbench
from vidbench.measure import Workload, make_measurers

NETS = (("x3d-xs", 4, 160), ("x3d-m", 16, 112), ("vov3d-m", 8, 112), ("slow-4x16-r50", 4, 112), ("slowfast", 16, 112))
AS_LONG = 0.99  # a precision that is reached at once, so that both sides take as many samples


def bare_latency(net: torch.nn.Module, clip: torch.Tensor) -> float:
    """Median seconds of single calls, at least ten and a second of them, after half a second of warm-up."""
    samples: list[float] = []
    with torch.inference_mode():
        warm = time.perf_counter()
        while time.perf_counter() - warm < 0.5:
            net(clip)
        while len(samples) < 10 or sum(samples) < 1:
            begin = time.perf_counter()
            net(clip)
            samples.append(time.perf_counter() - begin)
    return median(samples)


def bare_throughput(net: torch.nn.Module, clip: torch.Tensor) -> float:
    """Clips a second: the median of six windows of half a second of calls, after half a second of warm-up."""
    windows = []
    with torch.inference_mode():
        warm = time.perf_counter()
        while time.perf_counter() - warm < 0.5:
            net(clip)
        for _ in range(6):
            begin, calls = time.perf_counter(), 0
            while calls < 2 or time.perf_counter() - begin < 0.5:
                net(clip)
                calls += 1
            windows.append(calls / (time.perf_counter() - begin))
    return median(windows)


def main() -> None:
    """A line a net and metric, and the median over all."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    measurers = make_measurers(AS_LONG)
    bare = {"latency": bare_latency, "throughput": bare_throughput}
    everything: dict[str, list[float]] = {metric: [] for metric in bare}
    for name, frames, size in NETS:
        net, clip = vidbench.build(name), torch.randn(1, 3, frames, size, size)
        workload = Workload(net, clip, torch.device("cpu"))
        for metric, loop in bare.items():
            *_, ratios = compare(
                lambda metric=metric: measurers[metric](workload).value,
                lambda loop=loop: loop(net, clip),
                rounds,
                clock=lambda action: action(),
            )
            everything[metric] += ratios
            show(f"{name} {frames}x{size}: {metric}, vidbench / bare loop", ratios, "within 1%")
    for metric, ratios in everything.items():
        show(f"all nets: {metric}, vidbench / bare loop", sorted(ratios), "within 1%")


if __name__ == "__main__":
    main()
