"""Rows as one JSON array, an object a record: base units, unknown figures null, the counting convention in each."""

import json
import math
from collections.abc import Iterable, Sequence

from vidbench.table import COLUMNS, Row


def write_json(rows: Iterable[Row], names: Sequence[str] = COLUMNS) -> str:
    """The rows with these columns, a line each."""
    lines = (json.dumps({name: _finite(row[name]) for name in names}, ensure_ascii=False) for row in rows)
    text = ",\n".join(lines)
    return f"[\n{text}\n]\n" if text else "[]\n"


def _finite(value: object) -> object:
    """None for numbers that JSON has no word for."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
