"""What a suite's run on a cluster has on the shared filesystem: its plan, its jobs' cases, and what each job wrote.

    results/sweeps/<suite>-<utc>-<id>/
        sweep.json             the suite, how its cases are measured, how many each job has
        jobs/0003.json         the cases of a job
        jobs/0003.1.records    what its first attempt measured, as a result file; a job that was begun again has more
        jobs/0003.1.journal    which case that attempt began and ended, and how it was ended itself
        submissions/0.json     the jobs of an array of Slurm by their indices in it, and how often each had been tried
        logs/                  of submitit and Slurm

No two processes write into the same file.
"""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
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
        kinds: the kind of GPU that each job is for, None where it may be any.
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
    kinds: tuple[str | None, ...] = ()
    retry: tuple[str, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def kind(self, number: int) -> str | None:
        """The kind of GPU that a job is for."""
        return self.kinds[number] if self.kinds else None


Task = tuple[Case, Footage]


@dataclass(frozen=True, slots=True)
class Submission:
    """An array in Slurm: its name there, its jobs by their indices in it, and how often each had been tried before."""

    name: str
    jobs: tuple[int, ...]
    tried: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SweepFolder:
    """The folder of one run, in the folder of results."""

    path: Path

    @property
    def name(self) -> str:
        """By which it is asked for."""
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

    def submissions(self) -> list[Submission]:
        """The arrays that were handed to Slurm, in their order."""
        found: list[Submission] = []
        while (path := self._submission(len(found))).exists():
            table = json.loads(path.read_text("utf-8"))
            found.append(Submission(self._name_array(len(found)), tuple(table["jobs"]), tuple(table["tried"])))
        return found

    def add_submission(self, jobs: Sequence[int]) -> str:
        """Note that these jobs are about to be handed to Slurm; the name of their array."""
        number = len(self.submissions())
        _write(self._submission(number), {"jobs": list(jobs), "tried": [self.attempts(job) for job in jobs]})
        return self._name_array(number)

    def first_attempts(self) -> dict[int, int]:
        """The first attempt at each job since it was last handed to Slurm: what was in its way before may be mended."""
        return {job: tried + 1 for one in self.submissions() for job, tried in zip(one.jobs, one.tried, strict=True)}

    def _submission(self, number: int) -> Path:
        return self.path / "submissions" / f"{number}.json"

    def _name_array(self, number: int) -> str:
        """A name that no command of Slurm takes for several."""
        return re.sub(r"[^\w.-]", "_", f"{self.name}.{number}", flags=re.ASCII)


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
    """In one step: jobs may be reading."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(json.dumps(table, ensure_ascii=False) + "\n", "utf-8")
    beside.replace(path)


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
