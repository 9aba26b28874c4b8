"""Result files: a row each."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vidbench.terminal.screen import make_table, open_console, print_table

if TYPE_CHECKING:
    from vidbench.runs import FileSummary
COUNTS = ("records", "failed", "models")


def print_files(files: "Sequence[FileSummary]") -> None:
    """What each file holds."""
    table = make_table()
    for head in ("file", "records", "failed", "models", "first", "last", "devices"):
        table.add_column(head, justify="right" if head in COUNTS else "left", no_wrap=True)
    for one in files:
        table.add_row(
            str(one.path), str(one.records), str(one.failed), str(one.models),
            _day(one.first), _day(one.last), "; ".join(one.devices),
        )  # fmt: skip
    print_table(open_console(sys.stdout), table)


def _day(time: str) -> str:
    return time[:16].replace("T", " ")
