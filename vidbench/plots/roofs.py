"""What a device allows, as lines in a roofline: so many MACs a second, and so many bytes."""

from collections.abc import Sequence
from dataclasses import replace
from math import atan2, cos, degrees, radians, sin
from textwrap import shorten
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox
from numpy import array

from vidbench.devices import Peaks
from vidbench.explain.explanation import Explanation
from vidbench.plots.labels import covered
from vidbench.units import Scale, format_number

COLOUR = "0.35"
PADDED = 1.15
LIFTS = (2, 15)  # points over the line


class Roof(NamedTuple):
    """A device's peaks, and what tells them from the other roofs of a picture."""

    peaks: Peaks
    notes: tuple[str, ...] = ()

    @property
    def ridge(self) -> float:
        """MACs per byte from which on arithmetic, not memory, is the limit."""
        return self.peaks.macs_per_second / self.peaks.bytes_per_second


def roofs(explanations: Sequence[Explanation]) -> list[Roof]:
    """One a device and precision: the higher one, where peaks were measured anew for each explanation."""
    found: dict[tuple[str, ...], Peaks] = {}
    for explanation in explanations:
        peaks, case = explanation.peaks, explanation.case
        if peaks is not None:
            key = (case.dtype, explanation.device, *(["datasheet"] if peaks.estimate else []))
            known = found.get(key, peaks)
            found[key] = replace(
                known,
                macs_per_second=max(known.macs_per_second, peaks.macs_per_second),
                bytes_per_second=max(known.bytes_per_second, peaks.bytes_per_second),
            )
    common = set.intersection(*map(set, found)) - {"datasheet"} if found else set()
    return [
        Roof(peaks, tuple(shorten(note, 24, placeholder="…") for note in key if note not in common))
        for key, peaks in found.items()
    ]


def draw_roof(axes: Axes, roof: Roof) -> None:
    """The roof over all of the axes' width; dashed where it is printed and not measured."""
    peaks = roof.peaks
    left, right = axes.get_xlim()
    rates = [left * peaks.bytes_per_second, peaks.macs_per_second, peaks.macs_per_second]
    axes.plot([left, roof.ridge, right], rates, "--" if peaks.estimate else "-", color=COLOUR, linewidth=1.0, zorder=1)


def label_roof(axes: Axes, roof: Roof, scale: Scale, taken: Sequence[Bbox]) -> list[Bbox]:
    """Write the peak over the flat part and the bandwidth along the slope; the layout has to be settled.

    Args:
        axes: with that roof.
        roof: the device's.
        scale: which the peak is written in.
        taken: in pixels, places to keep free.

    Returns:
        Where they stand, in pixels.
    """
    peak, bandwidth = roof.peaks.macs_per_second, roof.peaks.bytes_per_second
    notes = f" ({', '.join(roof.notes)})" if roof.notes else ""
    right = axes.get_xlim()[1]
    spots = [(right, "right"), (roof.ridge, "left"), *((x, "center") for x in _between(roof.ridge, right))]
    text = f"{scale.format(peak)} {scale.label}{notes}"
    level = [_write(axes, text, (x, peak), side, lift=lift) for lift in LIFTS for x, side in spots]
    low = max(axes.get_xlim()[0], axes.get_ylim()[0] / bandwidth)
    start, end = axes.transData.transform([(low, low * bandwidth), (roof.ridge, peak)])
    angle = degrees(atan2(end[1] - start[1], end[0] - start[0]))
    text = f"{format_number(bandwidth / 1e9)} GB/s{notes}"
    slope = [_write(axes, text, (x, x * bandwidth), "center", angle=angle) for x in _between(low, roof.ridge)]
    written = _keep_best(axes, level, taken)
    return written + _keep_best(axes, slope, [*taken, *written])


def _between(low: float, high: float) -> list[float]:
    """Places on a logarithmic scale, from the middle outwards."""
    return [low * (high / low) ** (step / 20) for step in (10, 8, 12, 6, 14, 4, 16)]


def _write(
    axes: Axes, text: str, spot: tuple[float, float], side: str, *, angle: float = 0, lift: float = LIFTS[0]
) -> Annotation:
    above = (-lift * sin(radians(angle)), lift * cos(radians(angle)))
    return axes.annotate(
        text, spot, above, textcoords="offset points", fontsize=6.5, color=COLOUR, ha=side, va="bottom",
        rotation=angle, rotation_mode="anchor",
    )  # fmt: skip


def _keep_best(axes: Axes, texts: Sequence[Annotation], taken: Sequence[Bbox]) -> list[Bbox]:
    """Remove all but the one that is least in the way, the first of those as good; its boxes."""
    inside = axes.get_window_extent()

    def cost(text: Annotation) -> float:
        cut = sum(1 - covered(box, inside) / (box.width * box.height) for box in boxes[text])
        return 10 * cut + sum(covered(box, other) > 0 for box in boxes[text] for other in taken)

    boxes = {text: _boxes(text) for text in texts}
    best = min(texts, key=cost)
    for text in texts:
        if text is not best:
            text.remove()
    return boxes[best]


def _boxes(text: Annotation) -> list[Bbox]:
    """Squares along a text, which hold it closer than one box does where it is written at an angle."""
    around, angle = text.get_window_extent(), radians(text.get_rotation())
    text.set_rotation(0)
    level = text.get_window_extent()
    text.set_rotation(degrees(angle))
    side, middle = PADDED * level.height, (around.p0 + around.p1) / 2
    steps = max(round(level.width / side), 1)
    centres = [
        middle + (step / steps - 0.5) * level.width * array((cos(angle), sin(angle))) for step in range(steps + 1)
    ]
    return [Bbox.from_bounds(x - side / 2, y - side / 2, side, side) for x, y in centres]
