"""Accuracy against a cost, by matplotlib: a marker a case, its area the parameters, the front as a dashed line."""

from collections.abc import Mapping
from math import pi, sqrt

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator
from matplotlib.transforms import Bbox

from vidbench.pictures.drawn import Point, Scatter
from vidbench.pictures.scales import Axis, make_axis
from vidbench.plots.labels import Label, place_labels

LARGEST, SMALLEST = 260.0, 8.0  # square points of a marker
NAMED = 40  # points that are all named; of more only the front is
LABELS = {"macs": "GMACs of one clip", "throughput": "throughput, clips/s"}
FACTORS = {"macs": 1e9, "throughput": 1.0}


def draw_points(axes: Axes, picture: Scatter, looks: Mapping[str, tuple[str, str]]) -> None:
    """The markers and the front, without names, which `label_points` adds once the layout is settled."""
    factor = FACTORS[picture.metric]
    set_scale(axes, "x", make_axis([point.cost / factor for point in picture.points], 0, 1, room=0.08))
    set_scale(axes, "y", make_axis([point.top1 for point in picture.points], 0, 1, log=False, room=0.12))
    areas = _areas(picture)
    for point, area in sorted(zip(picture.points, areas, strict=True), key=lambda pair: -pair[1]):
        colour, marker = looks[point.entry.family]
        axes.scatter(
            point.cost / factor, point.top1, s=area, marker=marker, facecolor=(colour, 0.55), edgecolor=colour, zorder=3
        )
    if len(picture.front) > 1:
        places = [(point.cost / factor, point.top1) for point in picture.front]
        axes.plot(*zip(*places, strict=True), color="0.2", linewidth=0.8, linestyle="--", zorder=2)
    axes.set_xlabel(LABELS[picture.metric])
    axes.set_ylabel("top-1, %")


def label_points(axes: Axes, picture: Scatter) -> None:
    """Names beside their markers, those of the front first."""
    factor = FACTORS[picture.metric]
    radii = dict(zip(map(id, picture.points), (sqrt(area / pi) for area in _areas(picture)), strict=True))
    named = [point for point in picture.points if point.front or len(picture.points) <= NAMED]
    named.sort(key=lambda point: not point.front)
    labels = [Label(point.label, point.cost / factor, point.top1, radii[id(point)]) for point in named]
    markers = [_box(axes, point, factor, radii[id(point)]) for point in picture.points]
    place_labels(axes, labels, markers, [], axes.get_lines())


def _areas(picture: Scatter) -> list[float]:
    params = [point.entry.row["params"] or 0 for point in picture.points]
    most = max(params)
    return [max(LARGEST * one / most, SMALLEST) if most else 30.0 for one in params]


def _box(axes: Axes, point: Point, factor: float, radius: float) -> Bbox:
    """The marker's place in pixels."""
    x, y = axes.transData.transform((point.cost / factor, point.top1))
    reach = radius * axes.figure.get_dpi() / 72
    return Bbox.from_extents(x - reach, y - reach, x + reach, y + reach)


def set_scale(axes: Axes, which: str, scale: Axis) -> None:
    """Limits, ticks and grid as the page has them."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log" if scale.log else "linear")
    (axes.set_xlim if which == "x" else axes.set_ylim)(scale.low, scale.high)
    axis.set_ticks(list(scale.ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.grid(visible=True, color="0.92", linewidth=0.5)
    axes.set_axisbelow(True)
