"""A suite as jobs of a cluster, before they are handed to it: its cases, how long they will take, and in which job."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from vidbench.cluster.folder import Manifest, SweepFolder, Task, create
from vidbench.cluster.kinds import find_kind
from vidbench.cluster.packing import pack, predict_seconds
from vidbench.records import Case, Record
from vidbench.runs import Estimate, read_runs
from vidbench.suites.files import Suite
from vidbench.suites.launchers import Slurm


@dataclass(frozen=True, slots=True)
class Job:
    """Some of a suite's cases, by their places in it; the seconds they will take, and the GPU kind they are for."""

    places: Sequence[int]
    seconds: float
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """A suite's cases in jobs.

    Attributes:
        tasks: the suite's cases, each with its footage; `auto` stays the device of what node there will be.
        jobs: that have them; each kind of GPU has jobs with all of them.
        estimate: how long all cases will take on one device, of that kind on which they take longest.
    """

    suite: Suite
    slurm: Slurm
    tasks: Sequence[Task]
    jobs: Sequence[Job]
    estimate: Estimate

    @property
    def cases(self) -> list[Case]:
        """What is to be measured, in the suite's order."""
        return [case for case, _ in self.tasks]

    @property
    def placed(self) -> list[Case]:
        """The same on the device that their nodes will have: `auto` is a GPU where jobs ask for one."""
        device = "cuda:0" if self.slurm.asks_for_gpus else "cpu"
        return [replace(case, device=device) if case.device == "auto" else case for case in self.cases]

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
            sizes=tuple(len(job.places) for job in self.jobs),
            kinds=tuple(job.kind for job in self.jobs),
            minutes=self.slurm.time,
            place=str(Path.cwd()),
            retry=None if retry is None else tuple(retry),
            options=self.slurm.name_options(),
        )
        jobs = [[self.tasks[place] for place in job.places] for job in self.jobs]
        return create(results, manifest, jobs, datetime.now(UTC))


def plan_spread(
    suite: Suite, results: Path, slurm: Slurm, device: str | None = None, kinds: Sequence[str] = ()
) -> Spread:
    """The suite's cases in jobs of about `slurm.job_time`, or half the time that Slurm gives a job if that is less.

    Args:
        suite: whose cases they are.
        results: the folder of earlier runs, which say how long cases take.
        slurm: what each job is to ask for.
        device: instead of the suite's.
        kinds: the kinds of GPUs that each have all cases; none for one that Slurm gives, or that `slurm.gres` names.

    Raises:
        InputError: an earlier run's file is none.
    """
    tasks = [(case if device is None else replace(case, device=device), footage) for case, footage in suite.cases]
    cases = [case for case, _ in tasks]
    earlier = read_runs(results, None, suite.name).records
    target = min(slurm.job_time, slurm.time * 60 / 2)
    jobs: list[Job] = []
    estimates: list[Estimate] = []
    wanted: Sequence[str | None] = kinds or [find_kind(slurm.gres)]
    for kind in wanted:
        expected = predict_seconds(cases, _choose(earlier, kind))
        seconds = [one.seconds for one in expected]
        known = sum(one.known for one in expected)
        estimates.append(Estimate(sum(seconds), known, len(expected) - known))
        jobs += [Job(places, sum(seconds[place] for place in places), kind) for places in pack(cases, seconds, target)]
    return Spread(suite, slurm, tasks, jobs, max(estimates, key=lambda one: one.seconds))


def _choose(earlier: Iterable[Record], kind: str | None) -> Sequence[Record]:
    """The records that tell how long cases take on a GPU of that kind: those of it, or of any where it has none."""
    every = list(earlier)
    return [record for record in every if record.gpu_kind == kind] or every
