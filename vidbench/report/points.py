"""Accuracy against a cost: a marker a case, its area the parameters, and the front as a dashed line."""

from collections.abc import Mapping, Sequence

from vidbench.pictures.drawn import Point, Scatter
from vidbench.pictures.looks import Look
from vidbench.pictures.scales import make_axis
from vidbench.query.accuracy import tell_top1
from vidbench.report.charts import (
    WIDTH,
    Chart,
    Line,
    Shape,
    Text,
    draw_axes,
    draw_legend,
    legend_height,
    marker,
    shorten,
    trace,
)
from vidbench.report.labels import Box, Spot, place_labels
from vidbench.units import Scale, format_number

HEIGHT = 380  # without the legend
LARGEST, SMALLEST = 1300.0, 30.0  # square pixels of a marker
NAMED = 40  # points that are all named; of more only the front is


def draw_points(
    picture: Scatter, points: Sequence[Point], key: str, title: str, *, scale: Scale, looks: Mapping[str, Look]
) -> Chart:
    """The chart of those of the picture's points."""
    names = {point.entry.family: looks[point.entry.family] for point in points}
    chart = Chart(key, title, _describe(picture, scale), HEIGHT + legend_height(names))
    x = make_axis([point.cost / scale.factor for point in points], 60, WIDTH - 20, room=0.08)
    y = make_axis([point.top1 for point in points], HEIGHT - 60, 30, log=False, room=0.12)
    label = f"{'GMACs of one clip' if picture.metric == 'macs' else 'throughput'}"
    better = "less is better" if picture.metric == "macs" else "clips/s, more is better"
    draw_axes(chart, x, y, (f"{label} ({better})", f"top-1 on {picture.dataset}, % (as published)"))
    places = [(x.place(point.cost / scale.factor), y.place(point.top1)) for point in points]
    at = {id(point): place for point, place in zip(points, places, strict=True)}
    front = [at[id(point)] for point in picture.front]
    if len(front) > 1:
        chart.lines.append(Line(trace(front), "front"))
    most = max((point.entry.row["params"] or 0 for point in points), default=0)
    areas = [max(LARGEST * (point.entry.row["params"] or 0) / most, SMALLEST) if most else 80.0 for point in points]
    for index in sorted(range(len(points)), key=lambda index: -areas[index]):
        point = points[index]
        path = marker(names[point.entry.family], *places[index], areas[index])
        chart.shapes.append(Shape(path, names[point.entry.family].colour, _tell(point, scale)))
    _name(chart, points, places, areas, front)
    draw_legend(chart, names, HEIGHT)
    return chart


def _name(
    chart: Chart,
    points: Sequence[Point],
    places: Sequence[tuple[float, float]],
    areas: Sequence[float],
    front: Sequence[tuple[float, float]],
) -> None:
    """The names that fit, those of the front first."""
    order = sorted(range(len(points)), key=lambda index: not points[index].front)
    named = [index for index in order if points[index].front or len(points) <= NAMED]
    spots = [Spot(shorten(points[i].label), *places[i], (areas[i] / 3.14) ** 0.5) for i in named]
    labels = place_labels(spots, Box(62, 16, WIDTH, HEIGHT - 62), front)
    for index, label in zip(named, labels, strict=True):
        if label is None:
            continue
        if label.far:
            chart.lines.append(Line(trace([places[index], (label.x, label.y - 4)]), "leader"))
        chart.texts.append(Text(label.x, label.y, label.text, label.anchor, "front" if points[index].front else ""))


def _tell(point: Point, scale: Scale) -> str:
    params = point.entry.row["params"]
    top1 = tell_top1(point.published, point.entry.case.size, "%")
    size = f", {format_number(params / 1e6)} M parameters" if params else ""
    return f"{point.name}: {scale.format(point.cost)} {scale.label}, top-1 {top1}{size}"


def _describe(picture: Scatter, scale: Scale) -> str:
    front = "; ".join(_tell(point, scale) for point in picture.front)
    return (
        f"{len(picture.points)} cases. The front, from the cheapest: {front}. All figures stand in the table below it."
    )
