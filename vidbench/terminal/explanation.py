"""Where one call goes: a tree of modules, a table by kind of operator, and what follows; two nets side by side."""

import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vidbench.explain.comparison import OUTSIDE, Comparison
from vidbench.explain.explanation import Explanation, Kind, Part, Trial, Work, add
from vidbench.terminal.screen import UNKNOWN, make_table, open_console, print_table, write_notes
from vidbench.units import Scale, column_scale, format_number

OPEN = 0.10  # of time, MACs or bytes: a module is opened where it has as much
SMALL = 0.05  # modules that have less are folded into one line; where a depth is asked for, a fifth of it
DEPTH = 3
MIB, GIGA = 2.0**20, 1e9


def print_explanation(explanation: Explanation, depth: int | None) -> None:
    """The tree of modules, the table by kind, and the findings of one net."""
    console = open_console(sys.stdout)
    console.print(Text(_title(explanation)), soft_wrap=True)
    console.print()
    print_table(console, _tree(explanation, depth))
    print_table(console, _kinds(explanation))
    _print_findings(console, explanation)
    console.print()
    write_notes(console, [*(f"caution: {caveat}" for caveat in explanation.caveats), *_methods(explanation)])


def print_comparison(comparison: Comparison) -> None:
    """One net against another: kinds of operators side by side, and what makes the difference."""
    console = open_console(sys.stdout)
    for one in (comparison.ours, comparison.theirs):
        console.print(Text(_title(one)), soft_wrap=True)
    console.print()
    print_table(console, _side_by_side(comparison))
    for sentence in comparison.sentences:
        console.print(Text(f"- {sentence}"), soft_wrap=not console.is_terminal)
    console.print()
    for one in (comparison.ours, comparison.theirs):
        console.print(Text(f"{one.case.model}:"))
        _print_findings(console, one)
        write_notes(console, [f"caution: {caveat}" for caveat in one.caveats])
    console.print()
    write_notes(console, list(dict.fromkeys([*_methods(comparison.ours), *_methods(comparison.theirs)])))


def _title(explanation: Explanation) -> str:
    case, work = explanation.case, explanation.root.work
    parts = [
        f"{case.model} {case.frames}x{case.size} batch {case.batch} {case.dtype} on {explanation.device}",
        f"{format_number(explanation.params / 1e6)} M parameters",
        f"{format_number(work.macs / GIGA)} GMACs a call",
    ]
    if explanation.peaks and explanation.peaks.estimate:
        parts.append(f"estimated {_seconds(explanation.total)} (a lower bound)")
    elif explanation.latency:
        parts.append(f"latency {_seconds(explanation.latency)}")
    return ", ".join(parts)


def _tree(explanation: Explanation, depth: int | None) -> Table:
    table = make_table()
    table.add_column("module", no_wrap=True)
    heads = ("params\nM", "MACs\nG", "MACs\n%", "time\n%", "moved\nMiB", "MACs\n/byte", "rate\nGMACs/s", "peak\n%")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    view = _View(explanation, DEPTH, OPEN, SMALL) if depth is None else _View(explanation, depth, 0.0, SMALL / 5)
    for name, params, work in _rows(explanation.root, view):
        table.add_row(name, *_cells(params, work, explanation))
    return table


class _View(NamedTuple):
    """How deep the tree is shown, and the shares from which modules are opened and not folded."""

    explanation: Explanation
    depth: int
    opened: float
    folded: float


def _rows(part: Part, view: _View, level: int = 0) -> Iterator[tuple[str, int | None, Work]]:
    """Lines of the tree: what is large is opened, what is small folded."""
    explanation, indent = view.explanation, "  " * (level + 1)
    label = part.path.rpartition(".")[2] or explanation.case.model
    yield f"{'  ' * level}{label} ({part.kind})", part.params, part.work
    if level >= view.depth or _weight(part.work, explanation) < view.opened:
        return
    small = [child for child in part.children if _weight(child.work, explanation) < view.folded]
    folded = small if len(small) > 1 else []
    for child in part.children:
        if child not in folded:
            yield from _rows(child, view, level + 1)
    if folded:
        more = add(*(child.work for child in folded))
        yield f"{indent}({len(folded)} more)", sum(child.params for child in folded), more
    if part.children and _weight(part.own, explanation) >= view.folded:
        yield f"{indent}(itself)", None, part.own


def _weight(work: Work, explanation: Explanation) -> float:
    time = explanation.share_of_time(work)
    return max(explanation.share_of_macs(work), explanation.share_of_bytes(work) if time is None else time)


def _cells(params: int | None, work: Work, explanation: Explanation) -> list[str]:
    return [
        UNKNOWN if params is None else format_number(params / 1e6),
        format_number(work.macs / GIGA),
        _percent(explanation.share_of_macs(work)),
        _percent(explanation.share_of_time(work)),
        format_number(work.bytes / MIB),
        *_rates(work, explanation),
    ]


def _rates(work: Work, explanation: Explanation) -> list[str]:
    """MACs a byte, MACs a second and its share of the peak; of what does no MACs, none."""
    if not work.macs:
        return [UNKNOWN] * 3
    rate = work.macs_per_second
    return [
        UNKNOWN if work.intensity is None else format_number(work.intensity),
        UNKNOWN if rate is None else format_number(rate / GIGA),
        _percent(work.of_peak(explanation.peaks)),
    ]


