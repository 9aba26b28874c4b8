"""`vidbench show`: result files as tables: a row a record, a figure by two axes, or what no other net beats."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from vidbench.cli.selecting import Dataset, Paths, Selection, Where

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vidbench.query.columns import Column
    from vidbench.table import Row


def show(  # noqa: PLR0917  # one parameter an option
    results: Paths = None,
    rows: Annotated[
        str | None,
        typer.Option(help="What stands at the left of a table, such as model or model,batch.", show_default=False),
    ] = None,
    cols: Annotated[
        str | None, typer.Option(help="What stands at its head, such as frames.", show_default=False)
    ] = None,
    value: Annotated[
        str | None,
        typer.Option(help="The figures, such as throughput,peak_memory: a table each.", show_default=False),
    ] = None,
    where: Where = None,
    sort: Annotated[
        str | None,
        typer.Option(help="Columns to sort by, such as latency; -latency is the greatest first.", show_default=False),
    ] = None,
    pareto: Annotated[
        str | None,
        typer.Option(
            metavar="X:Y",
            help="Two figures, such as top1:macs or top1:latency: mark what no other net beats in both.",
            show_default=False,
        ),
    ] = None,
    dataset: Dataset = "k400",
) -> None:
    """Show what was measured: a row a record, or any figure by any axes, the best marked."""
    from vidbench.cli.selecting import select
    from vidbench.errors import InputError
    from vidbench.query.columns import find_columns
    from vidbench.query.selection import sort_rows
    from vidbench.store import collecting_nothing

    down, across, figures = find_columns(rows), find_columns(cols), find_columns(value)
    front = _parse_pair(pareto) if pareto is not None else None
    if front and (down or across or figures):
        raise InputError("--pareto marks rows of its own table; leave out --rows, --cols and --value")
    if sort is not None:
        sort_rows([], sort)
    with collecting_nothing():
        selection = select(results, where, dataset)
        if sort is not None:
            selection = replace(selection, rows=sort_rows(selection.rows, sort))
        if front:
            _show_front(selection, front, is_sorted=sort is not None)
        elif down or across:
            _show_pivot(selection, down, across, figures)
        else:
            _show_list(selection, figures)


def _parse_pair(text: str) -> "tuple[Column, Column]":
    """`top1:macs` as columns of figures, of each of which one way is better.

    Raises:
        InputError: it is no such pair.
    """
    from vidbench.errors import InputError
    from vidbench.query.columns import find_column

    parts = text.split(":")
    if len(parts) != 2:
        raise InputError(f"--pareto takes two figures with a colon between, such as top1:macs, not {text!r}")
    x, y = (find_column(part.strip()) for part in parts)
    for column in (x, y):
        if column.better is None:
            raise InputError(
                f"of {column.name} neither more nor less is better; --pareto takes figures such as top1:macs"
            )
    if x == y:
        raise InputError(f"--pareto takes two different figures, not {text!r}")
    return x, y


def _show_list(selection: Selection, figures: "list[Column]") -> None:
    """A row a record, as `vidbench profile` prints it."""
    from vidbench.errors import InputError
    from vidbench.metrics import METRICS
    from vidbench.notes.lines import write_notes
    from vidbench.query.selection import telling_axes
    from vidbench.searches import is_probe
    from vidbench.terminal.batches import print_curves
    from vidbench.terminal.profile import print_distributions, print_profile, shown_metrics
    from vidbench.terminal.screen import print_notes
    from vidbench.terminal.stages import print_stages

    for column in figures:
        if column.name not in METRICS:
            raise InputError(f"{column.name} is no metric; with --rows model,frames it can stand in a table, too")
    taken = {measurement.metric for record in selection.records for measurement in record.measurements}
    metrics = [name for name in METRICS if name in taken]
    shown = [column.name for column in figures] or shown_metrics(metrics, chosen=False)
    probes = {record.id for record in selection.records if is_probe(record)}
    rows = [row for row in selection.rows if row["id"] not in probes]
    answers = [record for record in selection.records if record.id not in probes]
    if rows:
        print_profile(rows, shown, beside=telling_axes(rows))
    print_distributions(answers)
    print_stages(answers)
    print_curves(selection.records)
    print_notes([*selection.notes, *write_notes(answers, rows, selection.environments, shown)])


def _show_pivot(selection: Selection, down: "list[Column]", across: "list[Column]", figures: "list[Column]") -> None:
    """A table a figure; without columns to spread over, one table of all figures."""
    from vidbench.metrics import METRICS
    from vidbench.notes.lines import write_notes
    from vidbench.query.pivot import pivot
    from vidbench.query.selection import tell_devices
    from vidbench.terminal.screen import print_notes
    from vidbench.terminal.show import print_grids

    rows = selection.rows
    figures = figures or _usual_figures(rows, one=bool(across))
    left, head = [column.name for column in down] or ["model"], [column.name for column in across]
    left, head = tell_devices(rows, left, head), tell_devices(rows, head, left)
    grids = [pivot(rows, left, head, column) for column in figures]
    legends = print_grids(grids)
    shown = [column.name for column in figures if column.name in METRICS]
    notes = write_notes(selection.records, rows, selection.environments, shown, papers="macs" in shown)
    print_notes([*legends, *_tell_accuracy(selection, rows, figures), *selection.notes, *notes])


def _tell_accuracy(selection: Selection, rows: "list[Row]", columns: "Iterable[Column]") -> list[str]:
    """Whose accuracy the rows have, and of how many none is known, where these columns show one."""
    from vidbench.query.accuracy import explain_missing, name_sources

    if not {column.name for column in columns} & {"top1", "top5"}:
        return []
    return [*name_sources(rows), *explain_missing(selection.rows, selection.dataset)]


def _usual_figures(rows: "list[Row]", *, one: bool) -> "list[Column]":
    """What to show where no figure was asked for: latency if it is to be one, else what is usual."""
    from vidbench.query.columns import find_column
    from vidbench.terminal.profile import BY_DEFAULT

    known = [name for name in BY_DEFAULT if any(row[name] is not None for row in rows)] or ["params"]
    if one:
        known = ["latency"] if "latency" in known else known[:1]
    return [find_column(name) for name in known]


def _show_front(selection: Selection, front: "tuple[Column, Column]", *, is_sorted: bool) -> None:
    """The rows that have both figures, those marked that no other beats."""
    from vidbench.errors import InputError
    from vidbench.metrics import METRICS
    from vidbench.notes.lines import write_notes
    from vidbench.query.accuracy import ACCURACY_COLUMNS
    from vidbench.query.choose import find_front, merge_alike
    from vidbench.query.selection import records_of, refuse_places, sort_rows, telling_axes
    from vidbench.terminal.screen import print_notes
    from vidbench.terminal.show import print_front

    x, y = front
    known = [row for row in selection.rows if row.get(x.name) is not None and row.get(y.name) is not None]
    if not known:
        raise InputError("; ".join([f"no row has both {x.name} and {y.name}", *_tell_accuracy(selection, [], front)]))
    refuse_places(known, front)
    known = merge_alike(known, front)
    if not is_sorted:
        known = sort_rows(known, y.name)
    print_front(known, front, find_front(known, x, y), telling_axes(known))
    notes = [f"● on the front: no other row is as good in {x.name} and {y.name}, and better in one of them"]
    notes += _tell_accuracy(selection, known, front)
    lacking = [column.name for column in front if column.name not in ACCURACY_COLUMNS]
    unmeasured = sum(any(row.get(name) is None for name in lacking) for row in selection.rows)
    counted = f"{unmeasured:,} {'row' if unmeasured == 1 else 'rows'}"
    notes += [f"left out: {counted} without {' or '.join(lacking)}"] if unmeasured else []
    shown = [column.name for column in front if column.name in METRICS]
    records = records_of(known, selection.records)
    print_notes([*notes, *selection.notes, *write_notes(records, known, selection.environments, shown, papers=False)])
