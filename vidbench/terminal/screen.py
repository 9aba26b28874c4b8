"""What everything is printed on: a console for each stream, one look for all tables, notes; warnings on stderr."""

import sys
from collections.abc import Sequence
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

UNKNOWN = "–"


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
    """Narrowly where the window asks for it, and past its edge rather than without a column or a digit."""
    limit = console.width if console.is_terminal else 1000
    if _natural_width(console, table) > limit:
        table.padding = 0
    console.width = max(limit, _natural_width(console, table))
    console.print(table)
    console.print()
    console.width = limit


def _natural_width(console: Console, table: Table) -> int:
    return console.measure(table, options=console.options.update(max_width=10_000)).maximum


def write_notes(console: Console, notes: Sequence[str]) -> None:
    """A line each, folded on a terminal alone."""
    for note in notes:
        console.print(Text(note), soft_wrap=not console.is_terminal)
