"""How often an interval holds the median of many processes: that of one process, and that of `--repeats 5`.

Five cases are each measured in 20 processes, in rounds over all cases as `--repeats` does it. Then one of them is
measured beside processes that load every core, and has to be marked.

Run: python benchmarks/repeatability.py [FILE], on a quiet machine; records are added to FILE, if one is given.
"""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

from vidbench.catalog import find_variant
from vidbench.records import Case, Environment, Footage, Record
from vidbench.run import Plan, prepare, run_cases
from vidbench.run.processes import Processes
from vidbench.statistics import median_interval, quantile, relative_precision
from vidbench.store import Writer
from vidbench.suites import expand_grid

CASES = (("x3d-xs", 4, 160), ("x3d-m", 16, 112), ("vov3d-m", 8, 112), ("slow-4x16-r50", 4, 112), ("tsn-r50", 4, 112))
PROCESSES, REPEATS = 20, 5
BUSY = "while True: pass"


class Coverage(NamedTuple):
    """How many intervals hold the median of all processes, of how many, and how far they typically reach."""

    held: int
    all: int
    reach: float


def cover(intervals: Sequence[tuple[float, float]], reaches: Sequence[float], truth: float) -> Coverage:
    """How many of the intervals hold the truth."""
    return Coverage(sum(low <= truth <= high for low, high in intervals), len(intervals), median(reaches))


def judge(records: Sequence[Record]) -> tuple[Coverage, Coverage, float]:
    """Of one case's processes: their own intervals, those of five at a time, and the quartiles' distance in between."""
    timed = [one for record in records if (one := record.measurement("latency")) and isinstance(one.value, float)]
    figures = [float(one.value) for one in timed if isinstance(one.value, float)]
    truth = median(figures)
    own = [tuple(one.details["interval"]) for one in timed]
    groups = [figures[start : start + REPEATS] for start in range(0, len(figures), REPEATS)]
    between = [median_interval(group) for group in groups]
    reaches = [relative_precision(group, interval) for group, interval in zip(groups, between, strict=True)]
    ordered = sorted(figures)
    spread = (quantile(ordered, 0.75) - quantile(ordered, 0.25)) / truth
    return (
        cover(own, [one.details["precision"] for one in timed], truth),
        cover([(one.low, one.high) for one in between], reaches, truth),
        spread,
    )


def measure(cases: Sequence[Case], path: Path | None = None) -> list[Record]:
    """The cases' latencies, each in a process of its own."""
    records: list[Record] = []
    with Processes() as processes, ExitStack() as stack:
        file = stack.enter_context(path.open("a", encoding="utf-8")) if path else None
        writer = Writer(file) if file else None
        jobs, metrics = prepare(cases, ["latency"], Footage(), processes)
        for record, environment in run_cases(jobs, Plan(metrics=metrics), processes=processes):
            assert isinstance(environment, Environment)
            assert record.failure is None, record.failure
            records.append(record)
            if writer:
                writer.append(record, environment)
    return records


def main() -> None:
    """A line a case, the sums of both kinds of intervals, and what a busy neighbour does."""
    cases = [
        case
        for name, frames, size in CASES
        for case in expand_grid([find_variant(name)], frames=[frames], sizes=[size], repeats=PROCESSES, device="cpu")
    ]
    cases.sort(key=lambda case: case.repeat)
    records = measure(cases, Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    totals = {"own": [0, 0], "between": [0, 0]}
    for name, frames, size in CASES:
        of_case = [record for record in records if (record.case.model, record.case.frames) == (name, frames)]
        own, between, spread = judge(of_case)
        for kind, coverage in (("own", own), ("between", between)):
            totals[kind][0] += coverage.held
            totals[kind][1] += coverage.all
        print(
            f"{name} {frames}x{size}: one process's interval reaches {own.reach:.2%} and holds the median of "
            f"{PROCESSES} processes {own.held} of {own.all} times; that of {REPEATS} runs {between.reach:.2%}, "
            f"{between.held} of {between.all}; between processes the quartiles are {spread:.2%} apart",
            flush=True,
        )
    own, between = (f"{held} of {everything} times" for held, everything in totals.values())
    print(f"all: one process's interval holds it {own}; that of --repeats {REPEATS} {between} (at least 17 of 20)")
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(psutil.cpu_count() or 1)]
    try:
        (beside,) = measure(cases[:1])
    finally:
        for process in busy:
            process.kill()
    timed = beside.measurement("latency")
    assert timed is not None
    print(f"beside {len(busy)} processes that load the cores: {'; '.join(timed.caveats) or 'NOT MARKED'}")


if __name__ == "__main__":
    main()
