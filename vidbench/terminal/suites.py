"""Suites: those there are, what one has before it, and how its run ended."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from vidbench.terminal.screen import make_table, open_console, print_table
from vidbench.units import column_scale, format_count, format_duration

if TYPE_CHECKING:
    from vidbench.records import Case
    from vidbench.runs import Estimate
    from vidbench.suites.files import Suite

AXES = ("frames", "size", "batch", "dtype", "mode", "task", "device")


def print_suites(suites: "Sequence[Suite]") -> None:
    """A row a suite."""
    table = make_table()
    table.add_column("suite", no_wrap=True)
    table.add_column("cases", justify="right")
    table.add_column("what it measures")
    for suite in suites:
        table.add_row(suite.name, str(len(suite.cases)), suite.description)
    print_table(open_console(sys.stdout), table)


def print_plan(
    cases: "Sequence[Case]",
    memory: "Mapping[Case, float | None]",
    expected: "Estimate",
    *,
    done: int,
    left_out: Sequence[str],
) -> None:
    """A row a case that is to be measured, the memory it will take, what is left out, and how long all will take.

    Cases that `memory` does not have were not asked about.
    """
    console = open_console(sys.stdout)
    table = make_table()
    table.add_column("model", no_wrap=True)
    shown = [axis for axis in AXES if axis in ("frames", "size", "batch") or len({getattr(c, axis) for c in cases}) > 1]
    scale = column_scale(memory.values(), "bytes")
    for axis in shown:
        table.add_column(axis, justify="right", no_wrap=True)
    table.add_column(f"predicted\n{scale.label}/call", justify="right", no_wrap=True)
    once: dict[Case, int] = {}
    for case in cases:
        row = _without_repeat(case)
        once[row] = once.get(row, 0) + 1
    for case, runs in once.items():
        table.add_row(
            case.model + (f" ({runs} runs)" if runs > 1 else ""),
            *(str(getattr(case, axis)) for axis in shown),
            scale.format(memory.get(case)),
        )
    print_table(console, table)
    if untold := len(once) - len(memory):
        told = f"memory of {format_count(untold, 'further case')} is not predicted, for that takes long"
        console.print(Text(f"{told}; `vidbench profile --only predicted_memory` tells it"), soft_wrap=True)
    for reason in left_out:
        console.print(Text(f"left out: {reason}"), soft_wrap=True)
    there = f", {done} more are there already" if done else ""
    basis = [f"{expected.known} as they took before"] if expected.known else []
    basis += [f"{expected.guessed} guessed by their MACs"] if expected.guessed else []
    count = format_count(len(cases), "case")
    console.print(Text(f"{count}{there}; about {format_duration(expected.seconds)} ({', '.join(basis)})"))


def _without_repeat(case: "Case") -> "Case":
    return replace(case, repeat=0)


def print_end(path: Path, measured: int, failed: int) -> None:
    """Where the records are, and how many."""
    fallen = f", {failed} of them not measured" if failed else ""
    open_console(sys.stdout).print(Text(f"{measured} records{fallen} in {path}"), soft_wrap=True)
