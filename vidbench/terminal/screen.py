"""What everything is printed on: a console for each stream, one look for all tables, notes; warnings on stderr."""

import sys
from collections.abc import Sequence
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

UNKNOWN = "–"
MANY_ROWS = 400


def print_notes(notes: Sequence[str]) -> None:
    """What a table must say beside its figures, a line each."""
    write_notes(open_console(sys.stdout), notes)


def warn(message: str) -> None:
    """One line on stderr."""
    print(f"vidbench: {message}", file=sys.stderr, flush=True)  # noqa: T201


def open_console(stream: TextIO) -> Console:
    """What draws on that stream; plain text where it is no terminal."""
    return Console(file=stream, highlight=False)


def make_table() -> Table:
    """An empty table in the look of all."""
    return Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))


def print_table(console: Console, table: Table) -> None:
    """Narrowly where the window asks for it, and past its edge rather than without a column or a digit.

    One of very many rows, which rich would take a minute for, comes as plain text everywhere.
    """
    if table.row_count > MANY_ROWS:
        console.file.write(f"{_plain(table)}\n\n")
        return
    limit = console.width if console.is_terminal else 1000
    if _natural_width(console, table) > limit:
        table.padding = 0
    console.width = max(limit, _natural_width(console, table))
    console.print(table)
    console.print()
    console.width = limit


def _plain(table: Table) -> str:
    """What rich makes of a table of one-line cells, as text without styles and at its natural width."""
    columns = [
        (column.justify, str(column.header).split("\n"), [_text(cell) for cell in column.cells])
        for column in table.columns
    ]
    height = max(len(head) for _, head, _ in columns)
    drawn = []
    for place, (justify, head, cells) in enumerate(columns):
        texts = [*[""] * (height - len(head)), *head, *cells]
        width = max(map(cell_len, texts))
        gap = "  " if place < len(columns) - 1 else ""
        fill = str.rjust if justify == "right" else str.ljust
        # str counts characters, a terminal cells: a wide one takes two.
        drawn.append([fill(text, width - cell_len(text) + len(text)) + gap for text in texts])
    lines = ["".join(parts) for parts in zip(*drawn, strict=True)]
    lines.insert(height, "─" * cell_len(lines[0]))
    return "\n".join(lines)


def _text(cell: RenderableType) -> str:
    return cell.plain if isinstance(cell, Text) else str(cell)


def _natural_width(console: Console, table: Table) -> int:
    return console.measure(table, options=console.options.update(max_width=10_000)).maximum


def write_notes(console: Console, notes: Sequence[str]) -> None:
    """A line each, folded on a terminal alone."""
    for note in notes:
        console.print(Text(note), soft_wrap=not console.is_terminal)
