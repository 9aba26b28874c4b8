"""Two results side by side, and a gate's checks."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vidbench.comparison.pairs import label
from vidbench.metrics import METRICS
from vidbench.terminal.screen import UNKNOWN, make_table, open_console, print_notes, print_table
from vidbench.units import format_figure

if TYPE_CHECKING:
    from vidbench.comparison.changes import Change, Comparison
    from vidbench.gates import Check, Judgement

LONG = 200  # rows from which a table is drawn plainly
RIGHT = ("old", "new", "ratio", "baseline", "now", "worse by", "limit")


def print_comparison(comparison: "Comparison") -> None:
    """A row for each measured figure of each case, and for each counted one that is not equal; then the notes."""
    shown = [change for change in comparison.changes if change.verdict != "equal"]
    heads = ("case", "figure", "old", "new", "ratio", "95% interval", "p", "runs", "verdict", "")
    if shown:
        _print_table(heads, [_change_cells(change) for change in shown])
    print_notes(comparison.notes)


def print_judgement(judgement: "Judgement", notes: Sequence[str]) -> None:
    """A row for each measured figure, and for each counted one that did not pass; then the notes and the verdict."""
    shown = [check for check in judgement.checks if check.verdict != "pass" or _is_sampled(check)]
    heads = ("case", "figure", "baseline", "now", "worse by", "between", "limit", "runs", "verdict", "")
    if shown:
        _print_table(heads, [_check_cells(check) for check in shown])
    counted = len(judgement.checks) - len(shown)
    lines = [f"{counted} counted figures are within their limits"] if counted else []
    print_notes([*lines, *notes, f"gate: {judgement.verdict}"])


def _print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if len(rows) > LONG:
        _print_long(heads, rows)
        return
    table = make_table()
    for head in heads[:-1]:
        table.add_column(head, justify="right" if head in RIGHT else "left", no_wrap=True)
    table.add_column(heads[-1], overflow="fold")
    for row in rows:
        table.add_row(*row)
    print_table(open_console(sys.stdout), table)


def _print_long(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned without rich, which takes milliseconds a row."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    aligned = [">" if head in RIGHT else "<" for head in heads]
    form = "  ".join(f"{{:{side}{width}}}" for side, width in zip(aligned, widths, strict=True))
    lines = (form.format(*cells).rstrip() for cells in (heads, ["─" * width for width in widths], *rows))
    sys.stdout.write("\n".join([*lines, "", ""]))


def _change_cells(change: "Change") -> tuple[str, ...]:
    if not change.metric:
        return (label(change.case), *(UNKNOWN,) * 6, _runs(change.runs), change.verdict, change.why or "")
    metric = METRICS[change.metric]
    interval = change.interval
    return (
        label(change.case),
        metric.label,
        format_figure(change.old, metric.unit),
        format_figure(change.new, metric.unit),
        UNKNOWN if change.ratio is None else f"{change.ratio:.3f}",
        UNKNOWN if interval is None else f"{interval.low:.3f} to {interval.high:.3f}",
        UNKNOWN if change.chance is None else f"{change.chance:.2g}",
        _runs(change.runs),
        change.verdict,
        change.why or "",
    )


def _check_cells(check: "Check") -> tuple[str, ...]:
    if not check.metric:
        return (label(check.case), *(UNKNOWN,) * 7, check.verdict, check.reason)
    metric = METRICS[check.metric]
    widened = check.widened is not None and check.limit is not None and check.widened > check.limit
    bounds = ("?" if bound is None else f"{bound:+.1%}" for bound in (check.low, check.high))
    return (
        label(check.case),
        metric.label,
        format_figure(check.old, metric.unit),
        format_figure(check.new, metric.unit),
        UNKNOWN if check.change is None else f"{check.change:+.1%}",
        " to ".join(bounds) if _is_sampled(check) and check.change is not None else UNKNOWN,
        f"{check.widened if widened else check.limit:.1%}{'*' if widened else ''}",
        _runs(check.runs),
        check.verdict,
        check.reason,
    )


def _is_sampled(check: "Check") -> bool:
    return bool(check.metric) and METRICS[check.metric].kind == "sampled"


def _runs(runs: tuple[int, int]) -> str:
    return f"{runs[0]} / {runs[1]}"
