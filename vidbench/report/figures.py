"""Pictures with what belongs to them on the page: words under them, and their figures as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vidbench.metrics import METRICS
from vidbench.pictures.drawn import (
    BARS,
    COUNTED,
    CURVES,
    PARTS,
    POINTS,
    Growth,
    Memory,
    Point,
    Scatter,
    grow,
    missing_accuracy,
    scatter,
    split_memory,
)
from vidbench.pictures.entries import Entry
from vidbench.pictures.looks import Look, looks_of
from vidbench.query.accuracy import NEAR, tell_top1
from vidbench.query.columns import find_column
from vidbench.report.bars import draw_bars
from vidbench.report.charts import Chart
from vidbench.report.curves import draw_curves
from vidbench.report.points import draw_points
from vidbench.units import column_scale, format_number

MISSING = 12  # cases without accuracy that are named


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure or words; `case` is the number of the case that it leads to."""

    words: str
    case: int | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, the lines under it, and its figures as a table."""

    chart: Chart
    notes: list[str]
    head: list[str]
    rows: list[list[Cell]] = field(default_factory=list)


AXES = {
    "macs": "GMACs of one clip",
    "throughput": "throughput",
}


def make_figures(entries: Sequence[Entry]) -> dict[str, list[Figure]]:
    """All pictures by the heading that they stand under, in the order of the page."""
    numbers = {id(entry): number for number, entry in enumerate(entries)}
    looks = looks_of(entry.family for entry in entries)
    accuracy = [
        _show_scatter(one, f"points-{metric}-{number}", numbers, looks)
        for metric in AXES
        for number, one in enumerate(scatter(entries, metric))
    ]
    growth = [_show_growth(one, f"growth-{number}", numbers, looks) for number, one in enumerate(grow(entries))]
    memory = [_show_memory(one, f"memory-{number}", numbers) for number, one in enumerate(split_memory(entries))]
    return {"Accuracy against cost": accuracy, "Cost against clip length": growth, "Memory of a call": memory}


def name_missing(entries: Sequence[Entry]) -> str | None:
    """The cases that no picture of accuracy can have, in a sentence."""
    missing = missing_accuracy(entries)
    if not missing:
        return None
    more = f"; and {len(missing) - MISSING:,} more" if len(missing) > MISSING else ""
    named = "; ".join(missing[:MISSING]) + more
    return f"Without a place in these pictures, for no top-1 is published for their setting: {named}."


def _show_scatter(picture: Scatter, key: str, numbers: dict[int, int], looks: Mapping[str, Look]) -> Figure:
    label = AXES[picture.metric]
    shown = _keep(picture.points)
    metric = METRICS[picture.metric]
    scale = column_scale([point.cost for point in shown], metric.unit)
    params = find_column("params").scale(())
    front = ", ".join(point.label for point in picture.front)
    title = f"Top-1 on {picture.dataset} against {label}{_at(picture.place)}"
    notes = [
        f"On the front, where no other net is both cheaper and more accurate: {front}.",
        f"Top-1 is published for these frames and classes, at that size or, where a star and the table say so, at the "
        f"nearest within {NEAR:.0%}, and at the views that the table names; "
        f"{label if picture.metric == 'macs' else 'throughput'} is of one view. "
        f"The area of a marker is the number of parameters{_span(shown)}.",
    ]
    if picture.common:
        notes.append(f"All at {picture.common}.")
    if len(shown) < len(picture.points):
        notes.append(
            f"Drawn are the front and {len(shown) - len(picture.front):,} others of {len(picture.points):,} cases."
        )
    chart = draw_points(picture, shown, key, title, scale=scale, looks=looks)
    head = ["case", f"{metric.name}, {scale.label}", "top-1, %", "parameters, M", "views", "on the front", "source"]
    rows = [
        [
            Cell(point.name, numbers[id(point.entry)]), Cell(scale.format(point.cost)),
            Cell(tell_top1(point.published, point.entry.case.size)),
            Cell(params.format(point.entry.row["params"])), Cell(str(point.published.views or "–")),
            Cell("yes" if point.front else "no"), Cell(point.published.source),
        ]
        for point in sorted(shown, key=lambda point: point.cost)
    ]  # fmt: skip
    return Figure(chart, notes, head, rows)


def _keep(points: Sequence[Point]) -> list[Point]:
    """The front, and of the others the first."""
    room = POINTS - sum(point.front for point in points)
    others = [point for point in points if not point.front][: max(room, 0)]
    kept = {id(point) for point in others}
    return [point for point in points if point.front or id(point) in kept]


def _at(place: str) -> str:
    return "" if place == COUNTED else f" on {place}"


def _span(points: Sequence[Point]) -> str:
    known = [point.entry.row["params"] / 1e6 for point in points if point.entry.row["params"]]
    return f", from {format_number(min(known))} M to {format_number(max(known))} M" if known else ""


def _show_growth(picture: Growth, key: str, numbers: dict[int, int], looks: Mapping[str, Look]) -> Figure:
    metric = METRICS[picture.metric]
    shown = picture.series[:CURVES]
    figures = [value for series in shown for _, value in series.points]
    scale = column_scale(figures, metric.unit)
    per = {"call": " of a call", "clip": " of a clip"}.get(metric.per, "")
    title = f"{metric.label.capitalize()}{per} against clip length{_at(picture.place)}"
    notes = [f"Both axes are logarithmic. All at {picture.common}." if picture.common else "Both axes are logarithmic."]
    if len(shown) < len(picture.series):
        notes.append(f"Drawn are the first {len(shown)} of {len(picture.series):,} nets and settings.")
    frames = sorted({at for series in shown for at, _ in series.points})
    rows = []
    for series in shown:
        known = dict(series.points)
        cells = [Cell(scale.format(known.get(at))) for at in frames]
        rows.append([Cell(series.name, numbers[id(series.entry)]), *cells])
    chart = draw_curves(picture, shown, key, title, scale=scale, looks=looks)
    return Figure(chart, notes, [f"{metric.name}, {scale.label}", *(f"{at} frames" for at in frames)], rows)


def _show_memory(picture: Memory, key: str, numbers: dict[int, int]) -> Figure:
    shown = picture.bars[:BARS]
    scale = column_scale([max(bar.measured or bar.total for bar in shown) / 20], "bytes")
    notes = [
        "Bars are what weights, input and activations take at the peak, as their lifetimes predict it; the line "
        "across is the measured peak. Where nothing was predicted, activations are the rest of the measured peak."
    ]
    if picture.common:
        notes.append(f"All at {picture.common}.")
    if len(shown) < len(picture.bars):
        notes.append(f"Drawn are the {len(shown)} largest of {len(picture.bars):,} cases.")
    rows = [
        [
            Cell(bar.name, numbers[id(bar.entry)]),
            *(Cell(scale.format(bar.parts[part])) for part in PARTS),
            Cell(scale.format(bar.total)),
            Cell(scale.format(bar.measured)),
        ]
        for bar in shown
    ]
    title = f"Memory of a call, {picture.place if picture.place == COUNTED else f'on {picture.place}'}"
    head = [f"case, {scale.label}", *PARTS, "together", "measured"]
    return Figure(draw_bars(shown, key, title, scale), notes, head, rows)
