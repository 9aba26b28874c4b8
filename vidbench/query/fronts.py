"""Pareto fronts: of points with a cost and a value, those that no other beats."""

from collections.abc import Sequence


def find_front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Of (cost, value) points which no other beats: none costs less or as much and is worth more, or costs less for it.

    Points that are equal in both stand or fall together. A cost of which more is better goes in negated.
    """
    found = [False] * len(points)
    best: float | None = None
    ordered = sorted(range(len(points)), key=lambda index: (points[index][0], -points[index][1]))
    kept: tuple[float, float] | None = None
    for index in ordered:
        if best is None or points[index][1] > best or points[index] == kept:
            found[index] = True
            best, kept = points[index][1], points[index]
    return found
