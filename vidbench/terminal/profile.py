"""What was measured: a row a case, and the spread of what depends on the clip."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from vidbench.differences import COUNTERS
from vidbench.metrics import ON_REQUEST, STAGES, TIMED
from vidbench.query.columns import find_column, shared_scale
from vidbench.records import FAILED
from vidbench.repeats import BETWEEN
from vidbench.table import is_disturbed
from vidbench.terminal.screen import UNKNOWN, make_table, open_console, print_table
from vidbench.units import Scale, column_scale, format_number

if TYPE_CHECKING:
    from vidbench.records import Measurement, Record
    from vidbench.table import Row

HISTOGRAM_WIDTH = 10
UNSETTLED = "~"  # before a median that is not known as well as was asked
DISTURBED = "!"  # before one of which more than a few samples were disturbed
WRONG = "≠"  # before a time of what does not compute the same as fp32 eager


@dataclass(frozen=True, slots=True)
class Column:
    """A column of rows, its head, what stands behind its unit, and another word for the unit."""

    key: str
    head: str
    per: str = ""
    unit: str | None = None


METRIC_COLUMNS = {
    "params": (Column("params", "params"),),
    "macs": (Column("macs", "GMACs", "/clip", ""),),
    "macs_bounds": (Column("macs_fewest", "fewest"), Column("macs_most", "most")),
    "frames_kept": (Column("frames_kept", "kept"),),
    "activations": (Column("activations", "activations", "/clip"),),
    "weight_memory": (Column("weight_memory", "weights"),),
    "predicted_memory": (Column("predicted_memory", "predicted", "/call"),),
    "first_call": (Column("first_call", "first call"),),
    "compile_time": (Column("compile_time", "compile"),),
    "latency": (Column("latency", "latency", "/call"), Column("latency_p90", "p90")),
    "throughput": (Column("throughput", "throughput"),),
    "peak_memory": (Column("peak_memory", "memory", "/call"),),
    "reserved_memory": (Column("reserved_memory", "reserved", "/call"),),
    "idle_power": (Column("idle_power", "idle"),),
    "energy": (Column("energy", "energy", "/clip"),),
    "utilization": (Column("utilization", "busy"),),
    **dict.fromkeys(STAGES, ()),  # they have a table of their own
    "output_difference": (Column("output_difference", "difference"),),
    "recompilations": (Column("recompilations", "recompiled", unit="graphs"),),
}
VIDEO_COLUMNS = {
    "macs": (Column("macs_per_video", "GMACs", "/video", ""),),
    "throughput": (Column("videos_per_second", "throughput"), Column("seconds_per_video", "time", "/video")),
}  # where views are given
BY_DEFAULT = ("params", "macs", "latency", "throughput", "peak_memory", "reserved_memory")


def shown_metrics(metrics: Sequence[str], *, chosen: bool) -> list[str]:
    """Those of the metrics taken that have a column: all that were asked for by name, otherwise the usual ones.

    Predicted memory has a column where none is measured; otherwise a line under the table compares the two.
    """
    usual = (*BY_DEFAULT, *ON_REQUEST) if "peak_memory" in metrics else (*BY_DEFAULT, *ON_REQUEST, "predicted_memory")
    return [name for name in metrics if chosen or name in usual]


def print_profile(rows: "Sequence[Row]", metrics: Sequence[str], beside: Sequence[str] = ()) -> None:
    """A row a case with columns for these metrics; `beside` are axes that are to be shown besides the usual ones."""
    table = make_table()
    table.add_column("model", no_wrap=True)
    axes = ["frames", "size", "batch", *(axis for axis in ("dtype", "mode") if len({row[axis] for row in rows}) > 1)]
    axes += [axis for axis in beside if axis not in axes]
    for axis in axes:
        table.add_column(axis, justify="right", no_wrap=True)
    per_video = VIDEO_COLUMNS if any(row["views"] for row in rows) else {}
    columns = [column for name in metrics for column in (*_columns(name, rows), *per_video.get(name, ()))]
    keys = [column.key for column in columns]
    cells = [[row["model"], *(write_axis(row[axis]) for axis in axes)] for row in rows]
    for column in columns:
        scale = shared_scale(find_column(column.key), map(find_column, keys), rows)
        unit = scale.label if column.unit is None else column.unit
        table.add_column(f"{column.head}\n{unit}{column.per}", justify="right", no_wrap=True)
        for row, line in zip(rows, cells, strict=True):
            line.append(write_figure(row, column.key, scale))
        if column.key == "macs":
            table.add_column("paper\nGMACs", justify="right", no_wrap=True)
            for row, line in zip(rows, cells, strict=True):
                line.append(row["published_gmacs"] or UNKNOWN)
            _add_cross_checks(table, rows, cells, scale)
            _add_views(table, rows, cells, scale)
    for line in cells:
        table.add_row(*line)
    print_table(open_console(sys.stdout), table)


def write_axis(value: object) -> str:
    """What an axis has for a case; a dash where it has nothing."""
    return UNKNOWN if value is None else str(value)


def _columns(metric: str, rows: "Sequence[Row]") -> list[Column]:
    """Those of the metric; where cases were repeated, how far runs lie apart stands behind the figure."""
    columns = list(METRIC_COLUMNS[metric])
    between = f"{metric}_{BETWEEN}"
    if columns and any(row.get(between) is not None for row in rows):
        columns.insert(1, Column(between, "±"))
    return columns


def _add_views(table: Table, rows: "Sequence[Row]", cells: list[list[str]], scale: Scale) -> None:
    """Where views are given, GMACs as papers print them: `4.73 x 30`."""
    if any(row["views"] for row in rows):
        table.add_column("GMACs\nx views", justify="right", no_wrap=True)
        for row, line in zip(rows, cells, strict=True):
            known = row["macs"] is not None and row["views"]
            line.append(f"{scale.format(row['macs'])} x {row['views_total']}" if known else UNKNOWN)


def _add_cross_checks(table: Table, rows: "Sequence[Row]", cells: list[list[str]], scale: Scale) -> None:
    """Where other counters were asked, a column each."""
    for counter in COUNTERS if any(row["cross_check"] for row in rows) else ():
        table.add_column(f"{counter}\nGMACs", justify="right", no_wrap=True)
        for row, line in zip(rows, cells, strict=True):
            line.append(scale.format(row[f"{counter}_macs"]))


def write_figure(row: "Row", key: str, scale: Scale) -> str:
    """A figure, marked if not settled or disturbed; of MACs that depend on the clip their range; or what failed."""
    if key == "macs":
        for low, high in (("macs_min", "macs_max"), ("macs_fewest", "macs_most")):
            if row[low] is not None:
                return f"{scale.format(row[low])}–{scale.format(row[high])}"
    value = row.get(key)
    failed = value is None and row["failure"]
    unsettled = UNSETTLED if row.get(f"{key}_settled") is False else ""
    disturbed = DISTURBED if is_disturbed(row, key) else ""
    wrong = WRONG if key in TIMED and row.get("output_agrees") is False else ""
    return FAILED[row["failure"]] if failed else wrong + unsettled + disturbed + scale.format(value)


def print_distributions(records: "Sequence[Record]") -> None:
    """Of each case whose work depends on the clip: the spread over its clips, beside the net without sampling."""
    console = open_console(sys.stdout)
    for record in (record for record in records if not record.case.repeat):
        figures = [m for m in record.measurements if "unsampled" in m.details]
        kept = record.measurement("frames_kept")
        if figures:
            clips = len(figures[0].details["clips"])
            console.print(Text(f"{record.case.model} over {clips} clips of {record.case.clip}:"))
            print_table(console, _spread(figures))
        for path, numbers in kept.details["layers"].items() if kept else ():
            console.print(
                Text(f"{record.case.model}, frames kept after {path.partition('.block')[0]}: {_histogram(numbers)}")
            )
        if kept:
            console.print()


def _spread(figures: "Sequence[Measurement]") -> Table:
    table = make_table()
    table.add_column("", no_wrap=True)
    for head in ("min", "mean", "max", "without\nsampling", "saving\n%"):
        table.add_column(head, justify="right", no_wrap=True)
    for figure in figures:
        values = [figure.details[part] for part in ("min", "mean", "max", "unsampled")]
        scale = column_scale(values, figure.unit)
        label = "GMACs per clip" if figure.metric == "macs" else f"{figure.metric} {scale.label}/call"
        table.add_row(label, *map(scale.format, values), format_number(100 * figure.details["saving"]))
    return table


def _histogram(numbers: Sequence[int]) -> str:
    """How often each number occurs, such as `5 ███ 3x  6 █ 1x`."""
    counted = sorted(Counter(numbers).items())
    most = max(times for _, times in counted)
    return "  ".join(f"{number} {'█' * -(-HISTOGRAM_WIDTH * times // most)} {times}x" for number, times in counted)
