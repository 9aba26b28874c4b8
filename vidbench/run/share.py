"""A job of a suite's run on a cluster: its share of the cases, measured as anywhere, and begun again where it fell."""

import os
import signal
import socket
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from vidbench.cluster.folder import Manifest, SweepFolder, Task
from vidbench.cluster.journal import MOST_FALLS, Fall, Journal, find_falls
from vidbench.environment import check_device, key
from vidbench.errors import InputError
from vidbench.metrics import ADAPTIVE, select_metrics
from vidbench.modes import check_mode
from vidbench.records import SYNTHETIC, Case, Clip, Environment, Failure, Record
from vidbench.run.local import Job, check_adaptive, run_cases
from vidbench.run.offers import applies, find_lengths, offer
from vidbench.run.places import locate
from vidbench.run.plan import Plan
from vidbench.run.processes import Processes
from vidbench.run.requested import check_request
from vidbench.run.sweep import prepare_tasks
from vidbench.run.worker import is_adaptive, make_record
from vidbench.runs import find_done, name_machine, read_runs
from vidbench.store import Writer, read_results

GRACE = 1.0  # seconds between the first and the last of a job's processes that Slurm tells to end
WHOLE = 0.5  # of a job's time: a case that had as much for itself and was not done is too slow for such jobs

Place = tuple[str, str, int | None]  # a device, a precision and a number of threads


class Share:
    """What submitit runs on a node; sent there by name, with the folder of the run and the number of the job."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder = folder
        self.number = number
        self._attempt: Attempt | None = None

    def __call__(self) -> None:
        """Measure what of the job is not measured yet."""
        signal.signal(signal.SIGTERM, self._end)
        self._attempt = Attempt(SweepFolder(self.folder), self.number)
        self._attempt.run()

    def checkpoint(self) -> Any:
        """Called by submitit where the job's time is over, or another takes its place: what is to be run after that."""
        from submitit.helpers import DelayedSubmission

        if self._attempt is not None:
            self._attempt.stop(timed=True)
        return DelayedSubmission(Share(self.folder, self.number))

    def _end(self, number: int, _: Any) -> None:
        if self._attempt is not None:
            self._attempt.stop(timed=False)
        raise SystemExit(128 + number)


class Attempt:
    """One go at a job, from what earlier ones left to the end of its cases, or of itself."""

    def __init__(self, folder: SweepFolder, number: int) -> None:
        self._begun = monotonic()
        self._folder, self._number = folder, number
        self._manifest = folder.manifest()
        self._attempt = folder.begin_attempt(number)
        self._where = {"node": os.environ.get("SLURMD_NODENAME") or socket.gethostname(), "job": _name_job()}
        self._kind = self._manifest.kind(number)
        self._where |= {"gpu_kind": self._kind} if self._kind else {}
        self._journal = Journal(folder.journal(number, self._attempt), **self._where, pid=os.getpid())
        self._place: int | None = None  # of the case that is being measured
        self._measured = 0

    def stop(self, *, timed: bool) -> None:
        """Note that it is ended from outside; `timed` is whether it may be for want of time."""
        took = monotonic() - self._begun
        fell = timed and self._measured == 0 and self._place is not None and took > WHOLE * self._manifest.minutes * 60
        with suppress(OSError):  # all is done, or the disk is full
            self._journal.stop(self._place, fell=fell)

    def run(self) -> None:
        """Measure what of the job is not measured yet, into a file of its own."""
        tasks = self._folder.read_job(self._number)
        first = self._folder.first_attempts().get(self._number, 1)
        before = find_falls(self._folder, self._number, range(1, first))
        lately = find_falls(self._folder, self._number, range(first, self._attempt))
        if sum(fall.place is None for fall in lately) >= MOST_FALLS:
            self._journal.refuse("its process or node went down twice before a case began; see its log")
            return
        with closing(self._journal), Processes(self._manifest.timeout) as processes:
            try:
                jobs, plan = _prepare(tasks, self._manifest, processes)
            except InputError as error:
                self._journal.refuse(str(error))
                return
            try:
                self._run(jobs, plan, before + lately, processes)
            except Exception:  # such as a full disk, which is no fault of the case
                with suppress(OSError):
                    self._journal.stop(self._place, fell=False)
                raise

    def _run(self, jobs: Sequence[Job], plan: Plan, falls: Iterable[Fall], processes: Processes) -> None:
        places = locate([case for case, _ in jobs], processes)
        there = self._read_measured()
        by_others = self._find_measured_before(places)
        fallen = Counter(fall.place for fall in falls)
        left = []
        with self._folder.records(self._number, self._attempt).open("x", encoding="utf-8", newline="") as file:
            writer = Writer(file)

            def write(place: int, record: Record, environment: Environment) -> None:
                writer.append(replace(record, conditions={**record.conditions, **self._where}), environment)
                os.fsync(file.fileno())
                self._journal.end(place, record.failure.kind if record.failure else None)

            for place, (case, _) in enumerate(jobs):
                environment = places[case.device, case.dtype, case.threads]
                if case in there:
                    self._journal.end(place, there[case])
                elif (case, key(environment)) in by_others:
                    self._journal.leave(place)
                elif fallen[place] >= MOST_FALLS:
                    failure = describe_falls([fall for fall in falls if fall.place == place], self._manifest.minutes)
                    write(place, make_record(case, environment, (), failure, {}), environment)
                else:
                    left.append(place)
            todo: Iterator[int] = iter(left)
            measured = run_cases(
                [jobs[place] for place in left], plan, processes=processes, announce=lambda _: self._begin(next(todo))
            )
            for place, (record, environment) in zip(left, measured, strict=True):
                if record.failure and record.failure.kind == "crash":
                    sleep(GRACE)  # if it is the whole job that is ended, that is no fault of the case
                write(place, record, environment)
                self._place = None
                self._measured += 1

    def _begin(self, place: int) -> None:
        self._place = place
        self._journal.begin(place)

    def _read_measured(self) -> dict[Case, str | None]:
        """The cases that earlier attempts have records of, with the kinds of their failures."""
        paths = [self._folder.records(self._number, attempt) for attempt in range(1, self._attempt)]
        records = [record for path in paths if path.exists() for record in read_results(path).records]
        return {record.case: record.failure.kind if record.failure else None for record in records}

    def _find_measured_before(self, places: Mapping[Place, Environment]) -> set[tuple[Case, str]]:
        """The cases that earlier runs of the suite measured on such a machine, if they are not to be measured again."""
        if self._manifest.retry is None:
            return set()
        machine = name_machine(next(iter(places.values())))
        records = read_runs(self._folder.results, machine, self._manifest.suite).records
        if self._kind is not None:  # of another kind they say nothing, even where the device has the same name
            records = tuple(record for record in records if record.gpu_kind in (None, self._kind))
        return find_done(records, self._manifest.retry)


