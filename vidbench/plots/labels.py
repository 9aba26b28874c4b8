"""Labels of points, put where they cover neither one another nor anything else."""

from collections.abc import Iterator, Sequence
from math import cos, radians, sin
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.transforms import Bbox

NAME_LETTERS = 44  # of a net's name that stand side by side, in half a page
SIZE = 7  # of letters, in points
ANGLES = (0, 180, 270, 90, 45, 315, 135, 225, 20, 340, 160, 200)
DISTANCES = (2, 8, 15, 24, 34, 46, 60)  # points from a marker's edge
ROUNDS = 3  # each label is placed anew when the others have been
FAR = 6  # from here on a line leads to the marker


class Label(NamedTuple):
    """What is said of the point at x, y, whose marker has that radius in points."""

    text: str
    x: float
    y: float
    radius: float


class Spot(NamedTuple):
    """Where a label may stand, in points from its marker's middle, `distance` from its edge."""

    x: float
    y: float
    distance: float

    @property
    def anchor(self) -> tuple[float, float]:
        """Which point of the text stands there, as shares of its width and height: on the side of the marker."""
        across = 0.5 if abs(self.x) < 0.3 * abs(self.y) else 0.0 if self.x > 0 else 1.0
        up = 0.5 if abs(self.y) < 0.5 * abs(self.x) else 0.0 if self.y > 0 else 1.0
        return across, up


class Place(NamedTuple):
    """A spot of a label in pixels: the text's box, and what leads from it to the marker's middle."""

    spot: Spot
    box: Bbox
    leader: Path | None


def covered(box: Bbox, other: Bbox) -> float:
    """The area of `other` that the box covers, in pixels."""
    left, bottom, right, top = map(float, box.extents)
    other_left, other_bottom, other_right, other_top = map(float, other.extents)
    width, height = min(right, other_right) - max(left, other_left), min(top, other_top) - max(bottom, other_bottom)
    return width * height if width > 0 and height > 0 else 0.0


def place_labels(
    axes: Axes, labels: Sequence[Label], markers: Sequence[Bbox], words: Sequence[Bbox], lines: Sequence[Line2D]
) -> list[Bbox]:
    """Write each label where it fits best, near its point; the layout has to be settled.

    Args:
        axes: whose points they are.
        labels: those that matter most first.
        markers: of all points, in pixels.
        words: what is written there already, in pixels.
        lines: not to be written across.

    Returns:
        The labels' boxes in pixels.
    """
    inside = axes.get_window_extent()
    paths = [line.get_path().transformed(line.get_transform()) for line in lines]
    places = [list(_places(axes, label)) for label in labels]
    chosen: list[Place | None] = [None] * len(labels)
    for _ in range(ROUNDS):
        for index, candidates in enumerate(places):
            others = [place for number, place in enumerate(chosen) if place is not None and number != index]
            around = _Around(inside, markers, [*words, *(place.box for place in others)], paths, others)
            chosen[index] = min(candidates, key=around.cost)
    settled = [place for place in chosen if place is not None]
    for label, place in zip(labels, settled, strict=True):
        _write(axes, label, place.spot)
    return [place.box for place in settled]


def _places(axes: Axes, label: Label) -> Iterator[Place]:
    """Around the point, the nearest first."""
    width, height = _size(axes, label.text)
    pixels = axes.figure.get_dpi() / 72
    x, y = axes.transData.transform((label.x, label.y))
    for distance in DISTANCES:
        reach = label.radius + distance
        for angle in ANGLES:
            spot = Spot(reach * cos(radians(angle)), reach * sin(radians(angle)), distance)
            start = (x + spot.x * pixels, y + spot.y * pixels)
            across, up = spot.anchor
            box = Bbox.from_bounds(start[0] - across * width, start[1] - up * height, width, height)
            edge = label.radius / reach
            end = (x + edge * spot.x * pixels, y + edge * spot.y * pixels)
            yield Place(spot, box, Path([start, end]) if distance >= FAR else None)


def _size(axes: Axes, text: str) -> tuple[float, float]:
    drawn = axes.text(0, 0, text, fontsize=SIZE)
    extent = drawn.get_window_extent()
    drawn.remove()
    return extent.width, extent.height


class _Around(NamedTuple):
    """What a label may be in the way of, in pixels."""

    inside: Bbox
    markers: Sequence[Bbox]
    words: Sequence[Bbox]
    lines: Sequence[Path]
    others: Sequence[Place]

    def cost(self, place: Place) -> float:
        """How badly the label would stand there: words that cannot be read are worst, then hidden markers."""
        box, leader = place.box, place.leader
        area = box.width * box.height
        hidden = [share for marker in self.markers if (share := covered(box, marker) / area) > 0]
        cost = place.spot.distance / 300 + 10 * (1 - covered(box, self.inside) / area) + sum(hidden) + len(hidden)
        cost += 3 * sum(covered(box, word) > 0 for word in self.words)
        cost += sum(line.intersects_bbox(box, filled=False) for line in self.lines)
        leaders = [other.leader for other in self.others if other.leader is not None]
        cost += sum(other.intersects_bbox(box, filled=False) for other in leaders)
        if leader is not None:
            cost += 2 * sum(leader.intersects_bbox(word, filled=False) for word in self.words)
            cost += 0.4 * sum(leader.intersects_bbox(marker, filled=False) for marker in self.markers)
            cost += 0.4 * sum(leader.intersects_path(line, filled=False) for line in self.lines)
            cost += sum(leader.intersects_path(other, filled=False) for other in leaders)
        return float(cost)


def _write(axes: Axes, label: Label, spot: Spot) -> None:
    leader = {
        "arrowstyle": "-", "linewidth": 0.5, "color": "0.4", "shrinkA": 0.5, "shrinkB": label.radius,
        "relpos": spot.anchor,
    }  # fmt: skip
    across, up = spot.anchor
    axes.annotate(
        label.text, (label.x, label.y), (spot.x, spot.y), textcoords="offset points", fontsize=SIZE,
        ha={0.0: "left", 0.5: "center", 1.0: "right"}[across], va={0.0: "bottom", 0.5: "center", 1.0: "top"}[up],
        arrowprops=leader if spot.distance >= FAR else None,
    )  # fmt: skip
