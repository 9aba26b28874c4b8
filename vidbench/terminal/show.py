"""Results by two axes, the best marked, and the rows that no other beats on two figures."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from vidbench.metrics import METRICS
from vidbench.query.pivot import BEST, SECOND, Cell, Grid, draw_growth
from vidbench.terminal.profile import write_axis, write_figure
from vidbench.terminal.screen import UNKNOWN, make_table, open_console, print_table
from vidbench.units import Scale

if TYPE_CHECKING:
    from vidbench.query.columns import Column
    from vidbench.table import Row

MARKS = {BEST: "*", SECOND: "′"}
STYLES = {BEST: "bold", SECOND: "underline"}
ON_FRONT = "●"


def print_grids(grids: Sequence[Grid]) -> list[str]:
    """A table a grid, or one of all where nothing is spread over its head; what their marks mean, as notes."""
    if grids[0].across:
        for grid in grids:
            console = open_console(sys.stdout)
            console.print(Text(_head(grid.figure, _scale(grid), between=", ")), soft_wrap=True)
            _print([grid], [["\n".join(map(_axis_value, grid.across, head)) for head in grid.heads]])
    else:
        _print(grids, [[_head(grid.figure, _scale(grid), between="\n")] for grid in grids])
    return _legends(grids)


def _print(grids: Sequence[Grid], heads: Sequence[Sequence[str]]) -> None:
    """Grids of the same lines beside one another."""
    table = make_table()
    first = grids[0]
    for axis in first.down:
        table.add_column(axis, justify="left" if _is_text(first, axis) else "right", no_wrap=True)
    for head in (head for several in heads for head in several):
        table.add_column(head, justify="right", no_wrap=True)
    if _grows(first):
        table.add_column("growth", no_wrap=True)
    scales = [_scale(grid) for grid in grids]
    for place, line in enumerate(first.lines):
        parts: list[str | Text] = [write_axis(value) for value in line]
        for grid, scale in zip(grids, scales, strict=True):
            parts += [_write(cell, grid, scale) for cell in grid.cells[place]]
        table.add_row(*parts, *([draw_growth(first.cells[place])] if _grows(first) else []))
    print_table(open_console(sys.stdout), table)


def _is_text(grid: Grid, axis: str) -> bool:
    place = grid.down.index(axis)
    return any(isinstance(line[place], str) for line in grid.lines)


def _grows(grid: Grid) -> bool:
    return grid.across == ("frames",) and len(grid.heads) > 1


def _axis_value(axis: str, value: object) -> str:
    return f"{write_axis(value)} frames" if axis == "frames" else f"{axis} {write_axis(value)}"


def _scale(grid: Grid) -> Scale:
    return grid.figure.scale([cell.value for line in grid.cells for cell in line])


def _head(figure: "Column", scale: Scale, between: str) -> str:
    """The figure and its unit: `latency, ms/call`."""
    metric = METRICS.get(figure.name)
    per = f"/{metric.per}" if metric and metric.per in ("clip", "call") else ""
    unit = scale.label
    if figure.name == "macs":
        return f"GMACs{between}{per}" if between == "\n" else f"GMACs{per}"
    return f"{figure.label}{between}{unit}{per}" if unit else figure.label


def _write(cell: Cell, grid: Grid, scale: Scale) -> Text:
    """A figure as in the table of `profile`, with its mark; a space in its place keeps digits under one another."""
    text = write_figure(cell.row, grid.figure.name, scale) if cell.row else UNKNOWN
    return Text(text + MARKS.get(cell.rank, " " if grid.ranked else ""), style=STYLES.get(cell.rank, ""))


def _legends(grids: Sequence[Grid]) -> list[str]:
    lines = []
    ranked = [grid for grid in grids if grid.ranked]
    if ranked:
        where = "line" if ranked[0].along else "column"
        second = any(cell.rank == SECOND for grid in ranked for line in grid.cells for cell in line)
        lines.append(f"* best{', ′ second best' if second else ''} of each {where}")
    if _grows(grids[0]):
        frames = ", ".join(str(head[0]) for head in grids[0].heads)
        lines.append(f"growth: a bar for each of {frames} frames, as high as its share of the line's greatest figure")
    return lines


def print_front(
    rows: "Sequence[Row]", front: "tuple[Column, Column]", on_front: Sequence[bool], axes: Sequence[str]
) -> None:
    """A row a setting with both figures, those on the front marked."""
    table = make_table()
    table.add_column("model", no_wrap=True)
    shown = ["frames", "size", *(axis for axis in axes if axis not in ("frames", "size"))]
    for axis in shown:
        table.add_column(axis, justify="right", no_wrap=True)
    scales = [column.scale([row[column.name] for row in rows]) for column in front]
    for column, scale in zip(front, scales, strict=True):
        table.add_column(_head(column, scale, between="\n"), justify="right", no_wrap=True)
    table.add_column("front", justify="center", no_wrap=True)
    for row, marked in zip(rows, on_front, strict=True):
        style = "bold" if marked else ""
        cells = [row["model"], *(write_axis(row[axis]) for axis in shown)]
        cells += [write_figure(row, c.name, scale) for c, scale in zip(front, scales, strict=True)]
        table.add_row(*(Text(cell, style=style) for cell in [*cells, ON_FRONT if marked else ""]))
    print_table(open_console(sys.stdout), table)
