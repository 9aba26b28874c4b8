"""One figure of many records by two sets of axes, as plain data: which record a cell is of, and which are the best."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

from vidbench.errors import InputError
from vidbench.query.columns import Column
from vidbench.query.selection import AXES, differing
from vidbench.table import Row

BEST, SECOND = 1, 2
SPARKS = "▁▂▃▄▅▆▇█"
NO_SPARK = "·"

Head = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """The row that a cell is of, None where nothing was taken; its figure; and BEST, SECOND or 0."""

    row: Row | None = None
    value: float | None = None
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of one column's figures: the values of `across` at its head and of `down` at its left, and the cells.

    `along` says whether figures are compared along a line rather than down a column, which is so where models stand
    beside one another.
    """

    figure: Column
    down: tuple[str, ...]
    across: tuple[str, ...]
    lines: tuple[Head, ...]
    heads: tuple[Head, ...]
    cells: tuple[tuple[Cell, ...], ...]
    along: bool

    @property
    def ranked(self) -> bool:
        """Whether any cell is marked."""
        return any(cell.rank for line in self.cells for cell in line)


def pivot(rows: Sequence[Row], down: Sequence[str], across: Sequence[str], figure: Column) -> Grid:
    """The figure of these rows, in their order at the left, and at the head in that of numbers where there are such.

    Raises:
        InputError: a cell would hold several figures; the message has the axes by which its rows differ.
    """
    lines = list(dict.fromkeys(_head(row, down) for row in rows))
    heads = list(dict.fromkeys(_head(row, across) for row in rows))
    if all(isinstance(value, int | float) for head in heads for value in head):
        heads.sort()
    held: dict[tuple[Head, Head], list[Row]] = {}
    for row in rows:
        held.setdefault((_head(row, down), _head(row, across)), []).append(row)
    held = {place: [row for row in several if _tells(row, figure)] or several[:1] for place, several in held.items()}
    _refuse_several(held.values(), down, across, figure)
    along = "model" in across or ("model" not in down and "family" in across)
    values = [[_cell(held.get((line, head)), figure) for head in heads] for line in lines]
    return Grid(
        figure, tuple(down), tuple(across), tuple(lines), tuple(heads),
        tuple(map(tuple, _rank(values, figure, along=along))), along,
    )  # fmt: skip


def draw_growth(cells: Iterable[Cell]) -> str:
    """A bar a cell, its height the figure's share of the line's greatest; a dot where there is none."""
    values = [cell.value for cell in cells]
    most = max((value for value in values if value is not None), default=0)
    return "".join(
        NO_SPARK if value is None or most <= 0 else SPARKS[min(7, max(0, round(8 * value / most) - 1))]
        for value in values
    )


def _head(row: Row, axes: Sequence[str]) -> Head:
    return tuple(row.get(axis) for axis in axes)


def _tells(row: Row, figure: Column) -> bool:
    """Whether the row has the figure, or why there is none; in others it was not taken, as times are not on meta."""
    bounds = figure.name == "macs" and row["macs_fewest"] is not None
    return row.get(figure.name) is not None or row["failure"] is not None or bounds


def _cell(rows: Sequence[Row] | None, figure: Column) -> Cell:
    if not rows:
        return Cell()
    value = rows[0].get(figure.name)
    known = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return Cell(rows[0], value if known else None)


def _refuse_several(
    groups: Iterable[Sequence[Row]], down: Sequence[str], across: Sequence[str], figure: Column
) -> None:
    """Rows that share a cell are nothing to choose from, unless all say the same."""
    crowded = [group for group in groups if len({(row.get(figure.name), row["failure"]) for row in group}) > 1]
    if not crowded:
        return
    apart: dict[str, dict[object, None]] = {}
    for group in crowded:
        for axis, values in differing(group, ("model", *AXES)).items():
            apart.setdefault(axis, {}).update(dict.fromkeys(values))
    names = ",".join((*down, *apart))
    condition = " and ".join(f"{axis} == {_literal(crowded[0][0][axis])}" for axis in apart)
    described = ", ".join(f"{axis} ({_some(values)})" for axis, values in apart.items())
    counted = "1 cell" if len(crowded) == 1 else f"{len(crowded):,} cells"
    raise InputError(
        f"{counted} of {figure.name} by {', '.join((*down, *across))} would hold several records, which differ in "
        f"{described}; tell them apart with --rows {names}, or keep some with --where '{condition}'"
    )


def _some(values: Iterable[object]) -> str:
    first, *others = map(str, values)
    return ", ".join([first, *others[:3], *([f"and {len(others) - 3:,} more"] if len(others) > 3 else [])])


def _literal(value: object) -> str:
    return "null" if value is None else f'"{value}"' if isinstance(value, str) else str(value)


def _rank(cells: Sequence[Sequence[Cell]], figure: Column, *, along: bool) -> list[list[Cell]]:
    """The best and the second best of each column or line; one alone is neither, of two none is second."""
    groups = cells if along else list(zip(*cells, strict=True))
    ranked = []
    for group in groups:
        known = sorted({cell.value for cell in group if cell.value is not None}, reverse=figure.better == "higher")
        count = sum(cell.value is not None for cell in group)
        marks: dict[float | None, int] = {}
        if figure.better and count > 1 and len(known) > 1:
            marks = {known[0]: BEST, **({known[1]: SECOND} if count > 2 else {})}
        ranked.append([Cell(cell.row, cell.value, marks.get(cell.value, 0)) for cell in group])
    return ranked if along else [list(line) for line in zip(*ranked, strict=True)]
