"""The stages of pipelines: a small table a case, and what holds it up."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from vidbench.notes.bottleneck import (
    END_TO_END,
    OVERLAPPED,
    STAGES,
    describe_bottleneck,
    pool_runs,
    stage_seconds,
    stage_shares,
)
from vidbench.terminal.screen import make_table, open_console, print_table
from vidbench.units import column_scale, format_number

if TYPE_CHECKING:
    from vidbench.records import Record

UNSETTLED = "~"


def print_stages(records: "Sequence[Record]") -> None:
    """Of each case whose stages were timed: their times and shares, and the sentence that they come to."""
    console = open_console(sys.stdout)
    for record in pool_runs(records):
        case = record.case
        if stage_seconds(record) or record.figure(OVERLAPPED) is not None:
            name = f"{case.model} {case.frames}x{case.size} batch {case.batch} {case.dtype}"
            console.print(Text(f"{name}, from {case.clip} to logits:"), soft_wrap=True)
            print_table(console, _tabulate(record))
            if sentence := describe_bottleneck(record):
                console.print(Text(f"{case.model}: {sentence}"), soft_wrap=not console.is_terminal)
            console.print()


def _tabulate(record: "Record") -> Table:
    seconds = stage_seconds(record)
    total = record.figure(END_TO_END)
    scale = column_scale([*seconds.values(), total], "seconds")
    table = make_table()
    table.add_column("stage", no_wrap=True)
    table.add_column(f"time\n{scale.label}/call", justify="right", no_wrap=True)
    table.add_column("share\n%", justify="right", no_wrap=True)
    table.add_column("throughput\nclips/s", justify="right", no_wrap=True)
    for name, share in stage_shares(seconds).items():
        table.add_row(STAGES[name], _mark(record, name) + scale.format(seconds[name]), format_number(100 * share), "")
    if total:
        rate = format_number(record.case.batch / total)
        mark = _mark(record, END_TO_END)
        table.add_row("one after the other", mark + scale.format(total), "", mark + rate)
    overlapped = record.figure(OVERLAPPED)
    if overlapped is not None:
        table.add_row("overlapped", "", "", _mark(record, OVERLAPPED) + format_number(overlapped))
    return table


def _mark(record: "Record", metric: str) -> str:
    measurement = record.measurement(metric)
    return UNSETTLED if measurement is not None and measurement.details.get("settled") is False else ""
