"""Results of made-up runs, for tests of what is compared."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from examples import environment, latency, macs, record

from vidbench.gates import Judgement, Limits, judge
from vidbench.records import Environment, Failure, Record
from vidbench.store import Results

HERE = environment()
_IDS = itertools.count()


def run(*measurements: Any, **changes: Any) -> Record:
    """A record with an id and a time of its own."""
    number = next(_IDS)
    made = record(*measurements, **changes)
    return replace(made, id=f"r{number}", time=f"2026-11-21T10:{number // 60 % 60:02}:{number % 60:02}+00:00")


def timed(seconds: Sequence[float], count: float = 4.73e9, **changes: Any) -> list[Record]:
    """Runs of one case with these latencies."""
    return [run(macs(count), latency(value), repeat=number, **changes) for number, value in enumerate(seconds)]


def fallen(message: str = "SIGABRT", **changes: Any) -> Record:
    """A run that crashed."""
    return run(failure=Failure(kind="crash", message=message), **changes)


def results(*records: Record, place: Environment = HERE, key: str = "k1") -> Results:
    """Records that were all taken in one place."""
    return Results(tuple(replace(one, environment=key) for one in records), {key: place})


def around(middle: float, count: int = 10, step: float = 0.001) -> list[float]:
    """That many figures around a middle, in an order without a trend; neighbours are `step` of it apart."""
    offsets = sorted(range(count), key=lambda number: number * 7 % 23)
    return [middle * (1 + step * (offset - (count - 1) / 2)) for offset in offsets]


def judgement_of_all() -> Judgement:
    """One check of each verdict, and one with characters that formats have to escape."""
    old = [*timed(around(1.0)), *timed(around(1.0), frames=8), *timed(around(1.0), frames=4)]
    new = [*timed(around(2.0)), *timed(around(1.0, step=0.05), frames=8), *timed([1.0], frames=32)]
    awkward = fallen("died | at 100%\n::error::<b>\x00&", frames=4)
    return judge(results(*old), results(*new, awkward), Limits({"macs": 0.0, "latency": 0.03}))
