"""What a process of its own costs a case beyond building and measuring: 20 small cases, against all in one process.

Run: python benchmarks/isolation.py [ROUNDS].
"""

import sys
import time
from statistics import median

import torch

from vidbench.catalog import find_variant
from vidbench.records import Footage
from vidbench.run import Plan, prepare, run_cases
from vidbench.run.processes import Processes
from vidbench.suites import expand_grid

CASES = 20
METRICS = ("params", "macs", "peak_memory")  # latency takes its second and a half, wherever it is measured


def main() -> None:
    """A line a round, then the median cost of a case."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    sizes = range(32, 32 + CASES)
    cases = expand_grid([find_variant("x3d-xs")], frames=[4], sizes=list(sizes), device="cpu")
    print(f"{CASES} cases of x3d-xs, 4 frames of 32 to {sizes[-1]}: {', '.join(METRICS)}; {torch.__version__}")
    costs = []
    for turn in range(rounds):
        seconds = {}
        for isolated in (True, False) if turn % 2 else (False, True):
            begin = time.perf_counter()
            with Processes() as processes:
                own = processes if isolated else None
                jobs, metrics = prepare(cases, METRICS, Footage(), own)
                # One run a case, so that a net is built for each on both sides.
                records = [
                    record for job in jobs for record, _ in run_cases([job], Plan(metrics=metrics), processes=own)
                ]
            seconds[isolated] = time.perf_counter() - begin
            assert not any(record.failure for record in records)
        costs.append((seconds[True] - seconds[False]) / CASES)
        print(
            f"in processes of their own {seconds[True]:.1f} s, in one {seconds[False]:.1f} s: "
            f"{costs[-1]:+.3f} s a case, the start of their server in it",
            flush=True,
        )
    print(f"median of {rounds} rounds: {median(costs):+.3f} s a case (at most 0.5)")


if __name__ == "__main__":
    main()
