"""What it costs to hand freed memory back: latency, page faults and spread between processes, with it kept and not.

Run: python benchmarks/heap.py [MODEL FRAMES SIZE ...]; processes of both kinds in turns, some three seconds each.
"""

import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from vidbench.statistics import spread_of

CASES = (("x3d-m", 16, 224), ("vov3d-l", 16, 224), ("tsn-r50", 8, 224), ("x3d-s", 8, 96), ("tadaconvnextv2-t", 8, 112))
PROCESSES = 8
SCRIPT = """
import resource, sys, time
from statistics import median
import torch, vidbench
from vidbench.heap import keep_freed_memory

keep_freed_memory()
name, frames, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
net, clip, samples = vidbench.build(name, frames=frames, size=size), torch.randn(1, 3, frames, size, size), []
with torch.inference_mode():
    end = time.monotonic() + 1
    while time.monotonic() < end:
        net(clip)
    faults, end = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, time.monotonic() + 2
    while time.monotonic() < end:
        begun = time.perf_counter()
        net(clip)
        samples.append(time.perf_counter() - begun)
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
print(median(samples), faults / len(samples))
"""


def take(heap: str, case: tuple[str, int, int]) -> tuple[float, float]:
    """Median seconds of a call in a new process, and its page faults a call."""
    settings = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "VIDBENCH_HEAP": heap}
    command = [sys.executable, "-P", "-c", SCRIPT, *map(str, case)]
    told = subprocess.run(command, env=settings, capture_output=True, text=True, check=True).stdout.split()
    return float(told[0]), float(told[1])


def main() -> None:
    """A line a case."""
    asked = sys.argv[1:]
    cases = [(asked[i], int(asked[i + 1]), int(asked[i + 2])) for i in range(0, len(asked), 3)] or CASES
    for case in cases:
        taken = [(take("system", case), take("kept", case)) for _ in range(PROCESSES)]
        lines = []
        for heap, runs in zip(("handed back", "kept"), zip(*taken, strict=True), strict=True):
            seconds = [run[0] for run in runs]
            lines.append(
                f"{heap} {1e3 * median(seconds):.1f} ms, {median(run[1] for run in runs):,.0f} page faults a call, "
                f"spread between processes {spread_of(seconds):.1%}"
            )
        ratio = median(system[0] / kept[0] for system, kept in taken)
        print(f"{case[0]} {case[1]}x{case[2]}: {'; '.join(lines)}; {ratio:.2f} times as long", flush=True)


if __name__ == "__main__":
    main()