def _kinds(explanation: Explanation) -> Table:
    table = make_table()
    table.add_column("kind of operator", no_wrap=True)
    scale = _time_scale([explanation])
    heads = (
        "calls",
        "MACs\n%",
        "bytes\n%",
        f"time\n{scale.label}",
        "time\n%",
        "MACs\n/byte",
        "rate\nGMACs/s",
        "peak\n%",
    )
    for head in (*heads, "bandwidth\n%"):
        table.add_column(head, justify="right", no_wrap=True)
    for label, work in _kind_rows(explanation):
        table.add_row(
            label,
            str(work.calls) if work.calls else "",
            _percent(explanation.share_of_macs(work)) if work.bytes or work.macs else "",
            _percent(explanation.share_of_bytes(work)) if work.bytes else "",
            scale.format(work.seconds),
            _percent(explanation.share_of_time(work)),
            *_rates(work, explanation),
            _percent(work.of_bandwidth(explanation.peaks)) if work.bytes else UNKNOWN,
        )
    return table


def _kind_rows(explanation: Explanation) -> Iterator[tuple[str, Work]]:
    """Each kind, its filters below it where there are several; what no operator took; all of it."""
    names = ", ".join(operator.name for operator in explanation.unknown)
    for kind in explanation.kinds:
        if kind.name == "unknown":
            yield f"unknown: {names}", kind.work
            continue
        filters = [one for one in explanation.kernels if one.name == kind.name]
        yield _kind_label(kind, filters), kind.work
        if len(filters) > 1:
            yield from ((f"  {one.kernel or 'other'}", one.work) for one in filters)
    if explanation.outside is not None and not (explanation.peaks and explanation.peaks.estimate):
        yield "waiting for launches" if explanation.waits else OUTSIDE, Work(seconds=explanation.outside)
    root = explanation.root.work
    yield (
        "all",
        Work(
            calls=root.calls, macs=root.macs, read=root.read, written=root.written, seconds=explanation.total
        ),
    )  # fmt: skip


def _kind_label(kind: Kind, filters: Sequence[Kind]) -> str:
    only = filters[0].kernel if len(filters) == 1 else ""
    return kind.name if not only or only in kind.name else f"{kind.name} {only}"


def _side_by_side(comparison: Comparison) -> Table:
    ours, theirs = comparison.ours, comparison.theirs
    scale = _time_scale([ours, theirs])
    table = make_table()
    table.add_column("kind of operator", no_wrap=True)
    for one in (ours, theirs):
        for head in ("MACs\n%", f"time\n{scale.label}", "time\n%", "peak\n%"):
            name = f"{one.case.model}\n" if head.startswith("MACs") else "\n"
            table.add_column(name + head, justify="right", no_wrap=True)
    table.add_column(f"\nexcess\n{scale.label}", justify="right", no_wrap=True)
    table.add_column("\nexcess\n%", justify="right", no_wrap=True)
    for row in comparison.rows:
        cells = [cell for work, one in ((row.ours, ours), (row.theirs, theirs)) for cell in _compared(work, one, scale)]
        table.add_row(row.name, *cells, scale.format(row.excess), _percent(row.share))
    totals = [
        cell
        for one in (ours, theirs)
        for cell in ("100", scale.format(one.total), "100", _percent(_total(one).of_peak(one.peaks)))
    ]
    table.add_row("all", *totals, scale.format(comparison.excess), "100")
    return table


def _compared(work: Work | None, one: Explanation, scale: Scale) -> list[str]:
    if work is None:
        return ["", "", "", ""]
    return [
        _percent(one.share_of_macs(work)) if work.macs else UNKNOWN,
        scale.format(work.seconds),
        _percent(one.share_of_time(work)),
        _percent(work.of_peak(one.peaks)) if work.macs else UNKNOWN,
    ]


def _total(explanation: Explanation) -> Work:
    return Work(macs=explanation.root.work.macs, seconds=explanation.total)


def _print_findings(console: Console, explanation: Explanation) -> None:
    for finding in explanation.findings:
        estimated = explanation.peaks is not None and explanation.peaks.estimate
        tried = f" (--try: {finding.trial})" if finding.trial and not explanation.trials and not estimated else ""
        console.print(Text(f"- {finding.text}{tried}"), soft_wrap=not console.is_terminal)
    for trial in explanation.trials:
        console.print(Text(f"- tried {_describe(trial)}"), soft_wrap=not console.is_terminal)


def _describe(trial: Trial) -> str:
    if trial.speedup is None:
        return f"{trial.name} ({trial.change}): {trial.failure}"
    moved = "" if trial.difference is None else f", logits differ by {trial.difference:.1e} of the greatest"
    if trial.difference == 0:
        moved = ", logits equal"
    return (
        f"{trial.name} ({trial.change}): {_seconds(trial.before)} -> {_seconds(trial.after)} a clip, "
        f"{format_number(trial.speedup)} times as fast{moved}"
    )


def _methods(explanation: Explanation) -> list[str]:
    stack = ", ".join(f"{name} {version}" for name, version in explanation.versions.items())
    lines = [f"{explanation.device} · {stack}"]
    if explanation.overhead is not None:
        lines.append(
            f"{explanation.case.model}: shares are of the call under the profiler, which takes "
            f"{format_number(explanation.overhead)} times as long as without it ({_seconds(explanation.latency)})"
        )
    return [*lines, *explanation.methods]


def _time_scale(explanations: Sequence[Explanation]) -> Scale:
    return column_scale([one.total for one in explanations], "seconds")


def _seconds(value: float | None) -> str:
    scale = column_scale([value], "seconds")
    return f"{scale.format(value)} {scale.label}"


def _percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{100 * share:.1f}"
