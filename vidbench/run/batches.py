"""The batch of a case: that of highest throughput, or the largest that fits. Every batch that is tried is a record."""

from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from vidbench.records import Case, Environment, Record
from vidbench.run.fits import FARTHEST
from vidbench.run.plan import Plan
from vidbench.run.room import Room
from vidbench.units import format_tolerance

PATIENCE = 2  # doublings that bring no more
CLOSE = 0.05  # of a batch that does not fit: nearer to it the largest that does is not looked for
STEP = 0.1  # of the batch that is predicted to fit

Measured = tuple[Record, Environment]
Measure = Callable[[Case, Plan], Measured]
Steps = Generator[Measured, None, Record]


class Rate(NamedTuple):
    """Clips a second at a batch, and the interval within which that is known."""

    batch: int
    value: float
    low: float
    high: float

    def beats(self, other: "Rate") -> bool:
        """Whether it is higher, and their intervals have nothing in common."""
        return self.low > other.high

    @property
    def reach(self) -> float:
        """How far it may be off, as a share of it."""
        return max(self.high - self.value, self.value - self.low) / self.value


def find_batch(case: Case, plan: Plan, measure: Measure, room: Room) -> Iterator[Measured]:
    """Search as the plan says, each batch as soon as it was tried; the one that is found is measured anew, as planned.

    Conditions of these records: `search`, whether this one was `chosen`, and `why`. Measuring anew keeps the figures
    free of the luck that made one of many batches look best.

    Args:
        case: whose batch is searched for.
        plan: what to take of the batch that is found, and the search.
        measure: takes what is planned of a case.
        room: what is free, and what fits into it by prediction.
    """
    if plan.search == "max":
        return _find_max(_Trials(case, plan, "peak_memory", measure), room)
    return _find_best(_Trials(case, plan, "throughput", measure), room)


class _Trials:
    """Batches of a case, tried by one metric and, at last, measured as planned."""

    def __init__(self, case: Case, plan: Plan, metric: str, measure: Measure) -> None:
        self._case = case
        self._search = plan.search
        self._full = replace(plan, search=None)
        self._brief = replace(plan, search=None, metrics=(metric,))
        self._measure = measure
        self.broken = False  # by anything but want of memory

    def attempt(self, batch: int, why: str) -> Steps:
        return self._take(batch, self._brief, why, chosen=False)

    def settle(self, batch: int, why: str) -> Steps:
        """Measure the batch that was found; it is not chosen if in full it is too much."""
        return self._take(batch, self._full, why, chosen=True)

    def _take(self, batch: int, plan: Plan, why: str, *, chosen: bool) -> Steps:
        record, environment = self._measure(replace(self._case, batch=batch), plan)
        if chosen and is_oom(record):
            chosen, why = False, f"{why}; measured in full it was out of memory"
        self.broken |= record.failure is not None and not is_oom(record)
        told = {"search": self._search, "chosen": chosen, "why": why}
        record = replace(record, conditions={**record.conditions, **told})
        yield record, environment
        return record


def is_oom(record: Record) -> bool:
    """Whether memory was what failed it."""
    return record.failure is not None and record.failure.kind == "oom"


def _find_best(trials: _Trials, room: Room) -> Iterator[Measured]:
    rates: dict[int, Rate] = {}
    end = yield from _double(trials, rates, room)
    for batch in () if trials.broken else list_between(rates.values(), room.fits):
        record = yield from trials.attempt(batch, "beside the best so far")
        _note(record, rates)
    while rates:
        best = choose(rates.values())
        record = yield from trials.settle(best.batch, _explain(rates.values(), end))
        if not is_oom(record):
            return
        rates = {batch: rate for batch, rate in rates.items() if batch < best.batch}


def _double(trials: _Trials, rates: dict[int, Rate], room: Room) -> Generator[Measured, None, str]:
    """Double the batch while that brings anything; why no further."""
    batch, flat, best = 1, 0, None
    while batch == 1 or room.fits is None or batch <= room.fits:
        record = yield from trials.attempt(batch, "twice the one before" if batch > 1 else "the least")
        rate = _note(record, rates)
        if rate is None:
            return f"batch {batch} {_name_failure(record)}"
        flat = 0 if best is None or rate.beats(best) else flat + 1
        best = rate if flat == 0 else best
        if flat == PATIENCE:
            return f"the last {PATIENCE} doublings brought no more that can be told"
        batch *= 2
    return f"batch {batch} was not tried, for it is predicted to take more than the {room.describe()} free"


