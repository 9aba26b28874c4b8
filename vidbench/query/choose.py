"""Which net to take: the best accuracy within budgets, and the rows that no other beats on two figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vidbench.query import fronts
from vidbench.query.columns import Column
from vidbench.table import Row

BY = "top1"
TIE = "latency"


@dataclass(frozen=True, slots=True)
class Budget:
    """What a figure may be at most, or at least where more of it is better, and the limit in a user's own words.

    `instead` stands in for the figure where it is unknown.
    """

    column: Column
    limit: float
    told: str
    instead: Column | None = None

    def read(self, row: Row) -> tuple[str, float] | None:
        """The figure's name and value; None where it is unknown."""
        for column in (self.column, self.instead):
            if column and (value := row[column.name]) is not None:
                return column.name, float(value)
        return None

    def excess(self, value: float) -> float:
        """By which factor a figure is beyond the limit: 1 or less where it keeps it."""
        if self.column.better == "higher":
            return self.limit / value if value > 0 else float("inf")
        return value / self.limit


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row, and by which factors it is beyond the budgets that it does not keep."""

    row: Row
    over: Mapping[str, float]

    @property
    def excess(self) -> float:
        """The greatest factor; 1 where all budgets are kept."""
        return max(self.over.values(), default=1.0)


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer: what to take, the next best within the budgets, and the better ones that no budget allows.

    Attributes:
        taken: the highest accuracy within the budgets, the fastest of several; None where nothing is within them.
        runner_up: of another net, the next best within the budgets.
        beyond: of more accurate nets, each at its least excess, the least first; without any within, of all nets.
        within: all that keep the budgets, the best first.
        unknown: rows that were measured, of which accuracy or a budget's figure is not known.
        failed: rows that could not be measured.
    """

    taken: Row | None
    runner_up: Row | None
    beyond: tuple[Candidate, ...]
    within: tuple[Row, ...]
    unknown: tuple[Row, ...]
    failed: tuple[Row, ...]


def choose(rows: Sequence[Row], budgets: Sequence[Budget]) -> Choice:
    """What to take of rows that have accuracies; each row is a net at one setting."""
    failed = tuple(row for row in rows if row["failure"])
    candidates, unknown = [], []
    for row in (row for row in rows if not row["failure"]):
        read = [(budget, budget.read(row)) for budget in budgets]
        if row[BY] is None or any(figure is None for _, figure in read):
            unknown.append(row)
            continue
        factors = {figure[0]: budget.excess(figure[1]) for budget, figure in read if figure}
        candidates.append(Candidate(row, {name: factor for name, factor in factors.items() if factor > 1}))
    within = sorted((one.row for one in candidates if not one.over), key=_order)
    taken = within[0] if within else None
    runner_up = next((row for row in within if taken and row["model"] != taken["model"]), None)
    better = [one for one in candidates if one.over and (taken is None or one.row[BY] > taken[BY])]
    nearest: dict[str, Candidate] = {}
    for one in sorted(better, key=lambda one: (one.excess, -one.row[BY])):
        nearest.setdefault(one.row["model"], one)
    return Choice(taken, runner_up, tuple(nearest.values()), tuple(within), tuple(unknown), failed)


def _order(row: Row) -> tuple[float, float]:
    latency = row.get(TIE)
    return -row[BY], float("inf") if latency is None else latency


def find_front(rows: Sequence[Row], x: Column, y: Column) -> list[bool]:
    """Of each row whether no other is at least as good in both figures and better in one; all have both."""
    return fronts.find_front([(_cost(row[x.name], x), -_cost(row[y.name], y)) for row in rows])


def merge_alike(rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """One of the rows that say the same of a net and clip: exact figures do not depend on the device or the batch."""
    if any(column.sampled for column in columns):
        return list(rows)
    axes = ("model", "classes", "frames", "size", "task", "weights", *(column.name for column in columns))
    return list({tuple(row[axis] for axis in axes): row for row in reversed(rows)}.values())[::-1]


def _cost(value: float, column: Column) -> float:
    return -value if column.better == "higher" else value
