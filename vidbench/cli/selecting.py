"""What commands that show results have in common: which records of which files, as rows with families and accuracy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidbench.errors import InputError

if TYPE_CHECKING:
    from vidbench.records import Environment, Record
    from vidbench.table import Row

RESULTS = "results"  # where records are kept

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RESULTS", help="Result files, and folders of them; default is the folder results.", show_default=False
    ),
]
Where = Annotated[
    str | None,
    typer.Option(
        help="Only records of which this is true, such as 'params < 10e6 and (family == \"x3d\" or latency <= 20ms)'.",
        show_default=False,
    ),
]
Dataset = Annotated[str, typer.Option(help="The data set whose published accuracy is meant, such as k400 or ssv2.")]


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows that were asked for, the records that they are made of, and what must be said of the others."""

    rows: "list[Row]"
    records: "list[Record]"
    environments: "Mapping[str, Environment]"
    notes: list[str]
    dataset: str


def select(paths: Sequence[str] | None, where: str | None, dataset: str) -> Selection:
    """Read the files; keep the latest record of each case and environment, and of these what `where` is true of.

    Raises:
        InputError: a file cannot be read, a name or the condition is wrong, or nothing is left.
    """
    from vidbench.query.accuracy import add_accuracy, find_dataset
    from vidbench.query.filtering import keep_rows, parse_condition
    from vidbench.query.selection import add_families, keep_latest, records_of
    from vidbench.repeats import merge_runs
    from vidbench.store import collecting_nothing, read_all
    from vidbench.table import rows
    from vidbench.terminal.screen import warn

    chosen = find_dataset(dataset)
    if where is not None:
        parse_condition(where)
    if not paths and not Path(RESULTS).is_dir():
        raise InputError(f"there is no folder {RESULTS} here; name the files that --json or `vidbench run` wrote")
    with collecting_nothing():
        results = read_all(paths or [RESULTS])
        records = keep_latest(results.records)
        every = add_accuracy(add_families(merge_runs(rows(records, results.environments))), chosen)
        kept = every if where is None else keep_rows(every, where)
    for warning in results.warnings:
        warn(warning)
    if not kept:
        count = (
            f"none of {len(every):,} rows is left by --where {where}"
            if every
            else "there is no record in these files; give some that --json or `vidbench run` wrote"
        )
        raise InputError(count)
    older = len(results.records) - len(records)
    counted = "1 older record of a case" if older == 1 else f"{older:,} older records of cases"
    notes = [f"not shown: {counted} that was measured again in the same environment"] if older else []
    shown = records if len(kept) == len(every) else records_of(kept, records)
    return Selection(kept, shown, results.environments, notes, chosen)