def _note(record: Record, rates: dict[int, Rate]) -> Rate | None:
    """Put down the record's throughput, taken as known no better than was asked for; None where it failed."""
    throughput = record.measurement("throughput")
    if record.failure or throughput is None or not isinstance(throughput.value, int | float):
        return None
    value, asked = throughput.value, throughput.details["precision_asked"]
    low, high = throughput.details["interval"]
    rate = Rate(record.case.batch, value, min(low, value * (1 - asked)), max(high, value * (1 + asked)))
    rates[rate.batch] = rate
    return rate


def choose(rates: Collection[Rate]) -> Rate:
    """The highest; of those that cannot be told from it, the one of the smallest batch."""
    return min(_equals(rates), key=lambda rate: rate.batch)


def _equals(rates: Collection[Rate]) -> list[Rate]:
    highest = max(rates, key=lambda rate: rate.value)
    return [rate for rate in rates if not highest.beats(rate)]


def list_between(rates: Collection[Rate], fits: int | None) -> list[int]:
    """After doubling, the batches a quarter below and a half above the best, where they may be better.

    On a plateau nothing above the best is; below the best it may turn out that less will do.
    """
    if not rates:
        return []
    best = choose(rates)
    plateau = 2 * best.batch in {rate.batch for rate in _equals(rates)}
    between = [best.batch * 3 // 4] if best.batch > 2 else []
    above = best.batch * 3 // 2
    if best.batch > 1 and not plateau and (fits is None or above <= fits):
        between.append(above)
    return between


def _explain(rates: Collection[Rate], end: str) -> str:
    equals = sorted(rate for rate in _equals(rates))
    why = f"the highest throughput of {len(rates)} batches"
    if len(equals) > 1:
        known = format_tolerance(max(rate.reach for rate in equals))
        why = f"the smallest of {_join(rate.batch for rate in equals)}, which cannot be told apart ({known} at worst)"
    return f"{why}; {end}"


def _join(numbers: Iterable[int]) -> str:
    *most, last = map(str, numbers)
    return f"{', '.join(most)} and {last}" if most else last


def _name_failure(record: Record) -> str:
    """What became of a batch, after its number."""
    if is_oom(record):
        return "was out of memory"
    return f"failed otherwise ({record.failure.kind})" if record.failure else "has no figure"


def _find_max(trials: _Trials, room: Room) -> Iterator[Measured]:
    ran: set[int] = set()
    refused: int | None = None
    broken = ""  # by what
    guess = max(1, room.fits or 1)
    while True:
        low = max((batch for batch in ran if refused is None or batch < refused), default=0)
        batch = None if broken else next_batch(low, refused, guess)
        if batch is not None:
            record = yield from trials.attempt(batch, _place(low, refused, room))
            if record.failure is None:
                ran.add(batch)
            elif is_oom(record):
                refused = batch
            else:
                broken = f"batch {batch} {_name_failure(record)}, so that more may fit"
        elif low == 0:
            return
        else:
            record = yield from trials.settle(low, f"the largest that ran; {broken or _name_limit(low, refused)}")
            if not is_oom(record):
                return
            refused = low


def _name_limit(low: int, refused: int | None) -> str:
    if refused is None:
        return "no more was tried"
    return f"batch {refused} was out of memory" + (", none between them was tried" if refused > low + 1 else "")


def _place(low: int, refused: int | None, room: Room) -> str:
    if refused is None and low == 0:
        return f"predicted to fit into the {room.describe()} free" if room.fits else "the least"
    if refused is None:
        return f"more than {low}, which ran"
    return f"between {low}, which ran, and {refused}" if low else f"less than {refused}, which was out of memory"


def next_batch(low: int, refused: int | None, guess: int) -> int | None:
    """The batch to try after the largest that ran (0 if none did) and the smallest that was refused; None at the end.

    From what is predicted to fit the steps grow in either direction until the limit lies between two batches, which are
    then halved down to a twentieth, or one clip.
    """
    if refused is None:
        if low == 0:
            return guess
        return low + max(1, min(low, max(2 * (low - guess), int(STEP * guess)))) if low < FARTHEST else None
    if refused - low <= max(1, CLOSE * refused):
        return None
    if low == 0:
        below = guess - max(1, 2 * (guess - refused), int(STEP * guess))
        return max(refused // 2, min(refused - 1, below))
    return (low + refused) // 2
