"""A table in HTML that needs nothing else: headed for screen readers, in the page's colours, ready for print."""

from collections.abc import Iterable
from html import escape

from vidbench.export.layout import TIMES, Cell, Column, Layout

_STYLE = """\
.vidbench { border-collapse: collapse; font: 0.9rem/1.5 system-ui, sans-serif; }
.vidbench caption { text-align: left; padding-bottom: 0.5rem; max-width: 70rem; }
.vidbench th, .vidbench td { padding: 0.15rem 0.7rem; text-align: left; font-weight: normal; vertical-align: top; }
.vidbench .figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.vidbench thead th { border-top: 2px solid; font-weight: bold; }
.vidbench thead small { display: block; font-weight: normal; }
.vidbench tbody th[scope=rowgroup] { font-style: italic; padding-top: 0.4rem; }
.vidbench tbody > tr:first-child > * { border-top: 1px solid; }
.vidbench tbody:last-of-type > tr:last-child > * { border-bottom: 2px solid; }
.vidbench tfoot td { font-size: 0.8rem; padding-top: 0.5rem; }
.vidbench tfoot p { margin: 0; max-width: 70rem; }
.vidbench sup { line-height: 0; }
"""
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>vidbench: what video networks cost</title>
</head>
<body>
{table}</body>
</html>
"""


def write_html(layout: Layout, *, standalone: bool = False) -> str:
    """A `table` with its style, to be put into a page; or a whole page."""
    table = "\n".join(["<style>", _STYLE + "</style>", *_table(layout)]) + "\n"
    return _PAGE.format(table=table) if standalone else table


def _table(layout: Layout) -> Iterable[str]:
    yield '<table class="vidbench">'
    yield f"<caption>{escape(layout.caption)}</caption>"
    yield "<thead><tr>"
    yield from map(_head, layout.columns)
    yield "</tr></thead>"
    for group in layout.groups:
        yield "<tbody>"
        if group.title is not None:
            yield f'<tr><th scope="rowgroup" colspan="{len(layout.columns)}">{escape(group.title)}</th></tr>'
        for line in group.lines:
            cells = (_cell(cell, column, is_first=not place) for place, (cell, column) in _pairs(line, layout.columns))
            yield f"<tr>{''.join(cells)}</tr>"
        yield "</tbody>"
    yield f'<tfoot><tr><td colspan="{len(layout.columns)}">'
    yield from (f"<p><sup>{letter}</sup> {escape(text)}</p>" for letter, text in layout.notes)
    yield from (f"<p>{escape(text)}</p>" for text in layout.remarks)
    yield "</td></tr></tfoot>"
    yield "</table>"


def _pairs(line: Iterable[Cell], columns: Iterable[Column]) -> Iterable[tuple[int, tuple[Cell, Column]]]:
    return enumerate(zip(line, columns, strict=True))


def _head(column: Column) -> str:
    views = f" {TIMES} views" if column.has_views else ""
    unit = f"<small>{escape(column.unit)}</small>" if column.unit else ""
    return f'<th scope="col"{_kind(column)}>{escape(column.head)}{views}{unit}</th>'


def _cell(cell: Cell, column: Column, *, is_first: bool) -> str:
    text = escape(cell.text)
    text = {"best": f"<strong>{text}</strong>", "second": f"<u>{text}</u>"}.get(cell.mark, text)
    views = f" {TIMES} {cell.views}" if cell.views else ""
    notes = f"<sup>{','.join(cell.notes)}</sup>" if cell.notes else ""
    tag, scope = ("th", ' scope="row"') if is_first else ("td", "")
    return f"<{tag}{scope}{_kind(column)}>{text}{views}{notes}</{tag}>"


def _kind(column: Column) -> str:
    return ' class="figure"' if column.is_numeric else ""
