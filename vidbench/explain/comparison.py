"""Two explanations side by side: which kinds of operators make the one slower than its MACs alone would."""

from collections.abc import Iterator
from dataclasses import dataclass

from vidbench.errors import InputError
from vidbench.explain.explanation import Explanation, Kind, Work
from vidbench.explain.findings import name_kind, percent, seconds
from vidbench.units import format_number

OUTSIDE = "outside of operators"
TOLD = 4  # rows that the sentence names


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of operator in both nets; what only one of them has is None in the other.

    `excess` is the seconds that the first net takes for it beyond those that the second one takes, scaled by the ratio
    of their MACs; over all rows it adds up to the whole excess. `share` is its share of that.
    """

    name: str
    ours: Work | None
    theirs: Work | None
    excess: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`ours` against `theirs`: what makes the difference, and the sentences that say so.

    Attributes:
        ours: the net that is explained.
        theirs: the net it is held against.
        macs: the ratio of their MACs.
        seconds: the ratio of their times.
        excess: seconds that `ours` takes beyond the time of `theirs` scaled by `macs`.
        rows: by kind of operator and filter, the greatest excess first.
        sentences: what follows.
    """

    ours: Explanation
    theirs: Explanation
    macs: float
    seconds: float
    excess: float
    rows: tuple[Row, ...]
    sentences: tuple[str, ...]


def compare(ours: Explanation, theirs: Explanation) -> Comparison:
    """Hold one explanation against another of the same device.

    Raises:
        InputError: one of them has no times or no MACs.
    """
    for one in (ours, theirs):
        if not one.total or not one.root.work.macs:
            raise InputError(
                f"{one.case.model} has no times or no MACs to compare; use a device that computes, or --on"
            )
    macs = ours.root.work.macs / theirs.root.work.macs
    total, other = ours.total or 0.0, theirs.total or 0.0
    excess = total - macs * other
    rows = sorted(_rows(ours, theirs, macs, excess), key=lambda row: -row.excess)
    return Comparison(
        ours=ours,
        theirs=theirs,
        macs=macs,
        seconds=total / other,
        excess=excess,
        rows=tuple(rows),
        sentences=tuple(_sentences(ours, theirs, excess, rows)),
    )


def _rows(ours: Explanation, theirs: Explanation, macs: float, excess: float) -> Iterator[Row]:
    sides = [_works(one) for one in (ours, theirs)]
    for name in dict.fromkeys((*sides[0], *sides[1])):
        our, their = (side.get(name) for side in sides)
        seconds = [(work.seconds or 0.0) if work else 0.0 for work in (our, their)]
        beyond = seconds[0] - macs * seconds[1]
        yield Row(name=name, ours=our, theirs=their, excess=beyond, share=beyond / excess if excess else 0.0)


def _works(explanation: Explanation) -> dict[str, Work]:
    works = {_label(kind): kind.work for kind in explanation.kernels if kind.work.seconds}
    return {**works, OUTSIDE: Work(seconds=explanation.outside)} if explanation.outside else works


def _label(kind: Kind) -> str:
    return name_kind(kind)


def _sentences(ours: Explanation, theirs: Explanation, excess: float, rows: list[Row]) -> Iterator[str]:
    total, other = ours.total or 0.0, theirs.total or 0.0
    macs = ours.root.work.macs / theirs.root.work.macs
    a, b = _name(ours), _name(theirs)
    per_mac = (total / other) / macs
    yield (
        f"{a} takes {format_number(total / other)} times the time of {b} ({seconds(total)} against {seconds(other)}) "
        f"with {format_number(macs)} times the MACs: {format_number(per_mac)} times as long a MAC"
    )
    if excess <= 0:
        yield f"at {b}'s time a MAC it would take {seconds(macs * other)}: it is the better of the two for its MACs"
        return
    main = [row for row in rows if row.excess > 0][:TOLD]
    parts = ", ".join(f"{row.name} {seconds(row.excess)} ({percent(row.share)})" for row in main)
    yield f"at {b}'s time a MAC it would take {seconds(macs * other)}; of the other {seconds(excess)}: {parts}"
    for row in main[:2]:
        if row.ours and row.ours.macs:
            yield _rate(row, ours, theirs)


def _rate(row: Row, ours: Explanation, theirs: Explanation) -> str:
    work = row.ours or Work()
    text = (
        f"{row.name} of {_name(ours)}: {percent(ours.share_of_macs(work))} of its MACs, "
        f"{percent(ours.share_of_time(work))} of its time, {percent(work.of_peak(ours.peaks))} of peak"
    )
    mainly = max(theirs.kernels, key=lambda kind: kind.work.macs)
    return text + (
        f"; {_name(theirs)} has {percent(theirs.share_of_macs(mainly.work))} of its MACs in {name_kind(mainly)}, "
        f"at {percent(mainly.work.of_peak(theirs.peaks))} of peak"
    )


def _name(explanation: Explanation) -> str:
    case = explanation.case
    return f"{case.model} {case.frames}x{case.size}"
