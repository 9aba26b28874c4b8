"""The curve of a search for a batch: a line a batch, with a bar for its figure, or why there is none."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.text import Text

from vidbench.records import FAILED
from vidbench.searches import is_refused
from vidbench.terminal.profile import UNSETTLED
from vidbench.terminal.screen import open_console
from vidbench.units import Scale, column_scale

if TYPE_CHECKING:
    from vidbench.records import Case, Measurement, Record

BAR = 32  # columns
EIGHTHS = " ▏▎▍▌▋▊▉"
CURVES = {"best": "throughput", "max": "peak_memory"}
CHOSEN = "◀ chosen"


def print_curves(records: "Sequence[Record]") -> None:
    """Of each case whose batch was searched for the curve, and why that batch was chosen."""
    console = open_console(sys.stdout)
    groups: dict[Case, list[Record]] = {}
    for record in records:
        if "search" in record.conditions:
            groups.setdefault(replace(record.case, batch=1), []).append(record)
    for case, tried in groups.items():
        for line in draw_curve(case, tried):
            console.print(Text(line), soft_wrap=not console.is_terminal)
        console.print()


def draw_curve(case: "Case", tried: "Sequence[Record]") -> Iterator[str]:
    """The lines of one search: its records in the order in which they were taken."""
    search = tried[0].conditions["search"]
    figures = {record.case.batch: m for record in tried if (m := record.measurement(CURVES[search]))}
    last = {record.case.batch: record for record in tried}
    scale = _scale(list(figures.values()))
    most = max((_value(figure) for figure in figures.values()), default=0.0)
    width = len(str(max(last)))
    known = {batch: _figure(figure, scale) for batch, figure in figures.items()}
    digits = max(map(len, known.values()), default=0)
    yield f"{case.model} {case.frames}x{case.size} {case.dtype}, {_head(search)} by batch, {scale.label}:"
    for batch, record in sorted(last.items()):
        if record.failure:
            yield f"  {batch:>{width}}  {_describe_failure(record)}"
        elif batch in figures:
            mark = f"  {CHOSEN}" if record.conditions["chosen"] else ""
            yield f"  {batch:>{width}}  {_bar(_value(figures[batch]), most)}  {known[batch]:>{digits}}{mark}"
    yield _verdict(tried)
    if any(figure.startswith(UNSETTLED) for figure in known.values()):
        yield f"{UNSETTLED} is a figure that is not known as well as --precision asks"


def _head(search: str) -> str:
    return "throughput" if search == "best" else "memory"


def _scale(figures: "Sequence[Measurement]") -> Scale:
    if figures and figures[0].unit == "bytes":
        return column_scale([max(map(_value, figures))], "bytes")
    return Scale(1, "clips/s" if figures else "nothing ran")


def _value(figure: "Measurement") -> float:
    return figure.value if isinstance(figure.value, int | float) else 0.0


def _figure(figure: "Measurement", scale: Scale) -> str:
    mark = UNSETTLED if figure.details.get("settled") is False else ""
    return mark + scale.format(_value(figure))


def _bar(value: float, most: float) -> str:
    """A bar of eighths of a column, as long as the value's share of the most, padded to the width of all."""
    eighths = round(8 * BAR * value / most) if most else 0
    return ("█" * (eighths // 8) + EIGHTHS[eighths % 8]).strip().ljust(BAR)


def _describe_failure(record: "Record") -> str:
    """What ended there; beside want of memory, what was wanted and free, which end its message."""
    failure = record.failure
    if failure is None:
        return ""
    reason = failure.message.rpartition("; ")[2] if failure.kind == "oom" else failure.message
    return f"{FAILED[failure.kind]} ({reason})"


def _verdict(tried: "Sequence[Record]") -> str:
    for record in tried:
        if record.conditions["chosen"]:
            return f"batch {record.case.batch}: {record.conditions['why']}"
    end = tried[-1]
    if end.failure and not is_refused(end):
        return f"no batch was found: batch {end.case.batch} {FAILED[end.failure.kind]}"
    return "no batch was found: the search was not finished"
