"""The files a command writes, opened before it measures anything and filled a record at a time."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from vidbench.errors import InputError
from vidbench.export import csv
from vidbench.records import Environment, Record
from vidbench.store import Writer, mend, read_results
from vidbench.table import row

Sink = Callable[[Record, Environment], None]


@contextmanager
def open_outputs(*, csv_path: str | None, json_path: str | None) -> Iterator[Sink]:
    """What a record is handed to: writes it to each file asked for, `-` being stdout.

    A result file (JSON Lines) that is there is added to; a CSV file is replaced when its first row comes.

    Raises:
        InputError: one of them cannot be written.
    """
    if csv_path == json_path == "-":
        raise InputError("--csv - and --json - cannot both have stdout; give one of them a file")
    with ExitStack() as stack:
        known = _known_environments(json_path)
        json_file = stack.enter_context(_open("--json", json_path)) if json_path else None
        csv_file = stack.enter_context(_open("--csv", csv_path)) if csv_path else None
        lines = Writer(json_file, known) if json_file else None
        cells = csv.Writer(csv_file) if csv_file else None
        fresh = True

        def append(record: Record, environment: Environment) -> None:
            nonlocal fresh
            if lines:
                lines.append(record, environment)
            if cells and csv_file:
                if fresh and _is_regular(csv_file):
                    csv_file.truncate(0)
                cells.append(row(record, environment))
            fresh = False

        yield append


def check_writable(option: str, path: str) -> None:
    """Raise InputError where the file cannot be written; nothing is written yet."""
    with _open(option, path):
        pass


def write_text(option: str, path: str, text: str) -> None:
    """Write the whole text into the file, in place of what it has; `-` is stdout.

    Raises:
        InputError: it cannot be written.
    """
    with _open(option, path) as file:
        if _is_regular(file):
            file.truncate(0)
        file.write(text)


def _known_environments(path: str | None) -> set[str]:
    """The environments that a result file has already; what is no result file is not to be added to."""
    if path in (None, "-") or not Path(path).is_file() or Path(path).stat().st_size == 0:
        return set()
    try:
        known = set(read_results(path).environments)
        mend(path)
    except InputError as error:
        raise InputError(f"--json would add to a file that is no result file: {error}; give another name") from error
    return known


@contextmanager
def _open(option: str, path: str) -> Iterator[TextIO]:
    if path == "-":
        yield sys.stdout
        return
    target = Path(path)
    existed = target.exists()
    try:
        file = target.open("a", encoding="utf-8", newline="")
    except OSError as error:
        reason = error.strerror if target.parent.is_dir() else f"there is no folder {target.parent}"
        raise InputError(
            f"{option} {path} cannot be written: {reason}; give a file in a folder you can write"
        ) from error
    try:
        with file:
            yield file
    finally:
        if not existed and target.is_file() and target.stat().st_size == 0:
            target.unlink()


def _is_regular(file: TextIO) -> bool:
    return file is not sys.stdout and stat.S_ISREG(os.fstat(file.fileno()).st_mode)
