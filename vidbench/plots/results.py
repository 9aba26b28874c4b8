"""Pictures of results for papers: one file a kind, a panel a data set, metric or machine."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from textwrap import fill
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vidbench.metrics import METRICS
from vidbench.pictures.drawn import BARS, COUNTED, CURVES, Growth, Memory, Scatter, grow, scatter, split_memory
from vidbench.pictures.entries import Entry
from vidbench.pictures.looks import COLOURS, Look, looks_of
from vidbench.plots.bars import draw_bars
from vidbench.plots.curves import draw_curves
from vidbench.plots.points import draw_points, label_points
from vidbench.query.accuracy import NEAR

WIDE, NARROW = 7.16, 3.5  # inches: a page's two columns, and one
HIGH = 2.9  # inches of a panel
LETTERS_AN_INCH = 21  # of a caption
MARKERS = {
    "circle": "o", "square": "s", "triangle": "^", "diamond": "D", "pentagon": "p", "wedge": "v", "plus": "P",
    "cross": "X", "star": "*", "left": "<", "right": ">",
}  # fmt: skip


class Panel(NamedTuple):
    """A picture's place in the figure: its title, its height in inches, who draws it, and who names what is in it."""

    title: str
    height: float
    draw: Callable[[Axes], None]
    label: Callable[[Axes], None] | None
    families: list[str]
    common: str


def draw(kind: str, entries: Sequence[Entry], dataset: str | None) -> tuple[Figure, str] | None:
    """The figure and its title; None where there is nothing to draw."""
    looks = looks_of(entry.family for entry in entries)
    panels = list(_panels(kind, entries, dataset, looks))
    if not panels:
        return None
    columns = 1 if len(panels) == 1 or kind == "memory" else 2
    lines = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    heights = [max(panel.height for panel in line) for line in lines]
    families = list(dict.fromkeys(name for panel in panels for name in panel.families))
    caption = _caption(kind, panels)
    width = WIDE if columns > 1 else NARROW + 1
    height = sum(heights) + 0.6 + 0.16 * (1 + len(families) // 4)
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)  # tells how large texts are
    (body,) = figure.subfigures(1, 1, squeeze=False)[0]
    grid = body.subplots(len(lines), columns, squeeze=False, height_ratios=heights)
    places = [axes for row in grid for axes in row]
    for axes, panel in zip(places, panels, strict=False):
        panel.draw(axes)
        axes.set_title(_fold(panel.title, width / columns * (11 if kind == "memory" else 13)), fontsize=8, loc="left")
    for axes in places[len(panels) :]:
        axes.set_axis_off()
    if families:
        handles = [_handle(name, looks[name]) for name in families]
        body.legend(handles=handles, loc="outside lower center", ncols=4, handletextpad=0.2, columnspacing=1.0)
    figure.supxlabel(_fold(caption, width * LETTERS_AN_INCH), x=0.01, ha="left", fontsize=6.5, color="0.25")
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes, panel in zip(places, panels, strict=False):
        if panel.label:
            panel.label(axes)
    return figure, "; ".join(panel.title for panel in panels)


def _fold(text: str, width: float) -> str:
    return "\n".join(fill(line, int(width)) for line in text.split("\n"))


def _handle(name: str, look: Look) -> Line2D:
    return Line2D(
        [], [], ls="", marker=MARKERS[look.shape], color=COLOURS[look.colour][0], alpha=0.8, markersize=5, label=name
    )


def _panels(kind: str, entries: Sequence[Entry], dataset: str | None, looks: dict[str, Look]) -> Iterator[Panel]:
    if kind == "growth":
        yield from (_curves(picture, looks) for picture in grow(entries))
    elif kind == "memory":
        yield from (_bars(picture) for picture in split_memory(entries))
    else:
        pictures = scatter(entries, kind.removeprefix("accuracy-"))
        wanted = [one for one in pictures if dataset is None or one.dataset.lower() == dataset.lower()]
        yield from (_points(picture, looks) for picture in wanted)


def _points(picture: Scatter, looks: dict[str, Look]) -> Panel:
    families = list(dict.fromkeys(point.entry.family for point in picture.points))
    looked = {name: (COLOURS[looks[name].colour][0], MARKERS[looks[name].shape]) for name in families}
    title = f"Top-1 on {picture.dataset}{_at(picture.place)}"
    return Panel(
        title,
        HIGH,
        lambda axes: draw_points(axes, picture, looked),
        lambda axes: label_points(axes, picture),
        families,
        picture.common,
    )


def _curves(picture: Growth, looks: dict[str, Look]) -> Panel:
    shown = replace(picture, series=picture.series[:CURVES])
    families = {series.entry.family for series in shown.series}
    looked = {name: (COLOURS[looks[name].colour][0], MARKERS[looks[name].shape]) for name in families}
    label = METRICS[picture.metric].label.capitalize()
    title = f"{label}{_at(picture.place)}{_left_out(len(shown.series), len(picture.series))}"
    height = HIGH + 0.13 * len(shown.series)
    return Panel(title, height, lambda axes: draw_curves(axes, shown, looked), None, [], picture.common)


def _bars(picture: Memory) -> Panel:
    shown = replace(picture, bars=picture.bars[:BARS])
    height = 0.9 + 0.17 * len(shown.bars)
    title = f"Memory of a call{_at(picture.place)}{_left_out(len(shown.bars), len(picture.bars))}"
    return Panel(title, height, lambda axes: draw_bars(axes, shown), None, [], picture.common)


def _left_out(shown: int, whole: int) -> str:
    return f" (the first {shown} of {whole:,})" if shown < whole else ""


def _at(place: str) -> str:
    return ", counted" if place == COUNTED else f" on {place}"


def _caption(kind: str, panels: Sequence[Panel]) -> str:
    common = dict.fromkeys(panel.common for panel in panels if panel.common)
    accuracy = (
        f"Top-1 as published for these frames and classes, at this size or (*) at the nearest within {NEAR:.0%}; "
        "cost of one view. Area: parameters. Dashed: Pareto front."
    )
    said = {
        "growth": "Both axes are logarithmic.",
        "memory": "At the peak of a call; the line across is the measured peak.",
    }.get(kind, accuracy)
    return " ".join([said, *(f"All at {one}." for one in common if len(common) == 1)])
