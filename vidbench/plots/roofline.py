"""The roofline: how fast each kind of contraction runs, over how much it computes for each byte that it moves."""

from collections.abc import Sequence
from math import pi, sqrt
from textwrap import fill
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator
from matplotlib.transforms import Bbox

from vidbench.explain.explanation import Explanation, Kind
from vidbench.explain.findings import name_kind
from vidbench.plots.colours import look_of
from vidbench.plots.labels import NAME_LETTERS, Label, place_labels
from vidbench.plots.roofs import draw_roof, label_roof, roofs
from vidbench.units import Scale

SHOWN = 0.005  # share of the time; the classifier's would make a dot a decade away from all others
LABELLED = 0.03  # share of the time from which a point is named
WHOLE = 1100  # a marker's area in square points for all of the time
LEAST = 9
MARKERS = "osD^vP"
RATES = (Scale(1e12, "TMACs/s"), Scale(1e9, "GMACs/s"), Scale(1e6, "MMACs/s"))


class Point(NamedTuple):
    """A kind of contraction with one filter: which explanation's, MACs a byte, MACs a second, and its share of time."""

    owner: int
    kind: Kind
    intensity: float
    rate: float
    share: float

    @property
    def area(self) -> float:
        """Of its marker, in square points."""
        return LEAST + WHOLE * self.share

    @property
    def label(self) -> str:
        """Such as `depthwise 3x3x3`."""
        return name_kind(self.kind).replace(" convolution ", " ")


def points(explanations: Sequence[Explanation]) -> list[Point]:
    """All that can stand in a roofline and takes a share of the time from SHOWN on, the most time first."""
    found = [
        Point(owner, kind, intensity, rate, explanation.share_of_time(kind.work) or 0.0)
        for owner, explanation in enumerate(explanations)
        for kind in explanation.kernels
        if (intensity := kind.work.intensity) and (rate := kind.work.macs_per_second)
    ]
    return sorted((point for point in found if point.share >= SHOWN), key=lambda point: -point.share)


def draw_roofline(axes: Axes, explanations: Sequence[Explanation], names: Sequence[str]) -> None:
    """Points and roofs, without labels, which `label_roofline` adds once the layout is settled."""
    shown, limits = points(explanations), roofs(explanations)
    axes.set(xscale="log", yscale="log")
    axes.set_xlim(*_span([*(point.intensity for point in shown), *(roof.ridge for roof in limits)], margin=3.5))
    peaks = [roof.peaks.macs_per_second for roof in limits]
    axes.set_ylim(*_span([*(point.rate for point in shown), *peaks], margin=2.2))
    for roof in limits:
        draw_roof(axes, roof)
    for point in shown:
        colour = look_of(point.kind.name).colour
        filled: dict[str, Any] = {"facecolor": (colour, 0.9), "edgecolor": "white", "linewidth": 0.4}
        hollow: dict[str, Any] = {"facecolor": (colour, 0.15), "edgecolor": colour, "linewidth": 1.2}
        axes.scatter(
            point.intensity, point.rate, s=point.area, marker=_marker(point.owner), zorder=3 - point.share,
            **(hollow if _is_hollow(point.owner) else filled),
        )  # fmt: skip
    _draw_scales(axes)
    if len(explanations) > 1:
        handles = [_handle(owner, fill(name, NAME_LETTERS)) for owner, name in enumerate(names)]
        columns = 2 if sum(map(len, names)) <= NAME_LETTERS else 1
        axes.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(-0.03, 1), ncols=columns, handletextpad=0.2, borderpad=0
        )


def _span(values: Sequence[float], *, margin: float) -> tuple[float, float]:
    return min(values) / margin, max(values) * margin


def _handle(owner: int, name: str) -> Line2D:
    face = "0.9" if _is_hollow(owner) else "0.3"
    return Line2D([], [], ls="", marker=_marker(owner), color="0.3", markerfacecolor=face, markersize=6, label=name)


def _marker(owner: int) -> str:
    return MARKERS[owner % len(MARKERS)]


def _is_hollow(owner: int) -> bool:
    return owner % 2 == 1


def _rate_scale(axes: Axes) -> Scale:
    """The unit that suits the rates in these axes."""
    return next((scale for scale in RATES if axes.get_ylim()[1] >= 10 * scale.factor), RATES[-1])


def _draw_scales(axes: Axes) -> None:
    rates = _rate_scale(axes)
    for axis, factor in ((axes.xaxis, 1.0), (axes.yaxis, rates.factor)):
        low, high = axis.get_view_interval()
        axis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 300 else (1.0, 2.0, 5.0), numticks=20))
        axis.set_major_formatter(FuncFormatter(lambda value, _, factor=factor: f"{value / factor:,.6g}"))
        axis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    axes.set_xlabel("MACs per byte")
    axes.set_ylabel(rates.label)
    axes.grid(visible=True, color="0.92", linewidth=0.5)
    axes.set_axisbelow(True)


def label_roofline(axes: Axes, explanations: Sequence[Explanation]) -> None:
    """Name the roofs, and the points that take a good share of the time; the layout has to be settled."""
    shown = points(explanations)
    radii = [sqrt(point.area / pi) for point in shown]
    markers = [_box(axes, point, radius) for point, radius in zip(shown, radii, strict=True)]
    words: list[Bbox] = []
    for roof in roofs(explanations):
        words += label_roof(axes, roof, _rate_scale(axes), [*markers, *words])
    labels = [
        Label(point.label, point.intensity, point.rate, radius)
        for point, radius in zip(shown, radii, strict=True)
        if point.share >= LABELLED
    ]
    place_labels(axes, labels, markers, words, axes.get_lines())


def _box(axes: Axes, point: Point, radius: float) -> Bbox:
    """The marker's place in pixels."""
    x, y = axes.transData.transform((point.intensity, point.rate))
    reach = radius * axes.figure.get_dpi() / 72
    return Bbox.from_extents(x - reach, y - reach, x + reach, y + reach)
