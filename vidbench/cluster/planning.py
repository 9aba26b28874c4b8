"""A suite as jobs of a cluster, before they are handed to it: its cases, how long they will take, and in which job."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from vidbench.cluster.folder import Manifest, SweepFolder, Task, create
from vidbench.cluster.packing import pack, predict_seconds
from vidbench.records import Case
from vidbench.runs import Estimate, Expected, read_runs
from vidbench.suites.files import Suite
from vidbench.suites.launchers import Slurm


@dataclass(frozen=True, slots=True)
class Spread:
    """A suite's cases in jobs.

    Attributes:
        tasks: the suite's cases, each with its footage; `auto` stays the device of what node there will be.
        expected: how long each will take.
        jobs: the places of the tasks that each job has.
    """

    suite: Suite
    slurm: Slurm
    tasks: Sequence[Task]
    expected: Sequence[Expected]
    jobs: Sequence[Sequence[int]]

    @property
    def cases(self) -> list[Case]:
        """What is to be measured, in the suite's order."""
        return [case for case, _ in self.tasks]

    @property
    def estimate(self) -> Estimate:
        """How long all cases will take on one device."""
        known = sum(one.known for one in self.expected)
        return Estimate(sum(one.seconds for one in self.expected), known, len(self.expected) - known)

    def create(self, results: Path, retry: Sequence[str] | None, timeout: float | None = None) -> SweepFolder:
        """Write it into the folder of results.

        Args:
            results: the folder, on a filesystem that all nodes share.
            retry: the kinds of failures of earlier runs that are measured again; None to measure all again.
            timeout: seconds after which a case is ended, instead of the suite's.

        Raises:
            InputError: it cannot be written there.
        """
        manifest = Manifest(
            suite=self.suite.name,
            metrics=self.suite.metrics,
            precision=self.suite.precision,
            timeout=timeout or self.suite.timeout,
            sizes=tuple(len(job) for job in self.jobs),
            minutes=self.slurm.time,
            place=str(Path.cwd()),
            retry=None if retry is None else tuple(retry),
            options=self.slurm.name_options(),
        )
        return create(results, manifest, [[self.tasks[place] for place in job] for job in self.jobs], datetime.now(UTC))


def plan_spread(suite: Suite, results: Path, slurm: Slurm, device: str | None = None) -> Spread:
    """The suite's cases in jobs of about `slurm.job_time`, or half the time that Slurm gives a job if that is less.

    Raises:
        InputError: an earlier run's file is none.
    """
    tasks = [(case if device is None else replace(case, device=device), footage) for case, footage in suite.cases]
    cases = [case for case, _ in tasks]
    expected = predict_seconds(cases, read_runs(results, None, suite.name).records)
    target = min(slurm.job_time, slurm.time * 60 / 2)
    jobs = pack(cases, [one.seconds for one in expected], target)
    return Spread(suite, slurm, tasks, expected, jobs)
