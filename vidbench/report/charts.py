"""Pictures as lists of what is to be drawn, in pixels, which the page's template writes as SVG."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar

from vidbench.pictures.looks import Look
from vidbench.pictures.scales import Axis
from vidbench.report.labels import measure

WIDTH = 760
LEFT, ROW = 60.0, 19  # of a legend: where its rows begin, and their height


@dataclass(frozen=True, slots=True)
class Text:
    """Words at a point; `anchor` is start, middle or end."""

    x: float
    y: float
    words: str
    anchor: str = "start"
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A path; `kind` names how it looks."""

    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Shape:
    """A filled path with a colour by number; `told` is what a pointer over it is told."""

    path: str
    colour: int
    told: str
    kind: str = "marker"


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture; `title` and `description` are its text for those who do not see it."""

    key: str
    title: str
    description: str
    height: int
    lines: list[Line] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    width: ClassVar[int] = WIDTH


def marker(look: Look, x: float, y: float, area: float) -> str:
    """The path of a marker of that area in square pixels."""
    if look.shape == "circle":
        r = math.sqrt(area / math.pi)
        return f"M{x - r:.1f} {y:.1f}a{r:.1f} {r:.1f} 0 1 0 {2 * r:.1f} 0a{r:.1f} {r:.1f} 0 1 0 {-2 * r:.1f} 0z"
    corners = _corners(look.shape)
    size = math.sqrt(area / _area(corners))
    return _closed([(x + size * i, y + size * j) for i, j in corners])


# Of regular shapes: how many corners, and at which angle the first is; of stars every second corner is nearer.
_REGULAR = {
    "square": (4, 45),
    "diamond": (4, 0),
    "triangle": (3, -90),
    "wedge": (3, 90),
    "left": (3, 180),
    "right": (3, 0),
}
_REGULAR |= {"pentagon": (5, -90), "star": (10, -90)}
_PLUS = ((1, 3), (1, 1), (3, 1), (3, -1), (1, -1), (1, -3), (-1, -3), (-1, -1), (-3, -1), (-3, 1), (-1, 1), (-1, 3))


@cache
def _corners(shape: str) -> list[tuple[float, float]]:
    """The corners of a shape around 0, 0, at any size."""
    if shape in ("plus", "cross"):
        turn = math.radians(45 if shape == "cross" else 0)
        return [(i * math.cos(turn) - j * math.sin(turn), i * math.sin(turn) + j * math.cos(turn)) for i, j in _PLUS]
    sides, first = _REGULAR[shape]
    angles = [math.radians(first + 360 * side / sides) for side in range(sides)]
    far = [0.45 if shape == "star" and side % 2 else 1.0 for side in range(sides)]
    return [(reach * math.cos(angle), reach * math.sin(angle)) for reach, angle in zip(far, angles, strict=True)]


def _area(corners: Sequence[tuple[float, float]]) -> float:
    turns = zip(corners, [*corners[1:], corners[0]], strict=True)
    return abs(sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in turns)) / 2


def _closed(points: Sequence[tuple[float, float]]) -> str:
    return trace(points) + "z"


def trace(points: Sequence[tuple[float, float]]) -> str:
    """A path from point to point."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def box(left: float, top: float, width: float, height: float) -> str:
    """The path of a rectangle."""
    return f"M{left:.1f} {top:.1f}h{width:.1f}v{height:.1f}h{-width:.1f}z"


def draw_axes(
    chart: Chart, x: Axis, y: Axis, labels: tuple[str, str], ticks: Mapping[float, str] | None = None
) -> None:
    """Grid, ticks and labels of both axes; `ticks` are those of x where they are not the axis's own."""
    for value, words in (ticks or {tick: round_figure(tick) for tick in x.ticks}).items():
        at = x.place(value)
        chart.lines.append(Line(f"M{at:.1f} {y.start:.1f}V{y.end:.1f}", "grid"))
        chart.texts.append(Text(at, y.start + 17, words, "middle", "tick"))
    for value in y.ticks:
        at = y.place(value)
        chart.lines.append(Line(f"M{x.start:.1f} {at:.1f}H{x.end:.1f}", "grid"))
        chart.texts.append(Text(x.start - 7, at + 4, round_figure(value), "end", "tick"))
    chart.lines.append(Line(f"M{x.start:.1f} {y.end:.1f}V{y.start:.1f}H{x.end:.1f}", "axis"))
    chart.texts.append(Text((x.start + x.end) / 2, y.start + 38, labels[0], "middle", "axis"))
    chart.texts.append(Text(4, y.end - 12, labels[1], "start", "axis"))


def round_figure(value: float) -> str:
    """A tick's figure, which is round already."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def draw_legend(chart: Chart, looks: Mapping[str, Look], top: float) -> None:
    """A marker and a name each, in rows."""
    for look, (name, x, row) in zip(looks.values(), _place_names(looks), strict=True):
        y = top + ROW * row
        chart.shapes.append(Shape(marker(look, x + 6, y - 4, 80), look.colour, name))
        chart.texts.append(Text(x + 16, y, shorten(name)))


def legend_height(names: Iterable[str]) -> int:
    """What draw_legend will take."""
    return ROW * (1 + max((row for _, _, row in _place_names(names)), default=0))


def _place_names(names: Iterable[str]) -> Iterator[tuple[str, float, int]]:
    """Where each is in a legend: its left end, and its row from 0."""
    x, row = LEFT, 0
    for name in names:
        width = 26 + measure(shorten(name))
        if x + width > WIDTH and x > LEFT:
            x, row = LEFT, row + 1
        yield name, x, row
        x += width


def shorten(name: str, most: int = 40) -> str:
    """A name cut in its middle where it is longer than that."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[-(most // 2 - 1) :]}"
