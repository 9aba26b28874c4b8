"""A table as papers print it, before any markup: headed columns, rows by family, best figures, footnotes, caption.

Markdown, LaTeX and HTML are written from the same Layout, so that they cannot differ in a figure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from vidbench.catalog import Published, families, variants
from vidbench.export.columns import DATASET, TOP1, Heading, axes_of_comparison, choose_headings
from vidbench.export.footnotes import FAILED, Footnotes
from vidbench.export.ranking import Mark, rank_figures
from vidbench.metrics import MACS_CONVENTION, METRICS
from vidbench.notes.methods import write_methods
from vidbench.query.accuracy import name_other_clip, published_for, published_top1
from vidbench.records import Environment, Record
from vidbench.repeats import merge_runs
from vidbench.table import Row, identify, row
from vidbench.units import format_number
from vidbench.views import count_views

UNKNOWN = "–"
UNTIMED = "Counted, not timed."
OWN = "Own nets"
TIMES = "×"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head and unit; whether it holds figures, and whether some of them are times so many views."""

    head: str
    unit: str = ""
    is_numeric: bool = False
    has_views: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell: its text, the letters of its footnotes, its mark, and how many views it is times.

    Attributes:
        is_figure: the text is a number, to be aligned with those above it.
    """

    text: str
    notes: tuple[str, ...] = ()
    mark: Mark = ""
    views: int | None = None
    is_figure: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one title; None where the table has no groups."""

    title: str | None
    lines: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole table: the method as `caption`, footnotes by letter, and remarks about all of it."""

    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    caption: str
    notes: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """A row, the records of its runs, and what is published for its setting."""

    row: Row
    records: tuple[Record, ...]
    published: Published | None
    family: str


def lay_out(
    records: Sequence[Record], environments: Mapping[str, Environment], names: Sequence[str] | None = None
) -> Layout:
    """The table of these records, a row a case with its runs merged, with the columns of these names.

    Raises:
        InputError: there is no column of one of these names.
    """
    lines = _collect(records, environments)
    merged = [line.row for line in lines]
    headings = choose_headings(merged, names)
    notes = Footnotes()
    cells = [[_cell(one, line, notes) for one in headings] for line in lines]
    axes = axes_of_comparison(merged)
    rivals = [tuple(found[name] for name in axes) for found in merged]
    same_data = [(*rival, found[DATASET]) for rival, found in zip(rivals, merged, strict=True)]
    columns = [
        _mark(one, column, same_data if one.column.name == TOP1 else rivals)
        for one, column in zip(headings, zip(*cells, strict=True), strict=True)
    ]
    cells = [list(line) for line in zip(*columns, strict=True)]
    return Layout(
        columns=tuple(map(_column, headings, columns)),
        groups=_group(lines, cells),
        caption=" ".join(write_methods(_shown(records, headings) if names else records, environments)) or UNTIMED,
        notes=notes.list(),
        remarks=tuple(_remarks(headings, merged, cells, axes)),
    )


def _collect(records: Iterable[Record], environments: Mapping[str, Environment]) -> list[_Line]:
    """The rows with the runs of a case merged, those of a family and of a net together, shorter clips first."""
    runs: dict[Any, list[tuple[Record, Row]]] = {}
    for record in records:
        found = row(record, environments.get(record.environment))
        runs.setdefault(identify(record), []).append((record, found))
    nets, lines = variants(), []
    for same in runs.values():
        (merged,) = merge_runs([found for _, found in same])
        case = same[0][0].case
        top1 = next(iter(published_top1(case).values()), None)
        merged |= {TOP1: top1 and top1.top1, DATASET: top1 and top1.dataset}
        published = top1 or next(iter(published_for(case)), None)
        family = nets[case.model].family if case.model in nets else ""
        lines.append(_Line(merged, tuple(record for record, _ in same), published, family))
    order = {name: place for place, name in enumerate(dict.fromkeys(line.family for line in lines))}
    models = {name: place for place, name in enumerate(dict.fromkeys(line.row["model"] for line in lines))}
    return sorted(
        lines, key=lambda line: (order[line.family], models[line.row["model"]], line.row["frames"], line.row["size"])
    )


def _shown(records: Iterable[Record], headings: Iterable[Heading]) -> list[Record]:
    """The records with nothing but what the columns are of."""
    metrics = {one.column.metric for one in headings}
    return [
        replace(record, measurements=tuple(m for m in record.measurements if m.metric in metrics)) for record in records
    ]


def _column(heading: Heading, cells: Sequence[Cell]) -> Column:
    is_numeric = bool(heading.column.unit) or any(cell.is_figure for cell in cells)
    return Column(heading.head, heading.scale.label, is_numeric, any(cell.views for cell in cells))


def _cell(heading: Heading, line: _Line, notes: Footnotes) -> Cell:
    key = heading.column.name
    value = line.row.get(key)
    if key == "model":
        return Cell(str(value), notes.of_case(line.records))
    if key == TOP1:
        return _accuracy(line, notes)
    if not heading.column.unit:
        return Cell(_plain(value), is_figure=isinstance(value, int | float) and not isinstance(value, bool))
    if heading.column.metric != key:  # a part of a metric's figure, or made of it, which has the footnotes
        return Cell(heading.scale.format(value), is_figure=value is not None)
    return _measured(heading, line, notes)


def _measured(heading: Heading, line: _Line, notes: Footnotes) -> Cell:
    """A metric's figure; of MACs that depend on the clip their range; or what failed or is missing."""
    found, key = line.row, heading.column.name
    if found[key] is not None:
        views = _count_views(line) if key == "macs" else None
        text = heading.scale.format(found[key])
        return Cell(text, notes.of_figure(key, found, line.records), views=views, is_figure=True)
    if key == "macs" and found["macs_most"] is not None:
        fewest, most = (heading.scale.format(found[name]) for name in ("macs_fewest", "macs_most"))
        return Cell(f"{fewest}–{most}", notes.of_figure(key, found, line.records))
    return Cell(FAILED.get(found["failure"], UNKNOWN), notes.of_missing(key, line.records))


