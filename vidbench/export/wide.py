"""Wide tables: a row a model and setting, its clip lengths side by side, a column a metric and length."""

from collections.abc import Sequence

from vidbench.metrics import MACS_CONVENTION, METRICS
from vidbench.repeats import merge_runs
from vidbench.table import CASE_COLUMNS, COLUMNS, Row

SETTING = (
    *(name for name in CASE_COLUMNS if name not in ("frames", "repeat")),
    "device_name",
    "gpu_kind",
    "torch",
    "environment",
)
WIDENED = tuple(name for name in COLUMNS if name not in (*SETTING, *CASE_COLUMNS, "macs_convention", "time", "id"))


def widen(rows: Sequence[Row], names: Sequence[str] | None = None) -> list[Row]:
    """The rows with runs merged and `name@frames` for each of these columns, by default metrics and failures.

    All rows have the same keys: the setting, then each column at every clip length in ascending order, those left out
    in which nothing is known of any row; None where nothing is known.
    """
    merged = merge_runs(rows)
    lengths = sorted({row["frames"] for row in merged})
    default = [name for name in (*METRICS, "macs_fewest", "macs_most", "failure") if name in COLUMNS]
    wide: dict[tuple[object, ...], Row] = {}
    for row in merged:
        line = wide.setdefault(tuple(row[name] for name in SETTING), {name: row[name] for name in SETTING})
        for name in names if names is not None else default:
            line[f"{name}@{row['frames']}"] = row[name]
    asked = names if names is not None else default
    keys = [f"{name}@{frames}" for name in asked for frames in lengths]
    known = [key for key in keys if any(line.get(key) is not None for line in wide.values())]
    return [
        {**{name: line[name] for name in SETTING}, **{key: line.get(key) for key in known},
         "macs_convention": MACS_CONVENTION}
        for line in wide.values()
    ]  # fmt: skip
