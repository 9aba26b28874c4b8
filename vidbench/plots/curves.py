"""A cost against clip length, by matplotlib: a line a net, both axes logarithmic."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from matplotlib.axes import Axes

from vidbench.metrics import METRICS
from vidbench.pictures.drawn import Growth
from vidbench.pictures.scales import make_axis
from vidbench.plots.points import set_scale
from vidbench.units import column_scale

DASHES = ("-", "--", ":", "-.")  # that tell lines of one family apart


def draw_curves(axes: Axes, picture: Growth, looks: Mapping[str, tuple[str, str]]) -> None:
    """The lines, and their names below them."""
    metric = METRICS[picture.metric]
    figures = [value for series in picture.series for _, value in series.points]
    scale = column_scale(figures, metric.unit)
    frames = sorted({at for series in picture.series for at, _ in series.points})
    set_scale(axes, "x", replace(make_axis(frames, 0, 1, log=True), ticks=tuple(map(float, frames))))
    set_scale(axes, "y", make_axis([value / scale.factor for value in figures], 0, 1, log=True))
    families: Counter[str] = Counter()
    for series in picture.series:
        family = series.entry.family
        colour, marker = looks[family]
        at, values = zip(*series.points, strict=True)
        axes.plot(
            at, [value / scale.factor for value in values], color=colour, marker=marker, markersize=4, linewidth=1.1,
            linestyle=DASHES[families[family] % len(DASHES)], label=series.name,
        )  # fmt: skip
        families[family] += 1
    axes.set_xlabel("frames of a clip")
    axes.set_ylabel("GMACs" if metric.name == "macs" else f"{metric.label}, {scale.label}")
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.2), ncols=1, handlelength=3, borderpad=0, fontsize=6.5)
