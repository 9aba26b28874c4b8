"""Runs of suites as files: where they are, what of a suite they hold, and how long what is missing will take."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from glob import escape
from pathlib import Path
from statistics import median
from typing import NamedTuple

from vidbench.records import FAILED, Case, Environment, Record
from vidbench.store import Results, read_all

FAILURES = tuple(FAILED)  # kinds
LEAST_SECONDS = 6.0  # building, warming up and sampling a case whose calls take no time to speak of
CALLS = 40  # that the others are made of, where calls take long


def name_machine(environment: Environment) -> str:
    """The folder of a machine's results: `AMD EPYC, 2 CPUs` is `amd-epyc-2cpus`."""
    name = environment.device.lower().replace(" cpus", "cpus")
    return re.sub(r"[^a-z0-9]+", "-", name).strip("-") or "unknown"


def run_path(folder: Path, machine: str, suite: str, time: datetime, identity: str) -> Path:
    """The file of one run of a suite; no two runs have the same."""
    return folder / machine / f"{suite}-{time:%Y%m%dT%H%M%SZ}-{identity}.jsonl"


def read_runs(folder: Path, machine: str | None, suite: str) -> Results:
    """All that earlier runs of the suite on this machine have measured, or on any where it is None.

    Raises:
        InputError: one of the files is no result file.
    """
    pattern = re.compile(rf"{re.escape(suite)}-\d{{8}}T\d{{6}}Z-\w+\.jsonl")
    found = sorted(folder.glob(f"{machine or '*'}/{escape(suite)}-*.jsonl"))
    return read_all(path for path in found if pattern.fullmatch(path.name))


def find_done(records: Iterable[Record], retry: Collection[str] = FAILURES) -> set[tuple[Case, str]]:
    """The cases, each with the key of its environment, that need not be measured: all but failures of those kinds."""
    return {
        (record.case, record.environment)
        for record in records
        if record.failure is None or record.failure.kind not in retry
    }


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds that cases will take: of `known` ones what they took before, of `guessed` ones what their MACs say."""

    seconds: float
    known: int
    guessed: int


class Expected(NamedTuple):
    """Seconds that a case will take, and whether it is `known` to have taken them before or guessed by its MACs."""

    seconds: float
    known: bool


def estimate(cases: Sequence[Case], records: Iterable[Record], macs: Callable[[Case], float | None]) -> Estimate:
    """How long the cases will take, by what records of this machine say about them or about others."""
    expected = expect_seconds(cases, records, macs)
    known = sum(one.known for one in expected)
    return Estimate(sum(one.seconds for one in expected), known, len(expected) - known)


def _whatever_run(case: Case) -> Case:
    return replace(case, repeat=0)


def expect_seconds(
    cases: Sequence[Case],
    records: Iterable[Record],
    macs: Callable[[Case], float | None],
    alike: Callable[[Case], Case] = _whatever_run,
) -> list[Expected]:
    """How long each case will take, by what records say about it or about others.

    Args:
        cases: to be measured.
        records: with the seconds that their cases took, and their latencies.
        macs: of one clip of a case; None where they depend on it.
        alike: gives the same for cases that take as long.
    """
    took: dict[Case, float] = {}
    rates: list[float] = []
    for record in records:
        if (elapsed := record.conditions.get("elapsed")) is not None:
            took[alike(record.case)] = float(elapsed)
        latency, work = record.figure("latency"), record.figure("macs")
        if latency and work:
            rates.append(work * record.case.batch / latency)
    rate = median(rates) if rates else 2e10

    def expect(case: Case) -> Expected:
        before = took.get(alike(case))
        if before is not None:
            return Expected(before, known=True)
        return Expected(LEAST_SECONDS + CALLS * (macs(case) or 0.0) * case.batch / rate, known=False)

    return [expect(case) for case in cases]


@dataclass(frozen=True, slots=True)
class FileSummary:
    """What a result file holds; `first` and `last` are the times of its records."""

    path: Path
    devices: tuple[str, ...]
    models: int
    records: int
    failed: int
    first: str
    last: str


def summarise_file(path: Path, results: Results) -> FileSummary:
    """What a result file holds."""
    times = sorted(record.time for record in results.records)
    return FileSummary(
        path=path,
        devices=tuple(dict.fromkeys(where.device for where in results.environments.values())),
        models=len({record.case.model for record in results.records}),
        records=len(results.records),
        failed=sum(record.failure is not None for record in results.records),
        first=times[0] if times else "",
        last=times[-1] if times else "",
    )


def find_superseded(records: Iterable[Record]) -> set[str]:
    """The ids of records whose case was measured again later in the same environment, or measured where they failed."""
    best: dict[tuple[Case, str, str | None], Record] = {}
    superseded: set[str] = set()
    for record in sorted(records, key=lambda one: (one.failure is None, one.time)):
        place = (record.case, record.environment, record.gpu_kind)
        if (earlier := best.get(place)) is not None:
            superseded.add(earlier.id)
        best[place] = record
    return superseded
