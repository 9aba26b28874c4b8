"""What there is to choose from, as a table: what is within the budgets, and what would be better."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from vidbench.query.choose import BY, Choice
from vidbench.query.columns import find_column
from vidbench.terminal.profile import write_axis
from vidbench.terminal.screen import make_table, open_console, print_table

if TYPE_CHECKING:
    from vidbench.table import Row

WITHIN = 8  # rows that are shown of those within the budgets
BEYOND = 3
FIGURES = {
    BY: "top-1", "latency": "latency", "throughput": "throughput", "peak_memory": "memory",
    "predicted_memory": "predicted", "macs": "GMACs", "params": "params",
}  # fmt: skip


def print_choice(choice: Choice, axes: Sequence[str]) -> "list[Row]":
    """The best within the budgets and the next beyond them; the rows that were shown."""
    verdicts = [("take" if row is choice.taken else "yes", row) for row in choice.within[:WITHIN]]
    verdicts += [(f"no: {', '.join(FIGURES[name] for name in one.over)}", one.row) for one in choice.beyond[:BEYOND]]
    rows = [row for _, row in verdicts]
    if not rows:
        return []
    table = make_table()
    table.add_column("model", no_wrap=True)
    settings = ["frames", "size", *(axis for axis in axes if axis not in ("frames", "size"))]
    for axis in settings:
        table.add_column(axis, justify="right", no_wrap=True)
    columns = [find_column(name) for name in FIGURES if any(row[name] is not None for row in rows)]
    columns = [column for column in columns if column.name != "predicted_memory" or _only_predicted(rows)]
    scales = [column.scale([row[column.name] for row in rows]) for column in columns]
    for column, scale in zip(columns, scales, strict=True):
        unit = "/clip" if column.name == "macs" else scale.label
        table.add_column(f"{FIGURES[column.name]}\n{unit}", justify="right", no_wrap=True)
    table.add_column("within\nbudgets", no_wrap=True)
    for verdict, row in verdicts:
        cells = [row["model"], *(write_axis(row[axis]) for axis in settings)]
        cells += [scale.format(row[column.name]) for column, scale in zip(columns, scales, strict=True)]
        style = "bold" if verdict == "take" else ""
        table.add_row(*(Text(cell, style=style) for cell in [*cells, verdict]))
    print_table(open_console(sys.stdout), table)
    return rows


def _only_predicted(rows: "Sequence[Row]") -> bool:
    return any(row["peak_memory"] is None for row in rows)