def _count_views(line: _Line) -> int | None:
    """How many views of a video a prediction takes: as the case says, otherwise as published; None where unknown."""
    views = line.records[0].case.views
    if views is None and line.published is not None:
        return count_views(line.published.views)
    return count_views(views)


def _accuracy(line: _Line, notes: Footnotes) -> Cell:
    published, case = line.published, line.records[0].case
    if published is None or published.top1 is None:
        return Cell(UNKNOWN)
    clip = name_other_clip(published.frames, published.size, case.size)
    where = published.dataset + (f" at {clip}" if clip else "")
    text = f"{published.top1:.1f}" if round(published.top1, 1) == published.top1 else f"{published.top1:.2f}"
    return Cell(text, (notes.mark(f"as published on {where}: {published.source}"),), is_figure=True)


def _plain(value: object) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format_number(value) if isinstance(value, float) else str(value)


def _mark(heading: Heading, cells: Sequence[Cell], rivals: Sequence[tuple[object, ...]]) -> list[Cell]:
    """The cells of a column, the best marked; what is printed alike is marked alike."""
    if heading.column.better is None:
        return list(cells)
    figures = [float(cell.text.replace(",", "")) if cell.is_figure else None for cell in cells]
    marks = rank_figures(figures, rivals, heading.column.better)
    return [replace(cell, mark=mark) if mark else cell for cell, mark in zip(cells, marks, strict=True)]


def _group(lines: Sequence[_Line], cells: Sequence[Sequence[Cell]]) -> tuple[Group, ...]:
    """Titled groups by family where there are several and one of them has several rows; otherwise one group."""
    groups: dict[str, list[tuple[Cell, ...]]] = {}
    for line, shown in zip(lines, cells, strict=True):
        groups.setdefault(line.family, []).append(tuple(shown))
    if len(groups) == 1 or all(len(group) == 1 for group in groups.values()):
        return (Group(None, tuple(chain.from_iterable(groups.values()))),)
    titles = {name: family.title for name, family in families().items()}
    return tuple(Group(titles.get(name, OWN), tuple(group)) for name, group in groups.items())


def _remarks(
    headings: Sequence[Heading], merged: Sequence[Row], cells: Sequence[Sequence[Cell]], axes: Sequence[str]
) -> Iterable[str]:
    shown = {one.column.metric for one in headings}
    per_call = [one.head.lower() for one in headings if (of := one.column.metric) and METRICS[of].per == "call"]
    if "macs" in shown:
        per = (
            ", and times the views of a video that a prediction takes" if any(c.views for r in cells for c in r) else ""
        )
        yield f"GMACs: billions of MACs of one clip{per}; {MACS_CONVENTION}."
    if per_call:
        yield f"Per call of the whole batch: {', '.join(dict.fromkeys(per_call))}."
    if any(cell.mark for row in cells for cell in row):
        several = [axis for axis in axes if len({found[axis] for found in merged}) > 1]
        among = f", among rows of the same {' and '.join(several)}" if several else ""
        yield f"Best figures are bold, second best ones underlined{among}."
    yield from _repeats(merged)
    yield from _no_accuracy(headings, merged)


def _repeats(merged: Sequence[Row]) -> Iterable[str]:
    runs = sorted({row["runs"] for row in merged if row.get("runs")})
    if not runs:
        return
    sure = [row[f"{name}_confidence"] for row in merged for name in METRICS if row.get(f"{name}_confidence")]
    reach = f"; ± is how far the {100 * min(sure):.3g}% interval of that median reaches" if sure else ""
    yield f"Medians of {' or '.join(map(str, runs))} runs, each in a process of its own{reach}."


def _no_accuracy(headings: Sequence[Heading], merged: Sequence[Row]) -> Iterable[str]:
    if any(one.column.name == TOP1 for one in headings) and any(row[TOP1] is None for row in merged):
        yield f"{UNKNOWN} under Top-1: none is published for that clip length, with about that size and these classes."
