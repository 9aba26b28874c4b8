"""The only code that draws with rich: tables and notes on stdout, progress and warnings on stderr."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vidbench.catalog import Family, Published
from vidbench.differences import COUNTERS
from vidbench.units import Scale, column_scale, format_number

if TYPE_CHECKING:
    from vidbench.claims import Answer, Finding
    from vidbench.records import Case, Measurement, Record
    from vidbench.table import Row

QUIET_SECONDS = 1.0  # work shorter than this shows no progress
UNKNOWN = "–"
HISTOGRAM_WIDTH = 10
FAILED = {"oom": "out of memory", "crash": "crashed", "timeout": "timed out", "error": "failed"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of measured figures: which one, its head, and the scale it is printed in (by default its unit's)."""

    key: str
    head: str
    scale: Scale | None = None
    unit: str = ""
    per: str = ""


METRIC_COLUMNS = {
    "params": (Column("params", "params", Scale(1e6, "M")),),
    "macs": (Column("macs", "GMACs", Scale(1e9, "/clip")),),
    "macs_bounds": (
        Column("macs_fewest", "fewest", Scale(1e9, "GMACs")),
        Column("macs_most", "most", Scale(1e9, "GMACs")),
    ),
    "frames_kept": (Column("frames_kept", "kept", Scale(1, "frames")),),
    "activations": (Column("activations", "activations", Scale(1e6, "M/clip")),),
    "weight_memory": (Column("weight_memory", "weights", unit="bytes"),),
    "predicted_memory": (Column("predicted_memory", "predicted", unit="bytes", per="/call"),),
    "latency": (
        Column("latency", "latency", unit="seconds", per="/call"),
        Column("latency_p90", "p90", unit="seconds"),
    ),
    "throughput": (Column("throughput", "throughput", Scale(1, "clips/s")),),
    "peak_memory": (Column("peak_memory", "memory", unit="bytes", per="/call"),),
    "reserved_memory": (Column("reserved_memory", "reserved", unit="bytes", per="/call"),),
}
BY_DEFAULT = ("params", "macs", "latency", "throughput", "peak_memory", "reserved_memory")


def shown_metrics(metrics: Sequence[str], *, chosen: bool) -> list[str]:
    """Those of the metrics taken that have a column: all that were asked for by name, otherwise the usual ones.

    Predicted memory has a column where none is measured; otherwise a line under the table compares the two.
    """
    usual = BY_DEFAULT if "peak_memory" in metrics else (*BY_DEFAULT, "predicted_memory")
    return [name for name in metrics if chosen or name in usual]


def print_profile(rows: "Sequence[Row]", metrics: Sequence[str]) -> None:
    """A row a case with columns for these metrics."""
    table = _table()
    table.add_column("model", no_wrap=True)
    axes = ["frames", "size", "batch", *(["dtype"] if len({row["dtype"] for row in rows}) > 1 else [])]
    for axis in axes:
        table.add_column(axis, justify="right", no_wrap=True)
    columns = [column for name in metrics for column in METRIC_COLUMNS[name]]
    cells = [[row["model"], *(str(row[axis]) for axis in axes)] for row in rows]
    for column in columns:
        scale = column.scale or _shared_scale(rows, columns, column.unit)
        table.add_column(f"{column.head}\n{scale.label}{column.per}", justify="right", no_wrap=True)
        for row, line in zip(rows, cells, strict=True):
            line.append(_cell(row, column, scale))
        if column.key == "macs":
            table.add_column("paper\nGMACs", justify="right", no_wrap=True)
            for row, line in zip(rows, cells, strict=True):
                line.append(row["published_gmacs"] or UNKNOWN)
            _add_cross_checks(table, rows, cells, scale)
    for line in cells:
        table.add_row(*line)
    _print_table(_console(sys.stdout), table)


def _add_cross_checks(table: Table, rows: "Sequence[Row]", cells: list[list[str]], scale: Scale) -> None:
    """Where other counters were asked, a column each."""
    for counter in COUNTERS if any(row["cross_check"] for row in rows) else ():
        table.add_column(f"{counter}\nGMACs", justify="right", no_wrap=True)
        for row, line in zip(rows, cells, strict=True):
            line.append(scale.format(row[f"{counter}_macs"]))


def _cell(row: "Row", column: Column, scale: Scale) -> str:
    """A figure; of MACs that depend on the clip their range, never one number; of a failed case what failed."""
    if column.key == "macs":
        for low, high in (("macs_min", "macs_max"), ("macs_fewest", "macs_most")):
            if row[low] is not None:
                return f"{scale.format(row[low])}–{scale.format(row[high])}"
    failed = row[column.key] is None and row["failure"]
    return FAILED[row["failure"]] if failed else scale.format(row[column.key])


