"""What a column of rows is: its unit, which way is better, and the units that its amounts may be written in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Literal

from vidbench.errors import InputError
from vidbench.metrics import METRICS, TIMED
from vidbench.query.accuracy import ACCURACY_COLUMNS
from vidbench.repeats import BETWEEN
from vidbench.table import CASE_COLUMNS, COLUMNS
from vidbench.units import BYTES, Scale, column_scale

FAMILY = "family"
REPEATED = ("runs", *(f"{name}_{part}" for name in TIMED for part in (BETWEEN, "within", "confidence")))
NAMES = tuple(dict.fromkeys(("model", FAMILY, *COLUMNS, *ACCURACY_COLUMNS, *REPEATED)))
_USUAL = ", ".join(name for name in NAMES if name in (*CASE_COLUMNS, FAMILY, *METRICS, "top1"))

PER_VIDEO: dict[str, tuple[str, Literal["lower", "higher"]]] = {  # of all views: unit, which way is better
    "macs_per_video": ("MACs", "lower"),
    "videos_per_second": ("videos/s", "higher"),
    "seconds_per_video": ("seconds", "lower"),
}
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
FIXED = {
    "params": Scale(1e6, "M"),
    "activations": Scale(1e6, "M"),
    "MACs": Scale(1e9, "GMACs"),
    "share": Scale(0.01, "%"),
}
_AMOUNT = re.compile(r"\s*([0-9.]+(?:[eE][+-]?[0-9]+)?)\s*(\S*)\s*")


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name, base unit ("" where it has none), which way is better, whether it takes a device to know."""

    name: str
    unit: str = ""
    better: Literal["lower", "higher"] | None = None
    label: str = ""
    sampled: bool = False

    def scale(self, values: Sequence[float | None]) -> Scale:
        """What to print these of its figures in."""
        return FIXED.get(self.name) or FIXED.get(self.unit) or column_scale(values, self.unit)

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


@cache
def find_column(name: str) -> Column:
    """The column of that name.

    Raises:
        InputError: there is none; the message has the nearest.
    """
    if name not in NAMES:
        near = get_close_matches(name.lower().replace("-", "_"), NAMES, n=3, cutoff=0.6)
        near = near or [other for other in NAMES if name and name.lower() in other][:4]
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {_USUAL}"
        raise InputError(f"there is no column {name!r}; {hint}")
    if name in METRICS:
        metric = METRICS[name]
        label = "GMACs" if name == "macs" else metric.label
        return Column(name, metric.unit, metric.better, label, metric.kind == "sampled")
    if name in PER_VIDEO:
        return Column(name, *PER_VIDEO[name], name.replace("_", " "), name != "macs_per_video")
    if name in ("top1", "top5"):
        return Column(name, "%", "higher", name.replace("top", "top-"))
    head, _, part = name.rpartition("_")
    if head in METRICS and part not in _COUNTED:
        metric = METRICS[head]
        if part in _SHARES:
            return Column(name, "share", label=name, sampled=True)
        return Column(name, metric.unit, metric.better, name, metric.kind == "sampled")
    return Column(name, label=name)


def find_columns(text: str | None) -> list[Column]:
    """The columns of names with commas between; none where nothing was given.

    Raises:
        InputError: one of them is no column.
    """
    return [find_column(name.strip()) for name in text.split(",")] if text is not None else []


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
