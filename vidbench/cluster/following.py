"""How far a suite's run on a cluster is: read from what its jobs write, and from Slurm's queue.

A look costs what is new in the journals of jobs that are not done, and one question to Slurm.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vidbench.cluster.folder import SweepFolder
from vidbench.cluster.journal import Reader
from vidbench.cluster.queue import State

Queue = Mapping[tuple[str, int], State]
LOOKS = 3  # without a job in the queue before it has ended: a shared filesystem shows what was written with a delay


@dataclass(slots=True)
class Standing:
    """What became of a run's cases so far.

    Attributes:
        total: cases there are.
        measured: that have a record, `failed` of them of why they could not be measured.
        left: cases that earlier runs had measured.
        running: jobs that run.
        waiting: jobs that wait, by Slurm's reason.
        refused: jobs that can measure nothing, with the reason.
        ended: jobs that ended before their cases were done, with what Slurm says of them.
        over: whether no job will measure any more.
    """

    total: int
    measured: int = 0
    failed: int = 0
    left: int = 0
    running: int = 0
    waiting: Counter[str] = field(default_factory=Counter)
    refused: dict[int, str] = field(default_factory=dict)
    ended: dict[int, str] = field(default_factory=dict)
    over: bool = False

    @property
    def missing(self) -> int:
        """Cases that have no record."""
        return self.total - self.measured - self.left


@dataclass(slots=True)
class _Job:
    """What is known of a job that is not done."""

    size: int
    reader: Reader
    first: int  # attempt since it was last handed to Slurm
    attempt: int = 1
    ends: dict[int, str | None] = field(default_factory=dict)
    left: set[int] = field(default_factory=set)
    refused: str | None = None
    absent: int = 0  # looks in a row at which Slurm's queue did not have it
    last: str = "not in the queue"

    @property
    def done(self) -> bool:
        return len(self.ends) + len(self.left) >= self.size

    def take(self, line: Mapping[str, object]) -> None:
        match line:
            case {"end": int(place)}:
                failure = line.get("failure")
                self.ends[place] = str(failure) if failure else None
            case {"left": int(place)}:
                self.left.add(place)
            case {"refused": str(reason)} if self.attempt >= self.first:
                self.refused = reason


class Follower:
    """Looks again and again at a run until all is measured or nothing goes on.

    Args:
        folder: of the run.
        ask: gives the state of each job of these arrays; see `vidbench.cluster.queue.look`.
    """

    def __init__(self, folder: SweepFolder, ask: Callable[[Sequence[str]], Queue]) -> None:
        self._folder, self._ask = folder, ask
        sizes = folder.manifest().sizes
        self._done = Standing(sum(sizes))  # with what came of jobs that are not looked at any more
        first = folder.first_attempts()
        self._jobs = {
            number: _Job(size, Reader(folder.journal(number, 1)), first.get(number, 1))
            for number, size in enumerate(sizes)
        }
        self._where = {
            number: (one.name, index) for one in folder.submissions() for index, number in enumerate(one.jobs)
        }

    def look(self) -> Standing:
        """What there is to know now.

        Raises:
            QueueError: Slurm does not answer.
        """
        # Slurm first: a job that has left the queue has by then written all that it will.
        arrays = dict.fromkeys(self._where[number][0] for number in self._jobs if number in self._where)
        states = self._ask(list(arrays))
        standing = replace(self._done, refused=dict(self._done.refused), waiting=Counter(), ended={})
        for number in list(self._jobs):
            job = self._jobs[number]
            self._read(number, job)
            self._count(standing, number, job)
            if job.done or job.refused is not None:
                self._forget(number, job)
            else:
                self._place(standing, number, job, states.get(self._where.get(number, ("", 0))))
        standing.over = len(standing.ended) == len(self._jobs)
        return standing

    def find_idle(self) -> list[int]:
        """The jobs that are not done and that Slurm will not run.

        Raises:
            QueueError: Slurm does not answer.
        """
        states = self._ask([one.name for one in self._folder.submissions()])
        for number in list(self._jobs):
            job = self._jobs[number]
            self._read(number, job)
            if job.done:
                self._forget(number, job)
        there = {place for place, state in states.items() if not state.ended}
        return [number for number in self._jobs if self._where.get(number) not in there]

    def _read(self, number: int, job: _Job) -> None:
        """All that is new of the job, and of further attempts at it."""
        while True:
            for line in job.reader.read():
                job.take(line)
            path = self._folder.journal(number, job.attempt + 1)
            if not path.exists():
                return
            job.attempt += 1
            job.reader = Reader(path)

    @staticmethod
    def _count(standing: Standing, number: int, job: _Job) -> None:
        standing.measured += len(job.ends)
        standing.failed += sum(failure is not None for failure in job.ends.values())
        standing.left += len(job.left)
        if job.refused is not None:
            standing.refused[number] = job.refused

    def _forget(self, number: int, job: _Job) -> None:
        """Nothing of it is looked at any more."""
        del self._jobs[number]
        self._count(self._done, number, job)

    @staticmethod
    def _place(standing: Standing, number: int, job: _Job, state: State | None) -> None:
        job.last = state.name if state else job.last
        if state and not state.ended:
            job.absent = 0
            if state.waits:
                standing.waiting[state.reason] += 1
            else:
                standing.running += 1
            return
        job.absent += 1
        if job.absent >= LOOKS:
            standing.ended[number] = job.last
