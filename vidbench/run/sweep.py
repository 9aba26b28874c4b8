"""A suite's run: which of its cases are to be measured, and each measured into the run's file as soon as it is done."""

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from vidbench.conditions.influence import Influence
from vidbench.counting import count
from vidbench.environment import key
from vidbench.errors import InputError
from vidbench.metrics import METRICS
from vidbench.records import Case, Clip, Footage, Record
from vidbench.run.local import Job, prepare, run_cases
from vidbench.run.nets import Nets
from vidbench.run.offers import find_lengths
from vidbench.run.places import locate
from vidbench.run.plan import Plan
from vidbench.run.processes import Processes
from vidbench.run.rota import run_on_seats
from vidbench.run.seats import Seat
from vidbench.run.worker import predict_each
from vidbench.runs import FAILURES, Estimate, estimate, find_done, name_machine, read_runs, run_path
from vidbench.store import Writer
from vidbench.suites.files import Suite


@dataclass(slots=True)
class Sweep:
    """What a run of a suite has before it.

    Attributes:
        path: the run's file, which is there once the first record is.
        jobs: what is to be measured, in its order.
        done: how many cases are there already.
        warnings: of earlier runs' files.
        seats: where cases are measured at the same time, one on each, instead of one after the other.
        influence: what cases on the seats do to each other.
    """

    path: Path
    jobs: list[Job]
    plan: Plan
    processes: Processes
    done: int = 0
    warnings: tuple[str, ...] = ()
    earlier: tuple[Record, ...] = ()
    seats: tuple[Seat, ...] = ()
    influence: Influence | None = None
    _nets: Nets = field(default_factory=Nets)
    _macs: dict[object, float | None] = field(default_factory=dict)

    @property
    def cases(self) -> list[Case]:
        """The cases that are to be measured."""
        return [case for case, _ in self.jobs]

    def run(self, announce: Callable[[Case], None] = lambda _: None) -> Iterator[Record]:
        """Measure all cases; each is in the file before it is given.

        Raises:
            InputError: the file cannot be written.
            VidbenchError: no process can be started.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            opened = self.path.open("x", encoding="utf-8", newline="")
        except OSError as error:
            raise InputError(
                f"results cannot be written into {self.path.parent}: {error.strerror}; give another folder by --results"
            ) from error
        with opened as file:
            writer = Writer(file)
            if self.seats:
                yield from run_on_seats(
                    self.jobs, self.plan, self.seats,
                    keep=writer.append, announce=announce, influence=self.influence,
                )  # fmt: skip
                return
            for record, environment in run_cases(self.jobs, self.plan, processes=self.processes, announce=announce):
                writer.append(record, environment)
                yield record

    def predict_memory(self) -> dict[Case, float | None]:
        """Bytes that a call of each case is predicted to take, whatever its run; None where it cannot be told."""
        return predict_each(self.cases, self._nets)

    def estimate(self) -> Estimate:
        """How long the cases will take."""
        found = estimate(self.cases, self.earlier, self.count_macs)
        return replace(found, seconds=found.seconds / max(1, min(len(self.seats), len(self.jobs))))

    def count_macs(self, case: Case) -> float | None:
        """Those of one clip; None where they depend on it, or cannot be counted."""
        alike = (case.model, case.classes, case.frames, case.size, case.task)
        if alike not in self._macs:
            self._macs[alike] = None
            with suppress(Exception):  # a net that cannot be counted is found out when it is measured
                net, clip = self._nets.counted(case), Clip(frames=case.frames, size=case.size)
                self._macs[alike] = count(net, clip, train=case.task == "train").macs
        return self._macs[alike]


def plan_sweep(
    suite: Suite,
    folder: Path | str,
    processes: Processes,
    *,
    device: str | None = None,
    resume: bool = False,
    retry: Collection[str] = FAILURES,
) -> Sweep:
    """What a run of the suite has to measure; with `resume` only what earlier runs have not, or failed at.

    Args:
        suite: the cases and how they are measured.
        folder: of the results, a folder a machine in it.
        processes: where cases are measured.
        device: instead of the suite's.
        resume: whether what earlier runs measured in the same environment is left out.
        retry: the kinds of failures that are measured again when resuming.

    Raises:
        InputError: a case cannot be measured here, or an earlier run's file is none.
        VidbenchError: no process can be started.
    """
    tasks = [(case if device is None else replace(case, device=device), footage) for case, footage in suite.cases]
    jobs, metrics = prepare_tasks(tasks, suite.metrics, processes)
    jobs.sort(key=lambda job: job[0].repeat)
    places = locate([case for case, _ in jobs], processes)
    machine = name_machine(next(iter(places.values())))
    path = run_path(Path(folder), machine, suite.name, datetime.now(UTC), uuid.uuid4().hex[:6])
    earlier = read_runs(Path(folder), machine, suite.name)
    there = find_done(earlier.records, retry) if resume else set()
    left = [job for job in jobs if (job[0], key(places[job[0].device, job[0].dtype, job[0].threads])) not in there]
    return Sweep(
        path=path,
        jobs=left,
        plan=Plan(
            metrics=metrics,
            precision=suite.precision,
            lengths=find_lengths(left, suite.metrics),
        ),
        processes=processes,
        done=len(jobs) - len(left),
        warnings=earlier.warnings if resume else (),
        earlier=earlier.records,
    )


def prepare_tasks(
    tasks: Iterable[tuple[Case, Footage]], metrics: Sequence[str] | None, processes: Processes
) -> tuple[list[Job], tuple[str, ...]]:
    """Each case with the clips that are cut from its footage, in their order, and the metrics to take of them.

    Raises:
        InputError: a case cannot be measured here.
        VidbenchError: no process can be started.
    """
    by_footage: dict[Footage, dict[int, Case]] = {}
    for place, (case, footage) in enumerate(tasks):
        by_footage.setdefault(footage, {})[place] = case
    jobs: dict[int, Job] = {}
    chosen: set[str] = set()
    for footage, cases in by_footage.items():
        ready, taken = prepare(list(cases.values()), metrics, footage, processes)
        jobs |= dict(zip(cases, ready, strict=True))
        chosen.update(taken)
    return [jobs[place] for place in sorted(jobs)], tuple(name for name in METRICS if name in chosen)
