"""`vidbench choose`: which net to take within budgets, and what the next best costs."""

from typing import TYPE_CHECKING, Annotated

import typer

from vidbench.cli.selecting import Dataset, Paths, Where

if TYPE_CHECKING:
    from vidbench.query.choose import Budget
    from vidbench.table import Row


def choose(  # noqa: PLR0917  # one parameter an option
    results: Paths = None,
    max_latency: Annotated[str | None, typer.Option(help="Of a call, such as 20ms.", show_default=False)] = None,
    max_memory: Annotated[
        str | None,
        typer.Option(
            help="At the peak of a call, such as 4GB; as predicted where none was measured.", show_default=False
        ),
    ] = None,
    min_throughput: Annotated[str | None, typer.Option(help="Clips a second, such as 100.", show_default=False)] = None,
    max_params: Annotated[str | None, typer.Option(help="Parameters, such as 10M.", show_default=False)] = None,
    max_macs: Annotated[
        str | None, typer.Option(help="Multiply-accumulates of a clip, such as 10G.", show_default=False)
    ] = None,
    dataset: Dataset = "k400",
    where: Where = None,
) -> None:
    """Say which net to take: the highest published accuracy within the budgets, and what the next best costs."""
    from vidbench.cli.selecting import select
    from vidbench.query.accuracy import explain_missing
    from vidbench.query.choose import Budget
    from vidbench.query.columns import find_column, parse_amount
    from vidbench.query.selection import split_places
    from vidbench.terminal.screen import print_notes
    from vidbench.units import format_days

    given = {
        "latency": ("--max-latency", max_latency),
        "peak_memory": ("--max-memory", max_memory),
        "throughput": ("--min-throughput", min_throughput),
        "params": ("--max-params", max_params),
        "macs": ("--max-macs", max_macs),
    }
    budgets = [
        Budget(
            find_column(name),
            parse_amount(option, text, find_column(name)),
            text.strip(),
            find_column("predicted_memory") if name == "peak_memory" else None,
        )
        for name, (option, text) in given.items()
        if text is not None
    ]
    selection = select(results, where, dataset)
    inferring = [row for row in selection.rows if row["task"] == "inference"]
    for (device, torch), rows in split_places(inferring).items():
        days = format_days(row["time"] for row in rows)
        _answer(f"{device}, torch {torch}, {days}, accuracy on {selection.dataset}:", rows, budgets)
    trained = len(selection.rows) - len(inferring)
    notes = [f"left out: {trained:,} {'row' if trained == 1 else 'rows'} of training"] if trained else []
    print_notes([*explain_missing(inferring, selection.dataset), *notes, *selection.notes])


def _answer(place: str, rows: "list[Row]", budgets: "list[Budget]") -> None:
    """What to take at one place, as sentences over a table of what there is."""
    from vidbench.query.accuracy import name_sources
    from vidbench.query.advice import write_advice
    from vidbench.query.choose import choose
    from vidbench.query.selection import telling_axes
    from vidbench.terminal.choose import print_choice
    from vidbench.terminal.screen import print_notes

    choice = choose(rows, budgets)
    axes = [axis for axis in telling_axes(rows) if axis not in ("device_name", "torch", "task")]
    print_notes([place, *write_advice(choice, budgets, axes), ""])
    shown = print_choice(choice, axes)
    if shown:
        print_notes([*name_sources(shown), ""])
