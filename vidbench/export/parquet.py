"""Rows as a Parquet file: a type for every column, whatever is in it; units and the counting convention as metadata."""

from collections.abc import Sequence
from pathlib import Path

from vidbench.errors import InputError
from vidbench.metrics import MACS_CONVENTION, METRICS
from vidbench.table import COLUMNS, RANGE_COLUMNS, SPREAD_COLUMNS, Row

WHOLE = ("classes", "frames", "size", "batch", "threads", "repeat", "views_total")
TEXTS = (
    "model", "device", "dtype", "mode", "task", "clip", "views", "weights", "published_gmacs", "published_source",
    "cross_check", "search", "failure", "failure_message", "caveats", "device_name", "gpu_kind", "torch",
    "macs_convention", "environment", "time", "id",
)  # fmt: skip
_WHOLE_PARTS = ("count", "outliers", "disturbed")
_YES_OR_NO = ("settled", "agrees", "chosen")


def check_parquet() -> None:
    """Raise InputError where what writes Parquet is not installed."""
    from importlib.util import find_spec

    if find_spec("pyarrow") is None:
        raise InputError("Parquet needs pyarrow; install it with: pip install 'vidbench[parquet]'")


def write_parquet(path: Path | str, rows: Sequence[Row], names: Sequence[str] = COLUMNS) -> None:
    """Write the rows with these columns.

    Raises:
        InputError: pyarrow is not installed.
    """
    check_parquet()
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [pa.array([row[name] for row in rows], getattr(pa, name_type(name))()) for name in names]
    fields = [
        pa.field(name, column.type, metadata={"unit": unit} if (unit := _unit(name)) else None)
        for name, column in zip(names, columns, strict=True)
    ]
    schema = pa.schema(fields, metadata={"macs_convention": MACS_CONVENTION})
    # Given the path, pyarrow would delete whatever is there when writing fails.
    with Path(path).open("wb") as file:
        pq.write_table(pa.Table.from_arrays(columns, schema=schema), file)


def name_type(name: str) -> str:
    """The type of a column, as Arrow names it: the same in every file, though nothing of it may be known there."""
    part = name.rpartition("_")[2]
    if name in TEXTS:
        return "string"
    if part in _YES_OR_NO:
        return "bool_"
    return "int64" if name in WHOLE or part in _WHOLE_PARTS else "float64"


def _unit(name: str) -> str | None:
    """The base unit of a column; None where it has none."""
    head, _, part = name.rpartition("_")
    if name in METRICS:
        return METRICS[name].unit
    if name in (*SPREAD_COLUMNS, *RANGE_COLUMNS) and part not in (*_WHOLE_PARTS, *_YES_OR_NO):
        return "share" if part == "precision" else METRICS[head].unit
    return None
