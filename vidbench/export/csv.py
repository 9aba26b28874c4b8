"""Tidy CSV: a row a case, a column a variable, base units, unknown values empty."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TextIO

from vidbench.table import COLUMNS, Row


class Writer:
    """Writes a row at a time, flushed, so that an interrupted run keeps its rows; the head comes with the first."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        self._begun = False

    def append(self, row: Row) -> None:
        """Write one row."""
        if not self._begun:
            self._writer.writeheader()
            self._begun = True
        self._writer.writerow(row)
        self._file.flush()


def write_csv(rows: Iterable[Row], names: Sequence[str] = COLUMNS) -> str:
    """The head and all rows with these columns."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([row[name] for name in names] for row in rows)
    return file.getvalue()
