"""A table in LaTeX: booktabs rules, siunitx columns aligned at the decimal point, best figures, footnotes, method.

The table needs booktabs and siunitx, version 2 or 3, and nothing else. siunitx sets plain and bold figures itself. It
cannot underline one: those stand in braces with room for the digits that they lack, which are all equally wide.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vidbench.export.layout import Cell, Column, Layout
from vidbench.export.tex import escape

LONGEST = 30  # rows of a table that is kept on one page
PREAMBLE = (r"\usepackage{booktabs}", r"\usepackage{siunitx} % version 2 or 3")
_NUMBER = re.compile(r"(-?)([\d,]+)(?:\.(\d+))?")
_SETUP = (
    r"\sisetup{detect-weight=true, group-separator={,}, group-minimum-digits=4, table-align-text-post=false}",
    r"\protected\def\best{\bfseries}",
    r"\def\second#1{\underline{#1}}",
    r"\def\note#1{\rlap{\textsuperscript{\normalfont #1}}}",
)


def write_latex(layout: Layout, *, standalone: bool = False) -> str:
    """A `table` to be put into a paper, the packages it needs in a comment; or a whole document around it.

    One that is longer than a page is a `longtable`.
    """
    is_long = sum(len(group.lines) for group in layout.groups) > LONGEST
    table = "\n".join(_table(layout, is_long=is_long)) + "\n"
    needed = [*PREAMBLE, *([r"\usepackage{longtable}"] if is_long else [])]
    if not standalone:
        return "".join(f"% {line}\n" for line in ("needs in the preamble:", *needed)) + table
    head = (r"\documentclass{article}", r"\usepackage[a4paper,landscape,margin=12mm]{geometry}", *needed)
    return "\n".join((*head, r"\begin{document}", table + r"\end{document}")) + "\n"


@dataclass(frozen=True, slots=True)
class _Width:
    """How many digits the figures of a column have before and behind the point."""

    whole: int
    decimals: int
    sign: bool

    @property
    def format(self) -> str:
        """As siunitx wants it."""
        return f"{'-' if self.sign else ''}{self.whole}.{self.decimals}"


def _table(layout: Layout, *, is_long: bool) -> Iterable[str]:
    lines = [line for group in layout.groups for line in group.lines]
    widths = [_measure(line[place] for line in lines) for place in range(len(layout.columns))]
    columns = "".join(map(_column, layout.columns, widths))
    caption = rf"\caption{{{escape(layout.caption)}}}"
    yield r"\begingroup" if is_long else r"\begin{table}"
    yield r"\centering"
    yield from _SETUP
    if is_long:
        yield r"\small\setlength{\tabcolsep}{5pt}\setlength{\LTcapwidth}{\linewidth}"
        yield rf"\begin{{longtable}}{{{columns}}}"
        yield rf"{caption} \\"
        yield from [r"\toprule", *_head(layout.columns), r"\endfirsthead"]
    else:
        yield caption
        yield r"\small\setlength{\tabcolsep}{5pt}"
        yield rf"\begin{{tabular}}{{{columns}}}"
    yield r"\toprule"
    yield from _head(layout.columns)
    yield from [r"\endhead", r"\bottomrule", r"\endfoot"] if is_long else []
    yield from _body(layout, widths)
    yield r"\end{longtable}" if is_long else r"\bottomrule"
    yield from [] if is_long else [r"\end{tabular}"]
    yield from _notes(layout)
    yield r"\par\endgroup" if is_long else r"\end{table}"


def _body(layout: Layout, widths: Sequence[_Width | None]) -> Iterable[str]:
    span = len(layout.columns) + sum(column.has_views for column in layout.columns)
    for number, group in enumerate(layout.groups):
        yield from [r"\midrule"] if number else []
        if group.title is not None:
            yield rf"\multicolumn{{{span}}}{{l}}{{\itshape {escape(group.title)}}} \\"
        for line in group.lines:
            yield " & ".join(map(_cell, line, layout.columns, widths)) + r" \\"


def _measure(cells: Iterable[Cell]) -> _Width | None:
    """The digits of a column's figures; None where it has none."""
    found = [match for cell in cells if cell.is_figure and (match := _NUMBER.fullmatch(cell.text))]
    if not found:
        return None
    whole = max(len(match[2].replace(",", "")) for match in found)
    return _Width(whole, max(len(match[3] or "") for match in found), any(match[1] for match in found))


def _column(column: Column, width: _Width | None) -> str:
    plain = "r" if column.is_numeric else "l"
    text = f"S[table-format={width.format}]" if width and column.is_numeric else plain
    return rf"{text}@{{\,}}l" if column.has_views else text


def _head(columns: Sequence[Column]) -> Iterable[str]:
    yield " & ".join(_head_cell(column, column.head, views=r" $\times$ views") for column in columns) + r" \\"
    if any(column.unit for column in columns):
        yield " & ".join(_head_cell(column, column.unit) for column in columns) + r" \\"
    yield r"\midrule"


def _head_cell(column: Column, text: str, views: str = "") -> str:
    if column.has_views:
        return rf"\multicolumn{{2}}{{c}}{{{escape(text)}{views}}}"
    return f"{{{escape(text)}}}" if text else ""


def _cell(cell: Cell, column: Column, width: _Width | None) -> str:
    text = _figure(cell, width) if width and column.is_numeric else _text(cell)
    if not column.has_views:
        return text
    return f"{text} & " + (rf"$\times$\,{cell.views}" if cell.views else "")


def _text(cell: Cell) -> str:
    notes = rf"\textsuperscript{{{','.join(cell.notes)}}}" if cell.notes else ""
    marked = {"best": rf"{{\bfseries {escape(cell.text)}}}", "second": rf"\second{{{escape(cell.text)}}}"}
    return marked.get(cell.mark, escape(cell.text)) + notes


def _figure(cell: Cell, width: _Width) -> str:
    """A cell of a siunitx column: a number as it is, and all else in braces, which it centres."""
    notes = rf"\note{{{','.join(cell.notes)}}}" if cell.notes else ""
    match = _NUMBER.fullmatch(cell.text)
    if not cell.is_figure or match is None:
        return f"{{{escape(cell.text)}{notes}}}"
    if cell.mark == "second":
        before, behind = _missing(match, width)
        return rf"{{{before}\second{{{cell.text}}}{notes}{behind}}}"
    number = cell.text.replace(",", "")
    best = r"\best " if cell.mark == "best" else ""
    return f"{best}{number}{{{notes}}}" if notes else f"{best}{number}"


def _missing(match: re.Match[str], width: _Width) -> tuple[str, str]:
    """Space as wide as the digits that the widest figures have beyond this one, before it and behind it."""
    sign, whole, decimals = match[1], match[2], match[3] or ""
    full = f"{10 ** (width.whole - 1):,}"
    before = "0" * (width.sign and not sign) + full[: len(full) - len(whole)]
    behind = "0" * (width.decimals - len(decimals))
    point = "." if width.decimals and not decimals else ""
    return _space(before), _space(point + behind)


def _space(text: str) -> str:
    return rf"\hphantom{{{text}}}" if text else ""


def _notes(layout: Layout) -> Iterable[str]:
    lines = [rf"\textsuperscript{{{letter}}}~{escape(text)}" for letter, text in layout.notes]
    lines += [escape(text) for text in layout.remarks]
    if lines:
        yield r"\par\medskip"
        yield r"\begin{minipage}{\linewidth}\footnotesize\raggedright"
        yield "\\par\n".join(lines)
        yield r"\end{minipage}"
