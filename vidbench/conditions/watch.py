"""Watching the machine while samples are taken: between them, never beside one."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

from vidbench.conditions.disturbance import SHORTEST, find_disturbances, others
from vidbench.conditions.gpu import Address
from vidbench.conditions.reading import Reader, Reading, open_machine
from vidbench.conditions.summary import describe_reading, describe_readings
from vidbench.records import DISTURBED, Measurement

PAUSE = 0.2  # seconds between readings at least
COST = 0.01  # share of the time that readings may take
TOLERATED = 0.05  # share of the samples that may be disturbed without a word
READINGS = 10_000  # kept of one case


class Window:
    """The samples of one figure: which of them were disturbed, and by what."""

    def __init__(self, read: Callable[[], Reading], clock: Callable[[], float]) -> None:
        self.samples = 0
        self.disturbed = 0
        self.disturbances: Counter[str] = Counter()  # samples of each
        self._read, self._clock = read, clock
        self._pending = 0  # samples since the last reading
        self._before: Reading | None = None
        self._last = read()
        self._next = clock() + PAUSE

    def tick(self) -> None:
        """A sample has been taken: read the machine if it was not read for a while."""
        self.samples += 1
        self._pending += 1
        if self._clock() >= self._next:
            self._look()

    def close(self) -> None:
        """The last sample has been taken."""
        if self._pending:
            self._look()

    def _look(self) -> None:
        begun = self._clock()
        reading = self._read()
        ended = self._clock()
        self._next = ended + max(PAUSE, (ended - begun) / COST)
        since = self._last
        if reading.time - since.time < SHORTEST and self._before is not None:
            since = self._before  # what is too short to judge shares the time before it
        if found := find_disturbances(since, reading):
            self.disturbed += self._pending
            self.disturbances.update(dict.fromkeys(found, self._pending))
        self._before, self._last, self._pending = self._last, reading, 0

    @property
    def details(self) -> dict[str, Any]:
        """For a measurement: how many samples there were, how many were disturbed, and how many by what."""
        disturbances = dict(self.disturbances.most_common())
        return {"watched": self.samples, "disturbed": self.disturbed, "disturbances": disturbances}

    @property
    def caveats(self) -> tuple[str, ...]:
        """What must be said of the figure where more than a few were."""
        return doubt_details(self.details)


class Watch:
    """Reads the machine before, during and after what is measured in one case.

    Args:
        gpu: the GPU that is measured on, if it is one.
        read: what reads the machine.
        clock: seconds that go on.
    """

    def __init__(
        self,
        gpu: Address | None = None,
        read: Reader | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._read = read or open_machine(gpu)
        self._clock = clock
        self._before = self._read(thoroughly=True)
        self._during: list[Reading] = []
        self._shares: list[float] = []

    @contextmanager
    def window(self) -> Iterator[Window]:
        """A window of samples: tick() it after each."""
        own: list[Reading] = []

        def read() -> Reading:
            own.append(self._read())
            return own[-1]

        window = Window(read, self._clock)
        try:
            yield window
            window.close()
        finally:
            room = max(0, READINGS - len(self._during))
            self._during += own[:room]
            shares = (others(*pair) for pair in pairwise(own))
            self._shares += [share for share in shares if share is not None][:room]

    def describe(self) -> dict[str, Any]:
        """The conditions for a record, in base units, without what is unknown: before, during and after."""
        told = {
            "before": describe_reading(self._before),
            "during": describe_readings(self._during, self._shares),
            "after": describe_reading(self._read(thoroughly=True)),
        }
        return {name: part for name, part in told.items() if part}


def add_details(several: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The details of several figures' windows as those of one; the most frequent disturbance comes first."""
    told = list(several)
    disturbances = sum((Counter(one["disturbances"]) for one in told), Counter[str]())
    return {
        "watched": sum(one["watched"] for one in told),
        "disturbed": sum(one["disturbed"] for one in told),
        "disturbances": dict(disturbances.most_common()),
    }


def doubt_details(details: Mapping[str, Any]) -> tuple[str, ...]:
    """A caveat where more than 5% of the samples were disturbed."""
    watched, disturbed = details["watched"], details["disturbed"]
    if disturbed <= TOLERATED * watched:
        return ()
    told = ", ".join(f"{name} ({count / watched:.0%})" for name, count in details["disturbances"].items())
    return (f"{DISTURBED}: {disturbed} of {watched} samples were taken beside or under {told}",)


def mark_all(measurement: Measurement, disturbance: str) -> Measurement:
    """The figure with that disturbance of each of its samples; unchanged where its samples are not watched."""
    details = measurement.details
    if "watched" not in details:
        return measurement
    watched = details["watched"]
    marked = {**details, "disturbed": watched, "disturbances": {disturbance: watched, **details["disturbances"]}}
    others = tuple(caveat for caveat in measurement.caveats if not caveat.startswith(f"{DISTURBED}:"))
    return replace(measurement, details=marked, caveats=(*others, *doubt_details(marked)))