def print_distributions(records: "Sequence[Record]") -> None:
    """Of each case whose work depends on the clip: the spread over its clips, beside the net without sampling."""
    console = _console(sys.stdout)
    for record in records:
        figures = [m for m in record.measurements if "unsampled" in m.details]
        kept = record.measurement("frames_kept")
        if figures:
            clips = len(figures[0].details["clips"])
            console.print(Text(f"{record.case.model} over {clips} clips of {record.case.clip}:"))
            _print_table(console, _spread(figures))
        for path, numbers in kept.details["layers"].items() if kept else ():
            console.print(
                Text(f"{record.case.model}, frames kept after {path.partition('.block')[0]}: {_histogram(numbers)}")
            )
        if kept:
            console.print()


def _spread(figures: "Sequence[Measurement]") -> Table:
    table = _table()
    table.add_column("", no_wrap=True)
    for head in ("min", "mean", "max", "without\nsampling", "saving\n%"):
        table.add_column(head, justify="right", no_wrap=True)
    for figure in figures:
        values = [figure.details[part] for part in ("min", "mean", "max", "unsampled")]
        macs = figure.metric == "macs"
        scale = Scale(1e9, "GMACs") if macs else column_scale(values, figure.unit)
        label = "GMACs per clip" if macs else f"{figure.metric} {scale.label}/call"
        table.add_row(label, *map(scale.format, values), format_number(100 * figure.details["saving"]))
    return table


def _histogram(numbers: Sequence[int]) -> str:
    """How often each number occurs, such as `5 ███ 3x  6 █ 1x`."""
    counted = sorted(Counter(numbers).items())
    most = max(times for _, times in counted)
    return "  ".join(f"{number} {'█' * -(-HISTOGRAM_WIDTH * times // most)} {times}x" for number, times in counted)


def print_notes(notes: Sequence[str]) -> None:
    """What a table must say beside its figures, a line each."""
    _print_notes(_console(sys.stdout), notes)


def _shared_scale(rows: "Sequence[Row]", columns: Sequence[Column], unit: str) -> Scale:
    """One unit for all columns of a kind, so that median and p90 can be compared by eye."""
    return column_scale((row[c.key] for c in columns if c.unit == unit for row in rows), unit)


