"""The page's table: columns with words to read and values to sort and filter by."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from vidbench.pictures.entries import Entry, name_place
from vidbench.query.accuracy import published_top1, tell_top1
from vidbench.query.columns import find_column
from vidbench.units import Scale

UNKNOWN = "–"
ALWAYS = ("model", "frames", "size", "batch")
WORDS = ("dtype", "mode", "task", "clip")  # settings that have a column where cases differ in them
LETTERS = 90  # of a reason that stand in the table


@dataclass(frozen=True, slots=True)
class Column:
    """`key` is its name in filters, `unit` what its values and cells are in; a hidden one is only for filters."""

    key: str
    head: str
    unit: str
    cells: list[str]
    values: list[Any]
    words: bool = False  # text, not figures
    hidden: bool = False


def make_columns(entries: Sequence[Entry]) -> list[Column]:
    """All that have something to say of these cases, in their order."""
    columns = [
        _text("model", entries, lambda entry: entry.case.model),
        _text("family", entries, lambda entry: entry.family, hidden=True),
        *(_number(axis, entries, partial(_take, axis)) for axis in ALWAYS[1:]),
        *(_text(axis, entries, partial(_write, axis)) for axis in WORDS),
        _text("place", entries, _name_shortly(entries)),
        _number("runs", entries, lambda entry: entry.row.get("runs") or 1),
        _figure("params", "parameters", "params", entries),
        _macs(entries),
        *_timed("latency", entries),
        *_timed("throughput", entries),
        _figure("memory", "peak memory", "peak_memory", entries),
        _figure("energy", "energy", "energy", entries),
        _figure("predicted", "predicted memory", "predicted_memory", entries),
        *_accuracy(entries),
        _marks(entries),
    ]
    return [column for column in columns if _tells(column)]


def _tells(column: Column) -> bool:
    """Whether it is of use: a setting that all share, and a figure that none has, are not."""
    if column.key in (*WORDS, "place", "runs"):
        return len(set(column.cells)) > 1
    return column.key in (*ALWAYS, "marks") or any(value is not None for value in column.values)


def tell_shared(entries: Sequence[Entry]) -> str:
    """What all cases have in common, which has no column."""
    values = {
        "precision": {entry.case.dtype for entry in entries},
        "mode": {entry.case.mode for entry in entries},
        "task": {entry.case.task for entry in entries},
        "clip": {entry.case.clip for entry in entries},
        "place": {name_place(entry.environment) for entry in entries},
    }
    return "; ".join(f"{name}: {next(iter(found))}" for name, found in values.items() if len(found) == 1)


def finite(value: Any) -> float | None:
    """A figure, or None where it is none."""
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def _name_shortly(entries: Sequence[Entry]) -> Callable[[Entry], str]:
    """What names a place: its device, where that tells places apart."""
    places = {name_place(entry.environment) for entry in entries}
    devices = {entry.environment.device for entry in entries if entry.environment}
    if len(devices) < len(places):
        return lambda entry: name_place(entry.environment)
    return lambda entry: entry.environment.device if entry.environment else UNKNOWN


def _take(column: str, entry: Entry) -> Any:
    return entry.row[column]


def _write(column: str, entry: Entry) -> str:
    return str(entry.row[column])


def _text(key: str, entries: Sequence[Entry], take: Callable[[Entry], str], *, hidden: bool = False) -> Column:
    words = [take(entry) for entry in entries]
    return Column(key, key, "", words, words, words=True, hidden=hidden)


def _number(key: str, entries: Sequence[Entry], take: Callable[[Entry], Any]) -> Column:
    values = [take(entry) for entry in entries]
    return Column(key, key, "", [UNKNOWN if value is None else str(value) for value in values], values)


def _scale(column: str, entries: Sequence[Entry]) -> Scale:
    return find_column(column).scale(entry.row[column] for entry in entries)


def _figure(key: str, head: str, column: str, entries: Sequence[Entry]) -> Column:
    scale = _scale(column, entries)
    values = [finite(entry.row[column]) for entry in entries]
    return Column(key, head, scale.label, [scale.format(v) for v in values], [_round(v, scale) for v in values])


def _round(value: float | None, scale: Scale) -> float | None:
    """In the column's unit, with enough digits to tell cases apart."""
    return None if value is None else float(f"{value / scale.factor:.6g}")


def _macs(entries: Sequence[Entry]) -> Column:
    """GMACs; of nets whose work depends on the clip the range, which is sorted by its mean or, unknown, its least."""
    scale = _scale("macs", entries)
    column = replace(_figure("gmacs", "GMACs", "macs", entries), unit="per clip")
    for index, row in enumerate(entry.row for entry in entries):
        for low, high in (("macs_min", "macs_max"), ("macs_fewest", "macs_most")):
            if row[low] is not None and row[high] is not None:
                column.cells[index] = f"{scale.format(row[low])} to {scale.format(row[high])}"
                column.values[index] = column.values[index] or _round(finite(row[low]), scale)
                break
    return column


def _timed(name: str, entries: Sequence[Entry]) -> list[Column]:
    """The median and its interval."""
    scale = _scale(name, entries)
    median = _figure(name, name, name, entries)
    cells, values = [], []
    for row in (entry.row for entry in entries):
        low, high = finite(row[f"{name}_low"]), finite(row[f"{name}_high"])
        known = low is not None and high is not None
        cells.append(f"{scale.format(low)} to {scale.format(high)}" if known else UNKNOWN)
        values.append(_round(high - low, scale) if low is not None and high is not None else None)
    return [median, Column(f"{name}_interval", f"{name} interval", scale.label, cells, values)]


def _accuracy(entries: Sequence[Entry]) -> list[Column]:
    """A column a data set; what is published at another size says so."""
    published = [published_top1(entry.case) for entry in entries]
    columns = []
    for dataset in sorted({dataset for found in published for dataset in found}):
        rows = [found.get(dataset) for found in published]
        cells = [tell_top1(row, entry.case.size) if row else UNKNOWN for row, entry in zip(rows, entries, strict=True)]
        columns.append(Column(dataset.lower(), f"top-1 {dataset}", "%", cells, [row and row.top1 for row in rows]))
    return columns


def _marks(entries: Sequence[Entry]) -> Column:
    """What to beware of; of a failure the reason, too."""
    cells = []
    for entry in entries:
        found: dict[str, None] = {}
        for mark in entry.marks:
            failed = mark.kind not in ("not settled", "disturbed", "caution")
            found[f"{mark.kind}: {_cut(mark.reason)}" if failed else mark.kind] = None
        cells.append("; ".join(found))
    return Column("marks", "marks", "", cells, cells, words=True)


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LETTERS else f"{text[:LETTERS]}…"
