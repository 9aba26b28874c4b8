"""Result files: JSON Lines, appended a line at a time and flushed, so that a crash costs nothing that was measured."""

import gc
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from os import SEEK_END
from pathlib import Path
from typing import Any, TextIO

from vidbench.details import check_details
from vidbench.errors import InputError, first_line
from vidbench.records import SCHEMA, Environment, Record

# How a line of a record is written here; one that another hand wrote is read with more care and less speed.
RECORD_BEGINS = b'{"id": "'
RECORD_ENDS = f', "schema": {SCHEMA}}}'.encode()


@dataclass(frozen=True, slots=True)
class Results:
    """Records, and the environments that they name by key; `warnings` say what of the files could not be read."""

    records: tuple[Record, ...] = ()
    environments: Mapping[str, Environment] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


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
    """All records of a file, in their order; a last line that was cut off is left out with a warning.

    Raises:
        InputError: there is no such file, or a line of it is not vidbench's; the message has the line's number.
    """
    lines, cut = _read_lines(path)
    records: list[Record] = []
    environments: dict[str, Environment] = {}
    with collecting_nothing():
        for item in _parse(path, lines):
            if isinstance(item, Record):
                records.append(item)
            else:
                environments[item[0]] = item[1]
    warnings = (
        (f"{path}: its last line is cut off and left out; what it was of is to be measured again",) if cut else ()
    )
    return Results(tuple(records), environments, warnings)


def read_all(paths: Iterable[Path | str]) -> Results:
    """The records of several files, and of all `*.jsonl` below folders; one that stands in two files comes once.

    Raises:
        InputError: there is no such file or folder, a folder holds no result file, or a line is not vidbench's.
    """
    records: dict[str, Record] = {}
    environments: dict[str, Environment] = {}
    warnings: list[str] = []
    for path in find_files(paths):
        results = read_results(path)
        records |= {record.id: record for record in results.records}
        environments |= results.environments
        warnings += results.warnings
    return Results(tuple(records.values()), environments, tuple(warnings))


@contextmanager
def collecting_nothing() -> Iterator[None]:
    """Without looking for garbage among many objects that all stay, which would take as long as making them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def find_files(paths: Iterable[Path | str]) -> list[Path]:
    """The files, and those named `*.jsonl` below the folders, each once.

    Raises:
        InputError: there is no such file or folder, or a folder holds no result file.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if not path.is_dir():
            found[path] = None
            continue
        below = sorted(path.rglob("*.jsonl"))
        if not below:
            raise InputError(f"{path} holds no result file (*.jsonl); give a file that --json or `vidbench run` wrote")
        found |= dict.fromkeys(below)
    return list(found)


def replace_file(path: Path, records: Iterable[Record], environments: Mapping[str, Environment]) -> None:
    """Make these a file's records, in one step: whoever reads it meanwhile has the old ones whole.

    Raises:
        InputError: the file cannot be written, a record names an environment that is not among these, or a figure is no
            number.
    """
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.new")  # others may be doing the same
    try:
        with beside.open("w", encoding="utf-8") as file:
            writer = Writer(file)
            for record in records:
                if record.environment not in environments:
                    raise InputError(f"record {record.id} names an environment that its file does not have")
                writer.append(record, environments[record.environment])
        beside.replace(path)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"a figure of the records is no number ({error}); measure them again") from error
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}; give a file in a folder you can write"
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def mend(path: Path | str) -> None:
    """Make a file ready to be added to: what is left of a last line that was cut off is taken away."""
    lines, cut = _read_lines(path)
    with Path(path).open("r+b") as file:
        if cut:
            file.truncate(sum(map(len, lines)))
        elif lines and not lines[-1].endswith(b"\n"):
            file.seek(0, SEEK_END)
            file.write(b"\n")


def _read_lines(path: Path | str) -> tuple[list[bytes], bool]:
    """The whole lines of a file, and whether there is the beginning of another."""
    try:
        # Not str.splitlines, which also ends a line at characters that JSON leaves in its strings, such as U+2028.
        *whole, last = Path(path).read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    cut = last.startswith(b"{") and not _is_json(last)
    return [*(line + b"\n" for line in whole), *([last] if last and not cut else [])], cut


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _parse(path: Path | str, lines: Iterable[bytes]) -> Iterator[Record | tuple[str, Environment]]:
    for number, text in enumerate(lines, 1):
        try:
            yield _parse_line(text)
        except InputError as error:
            raise InputError(f"{path}, line {number}: {error}") from error
        except (ValueError, KeyError, TypeError) as error:
            reason = first_line(error)
            raise InputError(f"{path}, line {number}: not a line of a vidbench result file ({reason})") from error


def _parse_line(text: bytes) -> Record | tuple[str, Environment]:
    """The record of a line, read in one step where it is plain, or its environment with its key."""
    adapter, environment_adapter = _adapters()
    record: Record
    if text.startswith(RECORD_BEGINS):
        with suppress(ValueError):
            record = adapter.validate_json(text)
            if record.schema == SCHEMA and text.rstrip().endswith(RECORD_ENDS):
                check_details(record)
                return record
    line = json.loads(text)
    if "environment" in line and "key" in line:
        if not isinstance(line["key"], str):
            raise TypeError("its key is no text")
        return line["key"], environment_adapter.validate_python(line["environment"])
    if line["schema"] > SCHEMA:
        raise InputError(f"written by a newer vidbench (schema {line['schema']})")
    record = adapter.validate_python(line)
    check_details(record)
    return record


@cache
def _adapters() -> tuple[Any, Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(Record), TypeAdapter(Environment)
