"""What a column of rows is: of which metric, its unit, which way is better, and how its amounts are written."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Literal

from vidbench.errors import InputError
from vidbench.metrics import METRICS, TIMED
from vidbench.query.accuracy import ACCURACY_COLUMNS
from vidbench.repeats import BETWEEN
from vidbench.table import CASE_COLUMNS, COLUMNS, RANGE_COLUMNS, SPREAD_COLUMNS, Row
from vidbench.units import BYTES, Scale, column_scale

FAMILY = "family"
BETWEEN_RUNS = tuple(f"{name}_{part}" for name in TIMED for part in (BETWEEN, "within", "confidence"))
NAMES = tuple(dict.fromkeys(("model", FAMILY, *COLUMNS, *ACCURACY_COLUMNS, "runs", *BETWEEN_RUNS)))
_USUAL = (*CASE_COLUMNS, FAMILY, *METRICS, "top1")

_PER_VIDEO: dict[str, tuple[str, Literal["lower", "higher"], bool]] = {  # of all views; the last is "sampled"
    "macs_per_video": ("MACs", "lower", False),
    "videos_per_second": ("videos/s", "higher", True),
    "seconds_per_video": ("seconds", "lower", True),
}
_PARTS = (*SPREAD_COLUMNS, *RANGE_COLUMNS, *BETWEEN_RUNS)  # of a metric, behind its name
_COUNTED = ("count", "outliers", "settled", "disturbed")
_SHARES = ("precision", BETWEEN, "within", "confidence")
_COUNTS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
# What may stand behind a number, in small letters, and what it makes of it.
AMOUNTS = {
    "seconds": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "min": 60.0},
    "bytes": {"b": 1.0, **BYTES},
    "MACs": _COUNTS,
    "parameters": _COUNTS,
    "elements": _COUNTS,
    "clips/s": {"clips/s": 1.0, "/s": 1.0},
    "joules": {"j": 1.0, "mj": 1e-3, "kj": 1e3},
    "watts": {"w": 1.0},
    "share": {"%": 0.01},
    "relative": {"%": 0.01},
    "%": {"%": 1.0},
}
EXAMPLES = {
    "seconds": "20ms", "bytes": "4GB", "MACs": "10G", "parameters": "10M", "elements": "10M", "clips/s": "100",
    "joules": "2J", "watts": "60W", "share": "5%", "%": "75",
}  # fmt: skip
_AMOUNT = re.compile(r"\s*([0-9.]+(?:[eE][+-]?[0-9]+)?)\s*(\S*)\s*")


@dataclass(frozen=True, slots=True)
class Column:
    """What is true of a column wherever it is shown.

    Attributes:
        name: the key of rows.
        label: what it is called in a sentence or, of no metric, its name.
        unit: the base unit of the rows' figures; nothing where they are texts or plain numbers.
        better: which way is better; None where neither is.
        sampled: whether it takes a device to know.
        metric: the metric whose figure, or part of it, this is; None where it is of none.
    """

    name: str
    label: str
    unit: str = ""
    better: Literal["lower", "higher"] | None = None
    sampled: bool = False
    metric: str | None = None

    def scale(self, values: Iterable[float | None]) -> Scale:
        """What to print these of its figures in."""
        return column_scale(values, self.unit) if self.unit else Scale(1.0, "")

    def amount(self, number: float, suffix: str) -> float:
        """A number with what stands behind it, in base units.

        Raises:
            InputError: the column has no such unit.
        """
        known = AMOUNTS.get(self.unit, {})
        if not suffix:
            return number
        factor = known.get(suffix.lower().replace("\u03bc", "µ"))
        if factor is None:
            allowed = ", ".join(name for name in known if name) or "no unit"
            raise InputError(f"{suffix!r} is no unit of {self.name}; it takes {allowed}")
        return number * factor


def check_columns(names: Iterable[str], known: Sequence[str] = NAMES) -> None:
    """Raise InputError, with the nearest names or the usual ones, where one of the names is not known."""
    for name in names:
        if name in known:
            continue
        near = get_close_matches(name.lower().replace("-", "_"), known, n=3, cutoff=0.6)
        near = near or [other for other in known if name and name.lower() in other][:4]
        usual = ", ".join(other for other in known if other in _USUAL)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {usual}"
        raise InputError(f"there is no column {name!r}; {hint}")


@cache
def find_column(name: str) -> Column:
    """The column of that name.

    Raises:
        InputError: there is none; the message has the nearest.
    """
    check_columns([name])
    if name in _PER_VIDEO:
        return Column(name, name.replace("_", " "), *_PER_VIDEO[name])
    if name in ("top1", "top5"):
        return Column(name, name.replace("top", "top-"), "%", "higher")
    head, _, part = name.rpartition("_")
    metric = METRICS.get(name) or (METRICS[head] if name in _PARTS and part not in _COUNTED else None)
    if metric is None:
        return Column(name, name)
    sampled = metric.kind == "sampled"
    if name in METRICS:
        label = "GMACs" if name == "macs" else metric.label
        return Column(name, label, metric.unit, metric.better, sampled, name)
    if part in _SHARES:
        return Column(name, name, "share", sampled=sampled, metric=head)
    return Column(name, name, metric.unit, metric.better, sampled, head)


def find_columns(text: str | None) -> list[Column]:
    """The columns of names with commas between; none where nothing was given.

    Raises:
        InputError: one of them is no column.
    """
    return [find_column(name.strip()) for name in text.split(",")] if text is not None else []


def shared_scale(column: Column, columns: Iterable[Column], rows: Iterable[Row]) -> Scale:
    """What to print the column's figures in: one for all of these columns of its unit, to be compared by eye."""
    alike = [one.name for one in columns if one.unit == column.unit]
    return column.scale(row.get(name) for row in rows for name in alike)


def parse_amount(option: str, text: str, column: Column) -> float:
    """`20ms`, `4GB`, `10M` in base units; where the column has units, one must stand there.

    Raises:
        InputError: it is no such amount.
    """
    example = EXAMPLES.get(column.unit, "16")
    match = _AMOUNT.fullmatch(text)
    try:
        if match is None or (column.unit in ("seconds", "bytes") and not match[2]):
            raise ValueError
        amount = column.amount(float(match[1]), match[2])
    except (ValueError, InputError):
        raise InputError(f"{option} takes an amount such as {example}, not {text!r}") from None
    if not 0 < amount < float("inf"):
        raise InputError(f"{option} takes an amount above 0, such as {example}, not {text!r}")
    return amount
