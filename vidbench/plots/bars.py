"""Memory, by matplotlib: a bar a case, split into its parts, with a line at the measured peak."""

from matplotlib.axes import Axes

from vidbench.pictures.drawn import PARTS, Memory
from vidbench.pictures.looks import COLOURS
from vidbench.pictures.scales import make_axis
from vidbench.plots.points import set_scale
from vidbench.units import column_scale

HATCHES = ("", "////", "")  # weights, inputs and activations in black and white


def draw_bars(axes: Axes, picture: Memory) -> None:
    """The bars, the largest at the top."""
    ends = [max(bar.total, bar.measured or 0) for bar in picture.bars]
    scale = column_scale([max(ends) / 20], "bytes")
    set_scale(axes, "x", make_axis([end / scale.factor for end in ends], 0, 1, zero=True))
    places = range(len(picture.bars))
    begin = [0.0] * len(picture.bars)
    for number, part in enumerate(PARTS):
        sizes = [bar.parts[part] / scale.factor for bar in picture.bars]
        axes.barh(
            places, sizes, 0.7, begin, color=COLOURS[number][0], hatch=HATCHES[number], edgecolor="white", label=part
        )
        begin = [start + size for start, size in zip(begin, sizes, strict=True)]
    measured = [(place, bar.measured) for place, bar in zip(places, picture.bars, strict=True) if bar.measured]
    for place, peak in measured:
        axes.plot([peak / scale.factor] * 2, [place - 0.48, place + 0.48], color="black", linewidth=1.6, zorder=4)
    axes.set_yticks(places, [bar.name for bar in picture.bars], fontsize=6.5)
    axes.tick_params("y", length=0)
    axes.set_ylim(len(picture.bars) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"memory of a call, {scale.label}")
    axes.legend(loc="lower right", ncols=1, borderpad=0)