def check_metrics(tasks: Iterable[Task], asked: Sequence[str] | None) -> None:
    """Refuse what can be told to be wrong with the metrics of a suite wherever its jobs will be.

    Raises:
        InputError: one was asked for by name that none of the cases has, or that a case's device cannot give.
    """
    clips = {
        case: Clip(frames=case.frames, size=case.size, source=(footage.sources or (SYNTHETIC,))[0])
        for case, footage in tasks
    }
    for device, mode, task in dict.fromkeys((case.device, case.mode, case.task) for case in clips):
        kind = check_device(device)
        if kind != "auto":
            check_mode(mode, kind, task)
            select_metrics(asked, kind)
    if asked is not None:
        offer(asked, [*clips], asked)
        check_adaptive(clips, asked)
        find_lengths([(case, [clip]) for case, clip in clips.items()], asked)
        for case, clip in clips.items():
            check_request(case, [clip], asked, adaptive=is_adaptive(case))


def _name_job() -> str:
    array, index = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{index}" if array else os.environ.get("SLURM_JOB_ID", "")


def _prepare(tasks: Sequence[Task], manifest: Manifest, processes: Processes) -> tuple[list[Job], Plan]:
    """Of the metrics that were asked for of the suite, those that there are of its cases here."""
    cases = [case for case, _ in tasks]
    asked = manifest.metrics
    if asked is not None:
        adaptive = any(map(is_adaptive, cases))
        there = [name for name in asked if any(applies(name, case) for case in cases)]
        asked = tuple(name for name in there if adaptive or name not in ADAPTIVE)
    jobs, metrics = prepare_tasks(tasks, asked, processes)
    return jobs, Plan(metrics=metrics, precision=manifest.precision, lengths=find_lengths(jobs, None))


def describe_falls(falls: Sequence[Fall], minutes: int) -> Failure:
    """Why a case is not tried again."""
    nodes = " and ".join(dict.fromkeys(fall.node for fall in falls))
    if all(fall.late for fall in falls):
        message = f"it was not done in the {minutes} min of a job, on {nodes}, twice; --time gives it longer"
        return Failure(kind="timeout", message=message)
    return Failure(kind="crash", message=f"its job's process or node went down with it twice, on {nodes}; see the logs")
