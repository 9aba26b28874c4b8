"""A table in GitHub's Markdown: the method above it, footnotes below; best figures bold, second best underlined."""

import re
from collections.abc import Iterable

from vidbench.export.layout import TIMES, Cell, Column, Layout

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#&$])")


def write_markdown(layout: Layout) -> str:
    """The table, its columns padded so that the source can be read, too. Its groups have no titles of their own."""
    rows = [[_cell(cell) for cell in line] for group in layout.groups for line in group.lines]
    heads = [_head(column) for column in layout.columns]
    widths = [max(3, *(len(row[place]) for row in (heads, *rows))) for place in range(len(heads))]
    rule = ["-" * (width - 1) + (":" if c.is_numeric else "-") for c, width in zip(layout.columns, widths, strict=True)]
    lines = [_line(row, layout.columns, widths) for row in (heads, rule, *rows)]
    notes = [f"<sup>{letter}</sup> {escape(text)}" for letter, text in layout.notes]
    below = [*notes, *map(escape, layout.remarks)]
    return "\n".join([escape(layout.caption), "", *lines, "", "  \n".join(below)]).rstrip() + "\n"


def escape(text: str) -> str:
    """The text as Markdown that shows it as it is, on one line."""
    line = " ".join(text.split())
    return _SPECIAL.sub(r"\\\1", line) if _SPECIAL.search(line) else line  # most cells have none


def _line(cells: Iterable[str], columns: Iterable[Column], widths: Iterable[int]) -> str:
    padded = (
        cell.rjust(width) if column.is_numeric else cell.ljust(width)
        for cell, column, width in zip(cells, columns, widths, strict=True)
    )
    return f"| {' | '.join(padded)} |"


def _head(column: Column) -> str:
    views = f" {TIMES} views" if column.has_views else ""
    return escape(column.head) + views + (f" ({escape(column.unit)})" if column.unit else "")


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    text = {"best": f"**{text}**", "second": f"<u>{text}</u>"}.get(cell.mark, text)
    views = f" {TIMES} {cell.views}" if cell.views else ""
    return text + views + (f" <sup>{','.join(cell.notes)}</sup>" if cell.notes else "")
