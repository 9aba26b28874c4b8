"""Names beside points, put where they cover least; how wide they are is estimated, for each reader has other fonts."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

WIDTHS = {"iljtfrI1.,:;'|!()[] ": 4.9, "mwMW@%—…": 12.2}  # pixels of letters at the size of labels, 12, of wide fonts
SMALL, CAPITAL, WIDE = 7.8, 9.4, 12.2  # of other letters, of capitals, and of those beyond Latin
HEIGHT = 13.0
DISTANCES = (5.0, 14.0, 26.0, 40.0)  # from a marker's edge


def measure(text: str) -> float:
    """About how wide the text is, rather too wide than too narrow."""
    return sum(map(_measure_letter, text))


def _measure_letter(letter: str) -> float:
    known = next((width for letters, width in WIDTHS.items() if letter in letters), None)
    if known is not None:
        return known
    return WIDE if letter > "\u0500" else CAPITAL if letter.isupper() else SMALL


class Box(NamedTuple):
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def covers(self, other: "Box") -> float:
        """The area that the two share."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return width * height if width > 0 and height > 0 else 0.0


class Spot(NamedTuple):
    """A point to be named, with its marker's radius."""

    text: str
    x: float
    y: float
    radius: float


class Label(NamedTuple):
    """Where a name stands: its baseline's point, `anchor` start, middle or end, and whether a line leads to it."""

    text: str
    x: float
    y: float
    anchor: str
    far: bool


def place_labels(spots: Sequence[Spot], inside: Box, line: Sequence[tuple[float, float]] = ()) -> list[Label | None]:
    """A label a spot, those that come first chosen first; None where none fits without covering another name.

    `line` are the corners of one that names had better not cross.
    """
    markers = [Box(s.x - s.radius, s.y - s.radius, s.x + s.radius, s.y + s.radius) for s in spots]
    markers += _cut(line)
    taken: list[Box] = []
    found: list[Label | None] = []
    for spot in spots:
        best: tuple[float, Label, Box] | None = None
        for label, box in _candidates(spot):
            if any(box.covers(other) for other in taken) or _outside(box, inside):
                continue
            cost = sum(box.covers(marker) for marker in markers) + (30.0 if label.far else 0.0)
            if best is None or cost < best[0]:
                best = (cost, label, box)
        found.append(best[1] if best else None)
        taken += [best[2]] if best else []
    return found


def _candidates(spot: Spot) -> list[tuple[Label, Box]]:
    width, found = measure(spot.text), []
    for distance in DISTANCES:
        reach = spot.radius + distance
        for across, up in ((1, 0), (-1, 0), (0, -1), (0, 1), (0.7, -0.7), (-0.7, -0.7), (0.7, 0.7), (-0.7, 0.7)):
            x, middle = spot.x + across * reach, spot.y + up * (reach + 0.35 * HEIGHT)
            anchor = "middle" if across == 0 else "start" if across > 0 else "end"
            left = x - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
            box = Box(left, middle - HEIGHT / 2, left + width, middle + HEIGHT / 2)
            found.append((Label(spot.text, x, middle + 4.0, anchor, far=distance > DISTANCES[0]), box))
    return found


def _cut(line: Sequence[tuple[float, float]]) -> list[Box]:
    """The line as small boxes along it."""
    found = []
    for (x, y), (next_x, next_y) in pairwise(line):
        pieces = max(1, int(max(abs(next_x - x), abs(next_y - y)) / 6))
        for piece in range(pieces + 1):
            share = piece / pieces
            at, height = x + share * (next_x - x), y + share * (next_y - y)
            found.append(Box(at - 3, height - 3, at + 3, height + 3))
    return found


def _outside(box: Box, inside: Box) -> bool:
    return box.left < inside.left or box.top < inside.top or box.right > inside.right or box.bottom > inside.bottom


def spread(heights: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """The heights moved apart to at least that distance, in their order, within low to high where there is room."""
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    moved = [0.0] * len(heights)
    previous = low - least
    for index in order:
        previous = moved[index] = max(heights[index], previous + least)
    overshoot = high
    for index in reversed(order):
        if moved[index] <= overshoot:
            break
        moved[index] = overshoot
        overshoot -= least
    return moved
