"""Result files: JSON Lines, appended a line at a time and flushed, so that a crash costs nothing that was measured."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TextIO

from vidbench.errors import InputError
from vidbench.records import SCHEMA, Environment, Record


@dataclass(frozen=True, slots=True)
class Results:
    """Records, and the environments that they name by key."""

    records: tuple[Record, ...] = ()
    environments: Mapping[str, Environment] = field(default_factory=dict)


class Writer:
    """Appends records to an open file, each environment once, before the first record that names it."""

    def __init__(self, file: TextIO, known: Iterable[str] = ()) -> None:
        """`known` are the keys of the environments that the file has already."""
        self._file = file
        self._known = set(known)

    def append(self, record: Record, environment: Environment) -> None:
        """Write the record, and its environment where this file does not have it yet."""
        if record.environment not in self._known:
            self._known.add(record.environment)
            self._write({"environment": asdict(environment), "key": record.environment})
        self._write(_compact(record))

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
        self._file.flush()


def _compact(record: Record) -> dict[str, Any]:
    """The record as the file has it: a measurement's empty samples, details and caveats are left out."""
    line = asdict(record)
    optional = ("samples", "details", "caveats")
    line["measurements"] = [
        {key: value for key, value in measurement.items() if value or key not in optional}
        for measurement in line["measurements"]
    ]
    return line


def read_results(path: Path | str) -> Results:
    """All records of a file, in their order.

    Raises:
        InputError: there is no such file, or a line of it is not vidbench's; the message has the line's number.
    """
    try:
        # Not str.splitlines, which also ends a line at characters that JSON leaves in its strings, such as U+2028.
        with Path(path).open(encoding="utf-8") as file:
            lines = file.readlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    records: list[Record] = []
    environments: dict[str, Environment] = {}
    for item in _parse(path, lines):
        if isinstance(item, Record):
            records.append(item)
        else:
            environments[item[0]] = item[1]
    return Results(tuple(records), environments)


def _parse(path: Path | str, lines: Iterable[str]) -> Iterator[Record | tuple[str, Environment]]:
    adapter, environment_adapter = _adapters()
    for number, text in enumerate(lines, 1):
        try:
            line = json.loads(text)
            if "environment" in line and "key" in line:
                yield line["key"], environment_adapter.validate_python(line["environment"])
                continue
            if line["schema"] > SCHEMA:
                raise InputError(f"{path}, line {number}: written by a newer vidbench (schema {line['schema']})")
            yield adapter.validate_python(line)
        except InputError:
            raise
        except (ValueError, KeyError, TypeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(f"{path}, line {number}: not a line of a vidbench result file ({reason})") from error


@cache
def _adapters() -> tuple[Any, Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(Record), TypeAdapter(Environment)