def print_families(families: Sequence[Family]) -> None:
    """Every variant with its default clip and a published figure; one family alone with all that is published."""
    in_full = len(families) == 1
    table = _table()
    table.add_column("variant", no_wrap=True)
    table.add_column("family", no_wrap=True)
    for head in ("params\nM", "default\nclip", "GMACs", "top-1\n%"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("published for", no_wrap=True)
    for head in ("source", *(("top-5\n%", "views") if in_full else ())):
        table.add_column(head, justify="right", no_wrap=True)
    sources: dict[str, int] = {}
    for family in families:
        lines = []
        for variant in family.variants.values():
            cells = [
                variant.name + ("*" if variant.name == family.default else ""),
                family.title,
                format_number(variant.params / 1e6),
                f"{variant.frames}x{variant.size}",
            ]
            for published in (variant.published if in_full else [variant.headline()]) or [None]:
                lines.append([*cells, *_published_cells(published, sources)[: len(table.columns) - len(cells)]])
                cells = [""] * len(cells)
        # One row a family: rich's time goes by cells, and `list` has to be as quick as help.
        table.add_row(*("\n".join(column) for column in zip(*lines, strict=True)), end_section=True)
    console = _console(sys.stdout)
    _print_table(console, table)
    papers = [f"{family.title} ({family.name}): {family.paper}; code: {family.code}" for family in families]
    notes = [
        *(f"[{number}] {source}" for source, number in sources.items()),
        *(papers if in_full else []),
        "* stands for its family. GMACs (which papers print as GFLOPs) and accuracies are as printed by their source.",
        "`vidbench profile NAME` measures one; `vidbench list FAMILY` shows all that is published, --json everything.",
    ]
    _print_notes(console, notes)


def _published_cells(published: Published | None, sources: dict[str, int]) -> list[str]:
    if published is None:
        return [UNKNOWN] * 6
    gmacs, top1, top5 = (
        UNKNOWN if number is None else f"{number:g}" for number in (published.gmacs, published.top1, published.top5)
    )
    setting = f"{published.dataset} {published.frames}" + (f"x{published.size}" if published.size else "")
    source = f"[{sources.setdefault(published.source, len(sources) + 1)}]"
    return [gmacs, top1, setting, source, top5, UNKNOWN if published.views is None else str(published.views)]


def print_claims(findings: "Sequence[Finding]", answers: "Sequence[Answer]") -> None:
    """Every published row beside ours with the reason for a difference, then what can be told of the headlines."""
    table = _table()
    for head in ("variant", "for"):
        table.add_column(head, no_wrap=True)
    for head in ("clip", "params M\nours", "\npaper", "\n%", "GMACs\nours", "\npaper", "\n%"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("reason", overflow="fold")
    sources: dict[str, int] = {}
    # Runs of one net that differ in accuracy alone are one line.
    for cells in dict.fromkeys(_finding_cells(finding, sources) for finding in findings):
        table.add_row(*cells)
    console = _console(sys.stdout)
    if findings:
        _print_table(console, table)
    notes = [f"[{number}] {source}" for source, number in sources.items()]
    counted = (
        "GMACs are counted on meta tensors at the row's own clip and classes; % is how much more than the paper's."
    )
    nothing = [] if findings or answers else ["nothing is published or claimed of its cost"]
    _print_notes(console, [*notes, *([counted] if findings else nothing), *_headlines(answers)])


def _finding_cells(finding: "Finding", sources: dict[str, int]) -> tuple[str, ...]:
    published, setting = finding.published, finding.setting
    of = {"params": "params: ", "macs": "GMACs: " if "params" in finding.reasons else ""}
    reasons = [of[figure] + reason for figure, reason in finding.reasons.items()]
    reasons += [finding.note] if finding.note else []
    if published.gmacs is None and published.params_m is None:
        reasons.append("no cost published")
    else:
        reasons = [*(reasons or ["agrees"]), f"[{sources.setdefault(published.source, len(sources) + 1)}]"]
    return (
        setting.variant,
        published.dataset,
        f"{setting.frames}x{setting.size}",
        UNKNOWN if finding.params is None else f"{finding.params / 1e6:.2f}",
        UNKNOWN if published.params_m is None else str(published.params_m),
        _percent(finding.params_difference),
        UNKNOWN if finding.macs is None else format_number(finding.macs / 1e9),
        UNKNOWN if published.gmacs is None else str(published.gmacs),
        _percent(finding.macs_difference),
        "; ".join(reasons[:-1]) + f" {reasons[-1]}" if len(reasons) > 1 else reasons[0],
    )


def _percent(difference: float | None) -> str:
    return UNKNOWN if difference is None else f"{round(difference, 1) + 0.0:+.1f}"


def _headlines(answers: "Sequence[Answer]") -> Iterator[str]:
    """The claims, each with a line a pair and quantity that ends in what can be told and why."""
    from vidbench.claims import LABELS, sum_up

    for claim in dict.fromkeys(id(answer.claim) for answer in answers):
        lines = [answer for answer in answers if id(answer.claim) == claim]
        yield f"\n{lines[0].claim.family}: {lines[0].claim.text} ({lines[0].claim.source})"
        pair = None
        for answer in lines:
            if answer.pair != pair:
                pair = answer.pair
                rival = "itself without what calibrates it" if answer.claim.kind == "overhead" else pair.rival
                yield f"  {pair.ours} against {rival}"
            yield f"    {LABELS[answer.quantity]}: {_figures(answer)}{answer.verdict} ({answer.why})"
        yield from (f"  {line}" for line in sum_up(lines))


def _figures(answer: "Answer") -> str:
    if answer.ratio is None:
        return ""
    unit = {"memory": "bytes", "latency": "seconds"}.get(answer.quantity)
    scale = Scale(1e6, "M") if answer.quantity == "params" else Scale(1e9, "G")
    if unit:
        scale = column_scale((answer.ours, answer.rival), unit)
    return f"{scale.format(answer.rival)} / {scale.format(answer.ours)} {scale.label} = {answer.ratio:.2f}x, "


@contextmanager
def show_progress(total: int) -> Iterator["Callable[[Case], None]"]:
    """A function to be told of each case as it begins.

    On a terminal a bar that is redrawn between cases only, for nothing may compute beside a case that is timed;
    elsewhere a line a case, once the work has taken over a second.
    """
    console = _console(sys.stderr)
    begun = time.monotonic()
    done = 0

    def describe(case: "Case") -> str:
        return f"{case.model} {case.frames}x{case.size} batch {case.batch} {case.dtype} on {case.device}"

    if not console.is_terminal:

        def tell(case: "Case") -> None:
            nonlocal done
            done += 1
            if time.monotonic() - begun > QUIET_SECONDS or (done == 1 and case.device != "meta"):
                print(f"[{done}/{total}] {describe(case)}", file=sys.stderr, flush=True)  # noqa: T201

        yield tell
        return

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    with Progress(
        BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"),
        console=console, transient=True, auto_refresh=False,
    ) as progress:  # fmt: skip
        task = progress.add_task("", total=total)

        def advance(case: "Case") -> None:
            nonlocal done
            progress.update(task, description=describe(case), completed=done)
            progress.refresh()
            done += 1

        yield advance


def warn(message: str) -> None:
    """One line on stderr."""
    print(f"vidbench: {message}", file=sys.stderr, flush=True)  # noqa: T201


def _console(stream: TextIO) -> Console:
    return Console(file=stream, highlight=False)


def _table() -> Table:
    return Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))


def _print_table(console: Console, table: Table) -> None:
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


def _print_notes(console: Console, notes: Sequence[str]) -> None:
    for note in notes:
        console.print(Text(note), soft_wrap=not console.is_terminal)
