"""What a gate says, for GitHub Actions: annotations of a run, and the Markdown of its summary."""

from collections.abc import Iterator, Mapping, Sequence

from vidbench.comparison.pairs import label
from vidbench.gates import Check, Judgement, Verdict
from vidbench.metrics import METRICS
from vidbench.units import format_figure

LEVELS: Mapping[Verdict, str] = {
    "regression": "error",
    "could not measure": "error",
    "no baseline": "warning",
    "inconclusive": "warning",
}
MARKS: Mapping[Verdict, str] = {
    "regression": "❌",
    "could not measure": "💥",
    "no baseline": "🆕",
    "inconclusive": "❔",
    "pass": "✅",
}


def write_annotations(judgement: Judgement) -> list[str]:
    """A workflow command for each check that did not pass."""
    return [
        f"::{LEVELS[check.verdict]} title={_escape_property(f'vidbench: {check.verdict}')}::{_escape(check.sentence)}"
        for check in judgement.checks
        if check.verdict in LEVELS
    ]


def write_summary(judgement: Judgement, notes: Sequence[str] = ()) -> str:
    """A table of all that was measured or did not pass, and how many counted figures are as they were."""
    shown = [check for check in judgement.checks if check.verdict != "pass" or not _is_counted(check)]
    passed = len(judgement.checks) - len(shown)
    lines = [f"## {MARKS[judgement.verdict]} vidbench gate: {judgement.verdict}", "", *_table(shown)]
    lines += (
        [f"{passed} counted figures (MACs, parameters and the like) are within their limits.", ""] if passed else []
    )
    lines += [f"- {_cell(note)}" for note in notes]
    return "\n".join(lines) + "\n"


def _table(checks: Sequence[Check]) -> Iterator[str]:
    if not checks:
        return
    yield "| | case | figure | baseline | now | worse by | between | limit | runs | |"
    yield "|---|---|---|---:|---:|---:|---|---:|---|---|"
    for check in checks:
        yield f"| {' | '.join(map(_cell, _cells(check)))} |"
    yield ""


def _cells(check: Check) -> tuple[str, ...]:
    mark = f"{MARKS[check.verdict]} {check.verdict}"
    if not check.metric:
        return (mark, label(check.case), "", "", "", "", "", "", "", check.reason)
    metric = METRICS[check.metric]
    between = "" if check.low is None or check.high is None else f"{check.low:+.1%} to {check.high:+.1%}"
    return (
        mark,
        label(check.case),
        metric.label,
        format_figure(check.old, metric.unit),
        format_figure(check.new, metric.unit),
        "" if check.change is None else f"{check.change:+.1%}",
        between,
        "" if check.limit is None else f"{check.limit:.1%}",
        f"{check.runs[0]} / {check.runs[1]}",
        check.reason,
    )


def _is_counted(check: Check) -> bool:
    return bool(check.metric) and METRICS[check.metric].kind == "exact"


def _cell(text: str) -> str:
    """Text as it is, within a cell of a Markdown table."""
    marked = "".join(f"\\{sign}" if sign in "\\|`*_<>[]" else sign for sign in text)
    return " ".join(marked.split())


def _escape(text: str) -> str:
    """A workflow command's message: these characters would end it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
