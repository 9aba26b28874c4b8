"""Whether seats disturb each other: a case on the first alone and beside itself on all the others, in turns."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

from vidbench.alternation.rounds import BURSTS, DTYPES, Asked, Burst, SideProcess, start_side, take_turns
from vidbench.alternation.sides import Side
from vidbench.comparison.changes import judge_alternation
from vidbench.conditions.influence import NEGLIGIBLE, Influence, Verdict
from vidbench.records import Case
from vidbench.run.seats import Seat

LOOKS = (8, 16)  # rounds of new processes after which it is judged; no more where that tells
VERDICTS: dict[str, Verdict] = {"same": "none", "slower": "disturbed", "faster": "disturbed"}


def choose_case(cases: Sequence[Case], macs: Callable[[Case], float | None]) -> Case:
    """The case with the fewest MACs a call, which the CPU that launches its kernels holds up most, in its plain form.

    Args:
        cases: there is one at least.
        macs: of one clip; None where they depend on it.
    """
    plain = dict.fromkeys(map(_simplify, cases))
    work = {case: macs(case) for case in dict.fromkeys(replace(case, batch=1, dtype="fp32") for case in plain)}
    calls = {case: per_clip * case.batch for case in plain if (per_clip := work[replace(case, batch=1, dtype="fp32")])}
    return min(calls, key=lambda case: calls[case]) if calls else next(iter(plain))


def _simplify(case: Case) -> Case:
    """The case as a side of an alternation can call it."""
    dtype = case.dtype if case.dtype in DTYPES else "fp32"
    return replace(case, dtype=dtype, mode="eager", task="inference", views=None, repeat=0)


def measure_influence(
    case: Case,
    seats: Sequence[Seat],
    *,
    timeout: float,
    looks: Sequence[int] = LOOKS,
    bursts: int = BURSTS,
) -> Influence:
    """What two or more seats do to each other.

    In each round every seat has a new process that builds the net and warms up. Then the first one's is timed in
    bursts of calls, in turns while those of the others wait, and while they call the net without a pause.

    Args:
        case: as `choose_case` gives it, on the seats' device.
        seats: the first is timed.
        timeout: seconds that an answer of a process may take.
        looks: after how many rounds it is looked whether they tell; the last is how many there are at most.
        bursts: of either kind in a round.

    Raises:
        InputError: a process cannot build the net or call it.
        VidbenchError: a process ended, or did not answer.
    """
    names = tuple(seat.name for seat in seats)
    rounds: list[tuple[Burst, ...]] = []
    with ExitStack() as stack:
        first, *others = [stack.enter_context(_start(case, seat, timeout)) for seat in seats]
        for number in range(looks[-1]):
            rounds.append(tuple(_take_round(first, others, bursts)))
            if number + 1 in looks:
                found = judge(case, names, rounds, len(looks))
                if found.verdict != "inconclusive":
                    break
    return found


def judge(case: Case, names: tuple[str, ...], rounds: Sequence[Sequence[Burst]], looks: int) -> Influence:
    """What rounds of bursts, alone and beside others, come to when they are judged so many times as they are added."""
    change = judge_alternation(case, rounds, NEGLIGIBLE, looks)
    assert change.ratio is not None  # noqa: S101  # of rounds there always is one
    return Influence(
        case=case,
        devices=names,
        ratio=change.ratio,
        interval=change.interval,
        rounds=len(rounds),
        verdict=VERDICTS.get(change.verdict, "inconclusive"),
    )


def _take_round(first: SideProcess, others: Sequence[SideProcess], bursts: int) -> Iterator[Burst]:
    everyone = (first, *others)

    def take_beside() -> float:
        for other in others:
            other.go()
        seconds = first.take()
        for other in others:
            other.stop()
        return seconds

    for one in everyone:
        one.begin()
    yield from take_turns(first.take, take_beside, bursts)
    for one in everyone:
        one.end()


def _start(case: Case, seat: Seat, timeout: float) -> AbstractContextManager[SideProcess]:
    asked = Asked(
        model=case.model, frames=case.frames, size=case.size, batch=case.batch, classes=case.classes, dtype=case.dtype,
        device=seat.device, threads=case.threads,
    )  # fmt: skip
    return start_side(Side(f"{case.model} on {seat.name}", variables=seat.variables), asked, timeout)
