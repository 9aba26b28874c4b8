"""Runs of one case in separate processes as one row: the median of their medians, and how far runs lie apart.

An interval within one process knows nothing of what differs between processes (where memory lies, what a library
chose, which clock the chip ran at), and is too narrow for comparing two of them. The one between runs is not.
"""

from collections.abc import Sequence
from statistics import median

from vidbench.metrics import METRICS, TIMED
from vidbench.statistics import median_interval, relative_precision
from vidbench.table import ONE_CASE, SPREAD_COLUMNS, Row, per_video

BETWEEN = "between"  # runs: what an interval between them is called where one within a run stands beside it
_SUMMED = ("count", "outliers", "disturbed")
_OF_ONE_RUN = ("low", "high", "precision", "settled")


def merge_runs(flat: Sequence[Row]) -> list[Row]:
    """A row a case in place of a row a run; rows of cases that ran once come as they are.

    Of `runs` measured runs, a sampled figure is the median. Of latency and throughput, `low` and `high` are the
    interval of the median between runs, `confidence` its probability, and `between` its reach as a share of the median;
    `within` is the widest such reach of a single run's own interval. A case has failed if every run of it has; caveats
    are those of all runs.
    """
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in flat:
        groups.setdefault(tuple(row[column] for column in ONE_CASE), []).append(row)
    return [runs[0] if len(runs) == 1 else _merge(runs) for runs in groups.values()]


def _merge(runs: Sequence[Row]) -> Row:
    measured = [row for row in runs if row["failure"] is None] or [runs[0]]
    merged = {**measured[0], "runs": len([row for row in runs if row["failure"] is None])}
    merged["caveats"] = "; ".join(dict.fromkeys(row["caveats"] for row in measured if row["caveats"])) or None
    for name, metric in METRICS.items():
        if metric.kind == "sampled" and name in merged:
            merged[name] = _median(measured, name)
    for column in SPREAD_COLUMNS:
        part = column.rpartition("_")[2]
        values = [row[column] for row in measured if row[column] is not None]
        if part in _OF_ONE_RUN:
            merged[column] = None
        elif part in _SUMMED:
            merged[column] = sum(values) if values else None
        else:
            merged[column] = _median(measured, column)
    for name in TIMED:
        merged |= _describe_spread(name, measured)
    return merged | per_video(merged["views"], merged["macs"], merged["throughput"])


def _median(rows: Sequence[Row], column: str) -> float | None:
    values = [row[column] for row in rows if row[column] is not None]
    return median(values) if values else None


def _describe_spread(name: str, rows: Sequence[Row]) -> Row:
    """How far the runs' figures of that metric lie apart; nothing of fewer than two."""
    figures = [row[name] for row in rows if row[name] is not None]
    if len(figures) < 2:
        return {}
    interval = median_interval(figures)
    within = [row[f"{name}_precision"] for row in rows if row[f"{name}_precision"] is not None]
    return {
        f"{name}_low": interval.low,
        f"{name}_high": interval.high,
        f"{name}_confidence": interval.confidence,
        f"{name}_{BETWEEN}": relative_precision(figures, interval),
        f"{name}_within": max(within, default=None),
    }
