"""How each family looks in every picture of results: a colour that no kind of colour blindness confuses, and a shape.

Eight colours and eleven shapes take turns, so that 88 families differ in one of them at least.
"""

from collections.abc import Iterable
from typing import NamedTuple

from vidbench.catalog import families

# By Okabe and Ito, black and yellow replaced by what is seen on white and on black: (on white, on black).
COLOURS = (
    ("#0072B2", "#56A9E0"),
    ("#D55E00", "#F08A3C"),
    ("#007A5A", "#2FC49A"),
    ("#B3528A", "#E29AC4"),
    ("#8A6D00", "#E6C229"),
    ("#3B8BBF", "#9AD3F5"),
    ("#555555", "#BBBBBB"),
    ("#5B3FA0", "#B09BEA"),
)
SHAPES = ("circle", "square", "triangle", "diamond", "pentagon", "wedge", "plus", "cross", "star", "left", "right")
FIRST = ("vov3d", "x3d", "slowfast", "blvnet-tam", "tea", "tada2d", "atfr-sgs")  # differ in colour and in shape


class Look(NamedTuple):
    """An index into COLOURS, and the name of a shape."""

    colour: int
    shape: str


def looks_of(names: Iterable[str]) -> dict[str, Look]:
    """The look of each of these families in their order; one that the catalog has looks the same in every picture."""
    order = [*FIRST, *(name for name in families() if name not in FIRST)]
    found: dict[str, Look] = {}
    for name in names:
        if name not in order:
            order.append(name)
        place = order.index(name)
        found.setdefault(name, Look(place % len(COLOURS), SHAPES[place % len(SHAPES)]))
    return found
