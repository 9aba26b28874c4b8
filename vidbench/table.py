"""The one step from records to flat rows, which every table, export and data frame is made of."""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidbench.catalog import variants
from vidbench.differences import COUNTERS, cross_checks, describe_check
from vidbench.metrics import MACS_CONVENTION, METRICS, TIMED
from vidbench.records import DISTURBED, Case, Environment, Measurement, Record
from vidbench.store import read_all
from vidbench.views import parse_views

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

CASE_COLUMNS = tuple(field.name for field in fields(Case))
SETTING = tuple(name for name in CASE_COLUMNS if name != "repeat")
ONE_CASE = (*SETTING, "environment", "gpu_kind")  # equal in rows of runs of one case
SPREAD = ("p90", "p99", "mean", "count", "outliers", "low", "high", "precision", "settled", "disturbed")
SPREAD_COLUMNS = tuple(f"{name}_{part}" for name in TIMED for part in SPREAD)
RANGE_COLUMNS = ("macs_min", "macs_max", "macs_fewest", "macs_most", "macs_unsampled", "latency_min", "latency_max")
VIDEO_COLUMNS = ("views_total", "macs_per_video", "videos_per_second", "seconds_per_video")
COLUMNS = (
    *CASE_COLUMNS,
    *(name for name in METRICS if name != "macs_bounds"),
    *SPREAD_COLUMNS,
    *RANGE_COLUMNS,
    *VIDEO_COLUMNS,
    "output_agrees",
    "published_gmacs",
    "published_source",
    *(f"{counter}_{figure}" for counter in COUNTERS for figure in ("macs", "difference")),
    "cross_check",
    "search",
    "chosen",
    "failure",
    "failure_message",
    "caveats",
    "device_name",
    "gpu_kind",
    "torch",
    "macs_convention",
    "environment",
    "time",
    "id",
)
_NOTHING: Row = dict.fromkeys(COLUMNS)


def row(record: Record, environment: Environment | None = None) -> Row:
    """One record as a flat row with COLUMNS, in base units; what was not measured is None.

    Several published figures of one setting are joined by a semicolon, like their sources.
    """
    values = {m.metric: m.value for m in record.measurements if not isinstance(m.value, tuple)}
    bounds = record.measurement("macs_bounds")
    fewest, most = bounds.value if bounds and isinstance(bounds.value, tuple) else (None, None)
    spread = {f"{m.metric}_{part}": value for m in record.measurements for part, value in _spread(m).items()}
    case = record.case
    published = _published(case.model, case.frames, case.size, case.classes, case.task)
    found: Row = {
        **{column: getattr(record.case, column) for column in CASE_COLUMNS},
        **values,
        **spread,
        "macs_unsampled": next((m.details.get("unsampled") for m in record.measurements if m.metric == "macs"), None),
        "output_agrees": next(
            (m.details.get("agrees") for m in record.measurements if m.metric == "output_difference"), None
        ),
        "macs_fewest": fewest,
        "macs_most": most,
        "published_gmacs": "; ".join(f"{gmacs:g}" for gmacs in published) or None,
        "published_source": "; ".join(published.values()) or None,
        **per_video(record.case.views, record.figure("macs"), record.figure("throughput")),
        **_cross_checked(record),
        "search": record.conditions.get("search"),
        "chosen": record.conditions.get("chosen"),
        "failure": record.failure and record.failure.kind,
        "failure_message": record.failure and record.failure.message,
        "caveats": "; ".join(f"{m.metric}: {caveat}" for m in record.measurements for caveat in m.caveats) or None,
        "device_name": environment and environment.device,
        "gpu_kind": record.gpu_kind,
        "torch": environment and environment.stack.get("torch"),
        "macs_convention": MACS_CONVENTION,
        "environment": record.environment,
        "time": record.time,
        "id": record.id,
    }
    return _NOTHING | {column: value for column, value in found.items() if column in _NOTHING}


def identify(record: Record) -> tuple[object, ...]:
    """What its row has in the columns of ONE_CASE."""
    return (*(getattr(record.case, name) for name in SETTING), record.environment, record.gpu_kind)


def _spread(measurement: Measurement) -> Row:
    """The measurement's details, its interval as two."""
    low, high = measurement.details.get("interval", (None, None))
    return {**measurement.details, "low": low, "high": high}


def rows(records: Iterable[Record], environments: Mapping[str, Environment]) -> list[Row]:
    """Every record as a flat row."""
    return [row(record, environments.get(record.environment)) for record in records]


def per_video(views: str | None, macs: float | None, throughput: float | None) -> Row:
    """VIDEO_COLUMNS of a video of so many views, each of them a clip; nothing where no views were given."""
    if views is None:
        return {}
    total = parse_views(views).total
    return {
        "views_total": total,
        "macs_per_video": None if macs is None else macs * total,
        "videos_per_second": None if throughput is None else throughput / total,
        "seconds_per_video": total / throughput if throughput else None,
    }


def is_disturbed(row: Row, metric: str) -> bool:
    """Whether more than a few samples of that figure were taken beside other load, or throttled."""
    return f"{metric}: {DISTURBED}:" in (row["caveats"] or "")


def _cross_checked(record: Record) -> Row:
    """The figures of other counters, less ours, and what the difference consists of in words."""
    checks = cross_checks(record)
    found: Row = {"cross_check": "; ".join(map(describe_check, checks)) or None}
    for check in checks:
        found |= {f"{check.counter}_macs": check.macs, f"{check.counter}_difference": check.difference}
    return found


def _published(model: str, frames: int, size: int, classes: int | None, task: str) -> dict[float, str]:
    """Each figure published for exactly this setting, with its source; the first source of a figure speaks for it."""
    variant = variants().get(model)
    found: dict[float, str] = {}
    if variant is not None and classes is not None and task == "inference":
        for published in variant.published_at(frames, size, classes):
            if published.gmacs is not None:
                found.setdefault(published.gmacs, published.source)
    return found


def to_frame(flat: list[Row]) -> "pd.DataFrame":
    """The rows as a pandas data frame with COLUMNS."""
    import pandas as pd

    return pd.DataFrame(flat, columns=list(COLUMNS))


def read(*paths: Path | str) -> "pd.DataFrame":
    """Result files, and all `*.jsonl` below folders, as one pandas data frame: a row a record, as in exports.

    Figures are in base units (seconds, bytes). A last line that was cut off is left out with a warning.

    Raises:
        InputError: there is no such file or folder, or one of them is no result file.
    """
    results = read_all(paths)
    for warning in results.warnings:
        warnings.warn(warning, stacklevel=2)
    return to_frame(rows(results.records, results.environments))
