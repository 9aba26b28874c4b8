"""Cases on several seats at once: the next in order goes to whoever is free, and on a seat there is one at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic

from vidbench.conditions.influence import Influence, add_company
from vidbench.errors import InputError
from vidbench.metrics import STAGES
from vidbench.records import Case, Environment, Record
from vidbench.run.isolation import can_be_sent, is_timed, measure_isolated
from vidbench.run.local import Job
from vidbench.run.plan import Plan
from vidbench.run.processes import StoppedError
from vidbench.run.seats import Seat

Measured = tuple[Record, Environment]


def check_jobs(jobs: Sequence[Job], plan: Plan) -> None:
    """Raise InputError where a case would not be measured in a process of its seat, or needs the whole CPU."""
    if set(STAGES) & set(plan.metrics):
        raise InputError("stages decode on all CPUs, so that cases would disturb each other; leave out --devices")
    for case, _ in jobs:
        if not is_timed(case, plan.metrics):
            raise InputError("what is only counted needs no GPU, let alone several; leave out --devices")
        if not can_be_sent(case):
            raise InputError(f"{case.model} cannot be imported by other processes; put it into a module")


def run_on_seats(
    jobs: Sequence[Job],
    plan: Plan,
    seats: Sequence[Seat],
    *,
    keep: Callable[[Record, Environment], None],
    announce: Callable[[Case], None] = lambda _: None,
    influence: Influence | None = None,
) -> Iterator[Record]:
    """Measure each case in a process of a seat, handing it to `keep` before it is given.

    Cases begin in their order, which is that of their announcements; a case is announced on its seat's device.
    Whatever ends this early ends what runs on all seats; what was measured by then is kept.

    Args:
        jobs: the cases and their clips.
        plan: what to take of each.
        seats: where; nothing else uses their processes meanwhile.
        keep: is called in this thread.
        announce: is told of each case as it begins.
        influence: what cases on seats do to each other, for the records.

    Raises:
        VidbenchError: no process can be started.
    """
    rota = _Rota(jobs, plan, seats, influence)
    threads = [Thread(target=rota.work, args=(seat,), daemon=True) for seat in seats]
    left = len(jobs)
    try:
        for thread in threads:
            thread.start()
        while left:
            told = rota.told.get()
            if isinstance(told, BaseException):
                raise told
            if isinstance(told, Case):
                announce(told)
                continue
            keep(*told)
            left -= 1
            yield told[0]
    except BaseException:
        for seat in seats:
            seat.processes.stop()
        raise
    finally:
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        for measured in rota.list_untold():
            keep(*measured)


class _Rota:
    """What is to be measured next, and who measures: a thread a seat, which does nothing but wait for its processes.

    Attributes:
        told: a case for each that begins, its record and environment when it has ended, or what a thread died of.
    """

    def __init__(self, jobs: Sequence[Job], plan: Plan, seats: Sequence[Seat], influence: Influence | None) -> None:
        self.told: SimpleQueue[Case | Measured | BaseException] = SimpleQueue()
        self._jobs = iter(jobs)
        self._plan = plan
        self._order = [seat.name for seat in seats]
        self._influence = influence
        self._lock = Lock()
        self._company: dict[str, set[str]] = {}  # of each seat at work, which others were meanwhile

    def work(self, seat: Seat) -> None:
        """Measure case after case on this seat, until there are no more."""
        try:
            while job := self._begin(seat):
                begun = monotonic()
                record, environment = measure_isolated(*job, self._plan, seat.processes)
                elapsed = round(monotonic() - begun, 3)
                beside = self._end(seat)
                record = replace(record, conditions={**record.conditions, "elapsed": elapsed})
                self.told.put((add_company(record, seat.name, beside, self._influence), environment))
        except StoppedError:
            return
        except BaseException as error:
            self.told.put(error)

    def list_untold(self) -> list[Measured]:
        """What was measured and has not been asked for, when no thread is at work any more."""
        told = [self.told.get() for _ in range(self.told.qsize())]
        return [one for one in told if isinstance(one, tuple)]

    def _begin(self, seat: Seat) -> Job | None:
        with self._lock:
            job = next(self._jobs, None)
            if job is not None:
                self.told.put(replace(job[0], device=seat.name))
                for company in self._company.values():
                    company.add(seat.name)
                self._company[seat.name] = set(self._company)
            return job

    def _end(self, seat: Seat) -> list[str]:
        """The seats that were at work beside this one, in their order."""
        with self._lock:
            company = self._company.pop(seat.name)
            return [name for name in self._order if name in company]
