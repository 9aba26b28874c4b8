"""What the details of a measurement hold, as far as tables and notes rely on it; a file may come from anywhere."""

from collections.abc import Mapping
from typing import Any

from vidbench.records import Record

NUMBERS = (
    "count", "mean", "p90", "p99", "min", "max", "outliers", "precision", "warm_up_calls", "unsampled", "saving",
    "weights", "inputs", "activations",
)  # fmt: skip
COUNTS = ("by_operator", "uncounted", "temporaries")
_NUMERIC = {int, float, bool, type(None)}  # types of what JSON makes, asked for as sets: that is quick


def check_details(record: Record) -> None:
    """Raise TypeError where a detail of the record is of another kind than measuring makes it."""
    if not isinstance(record.conditions.get("vidbench", ""), str):
        raise TypeError("conditions: vidbench is no text")
    for measurement in record.measurements:
        for name, value in measurement.details.items():
            kind = KINDS.get(name)
            if kind and not _KIND_OF[kind](value):
                raise TypeError(f"{measurement.metric}: {name} is no {kind}")


def _is_number(value: Any) -> bool:
    return type(value) in _NUMERIC


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and {*map(type, value)} <= {int, float}


def _is_count(value: Any) -> bool:
    return isinstance(value, Mapping) and {*map(type, value.values())} <= _NUMERIC


def _is_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and {*map(type, value)} <= {str}


_KIND_OF = {
    "number": _is_number,
    "pair of numbers": _is_pair,
    "table of numbers": _is_count,
    "list of texts": _is_texts,
}
KINDS = {
    **dict.fromkeys(NUMBERS, "number"),
    **dict.fromkeys(COUNTS, "table of numbers"),
    "interval": "pair of numbers",
    "unknown": "list of texts",
}
