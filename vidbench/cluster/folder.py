"""What a suite's run on a cluster has on the shared filesystem: its plan, its jobs' cases, and what each job wrote.

    results/sweeps/<suite>-<utc>-<id>/
        sweep.json             the suite, how its cases are measured, how many each job has
        jobs/0003.json         the cases of a job
        jobs/0003.1.records    what its first attempt measured, as a result file; a job that was begun again has more
        jobs/0003.1.journal    which case that attempt began and ended, and how it was ended itself
        submissions/0.json     which jobs the first array of Slurm has, by their indices in it
        logs/                  of submitit and Slurm

No two processes write into the same file.
"""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from vidbench.errors import InputError
from vidbench.records import Case, Footage

PLACE = "sweeps"  # among the folders of machines


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What all jobs of a run have in common.

    Attributes:
        sizes: how many cases each job has.
        minutes: that Slurm gives each job.
        place: the folder that jobs are run in, where nets of users' own are found.
        retry: the kinds of failures that are measured again; None where what earlier runs measured is, too.
        options: by which Slurm is asked for its jobs, as submitit names them.
    """

    suite: str
    metrics: tuple[str, ...] | None
    precision: float
    timeout: float
    sizes: tuple[int, ...]
    minutes: int
    place: str
    retry: tuple[str, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


Task = tuple[Case, Footage]


@dataclass(frozen=True, slots=True)
class SweepFolder:
    """The folder of one run, in the folder of results."""

    path: Path

    @property
    def name(self) -> str:
        """By which it is asked for, and its jobs are known to Slurm."""
        return self.path.name

    @property
    def results(self) -> Path:
        """The folder of results that it is in."""
        return self.path.parents[1]

    @property
    def logs(self) -> Path:
        """The folder of what jobs print."""
        return self.path / "logs"

    def manifest(self) -> Manifest:
        """What was planned.

        Raises:
            InputError: the plan cannot be read.
        """
        try:
            table = json.loads((self.path / "sweep.json").read_text("utf-8"))
            lists = {key: tuple(value) for key, value in table.items() if isinstance(value, list)}
            return Manifest(**{**table, **lists})
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise InputError(f"{self.path / 'sweep.json'} cannot be read as the plan of a run: {error}") from error

    def read_job(self, number: int) -> list[Task]:
        """The cases of a job, each with its footage."""
        table = json.loads((self.path / "jobs" / f"{number:04}.json").read_text("utf-8"))
        return [
            (Case(**one["case"]), Footage(**{**one["footage"], "sources": tuple(one["footage"]["sources"])}))
            for one in table
        ]

    def records(self, number: int, attempt: int) -> Path:
        """What one attempt at a job measured."""
        return self.path / "jobs" / f"{number:04}.{attempt}.records"

    def journal(self, number: int, attempt: int) -> Path:
        """How one attempt at a job went."""
        return self.path / "jobs" / f"{number:04}.{attempt}.journal"

    def begin_attempt(self, number: int) -> int:
        """Make the journal of a new attempt at a job, which no other process has; its number, from 1."""
        attempt = 1
        while True:
            with suppress(FileExistsError):
                self.journal(number, attempt).touch(exist_ok=False)
                return attempt
            attempt += 1

    def attempts(self, number: int) -> int:
        """How many attempts at a job there were."""
        attempt = 0
        while self.journal(number, attempt + 1).exists():
            attempt += 1
        return attempt

    def submissions(self) -> list[tuple[str, list[int]]]:
        """The arrays that were handed to Slurm: the name of each, and its jobs by their indices in it."""
        return list(self._read_submissions())

    def _read_submissions(self) -> Iterator[tuple[str, list[int]]]:
        number = 0
        while (path := self.path / "submissions" / f"{number}.json").exists():
            yield f"{self.name}.{number}", json.loads(path.read_text("utf-8"))["jobs"]
            number += 1

    def add_submission(self, jobs: Sequence[int]) -> str:
        """Note that these jobs are about to be handed to Slurm; the name of their array."""
        number = len(self.submissions())
        _write(self.path / "submissions" / f"{number}.json", {"jobs": list(jobs)})
        return f"{self.name}.{number}"


def create(results: Path, manifest: Manifest, jobs: Sequence[Sequence[Task]], time: datetime) -> SweepFolder:
    """Write a plan that jobs can begin with.

    Raises:
        InputError: the folder cannot be written.
    """
    path = results.absolute() / PLACE / f"{manifest.suite}-{time:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}"
    try:
        for folder in ("jobs", "submissions", "logs"):
            (path / folder).mkdir(parents=True)
        for number, tasks in enumerate(jobs):
            lines = [{"case": asdict(case), "footage": asdict(footage)} for case, footage in tasks]
            _write(path / "jobs" / f"{number:04}.json", lines)
        _write(path / "sweep.json", asdict(manifest))
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}; give a folder that all nodes share by --results"
        ) from error
    return SweepFolder(path)


def _write(path: Path, table: Any) -> None:
    path.write_text(json.dumps(table, ensure_ascii=False) + "\n", "utf-8")


def find_sweep(results: Path, name: str) -> SweepFolder:
    """The run of that name, or whose name ends so.

    Raises:
        InputError: there is none, or several.
    """
    place = results.absolute() / PLACE
    there = sorted(path for path in place.glob("*") if (path / "sweep.json").exists())
    found = [path for path in there if path.name == name] or [path for path in there if path.name.endswith(f"-{name}")]
    if len(found) == 1:
        return SweepFolder(found[0])
    known = (
        "; there is none" if not there else f"; the last is {max(there, key=lambda path: path.stat().st_mtime).name}"
    )
    raise InputError(f"no run {name!r} in {place}{known}; --results names another folder of results")
