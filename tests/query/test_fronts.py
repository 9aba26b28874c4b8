"""Fronts are what their definition says."""

import random

from vidbench.query.fronts import find_front


def test_example():
    """Cheap and bad, dear and good are on it; what another beats in one and does not lose in the other is not."""
    points = [(1, 60), (2, 70), (2, 65), (3, 70), (4, 80), (5, 79)]
    assert find_front(points) == [True, True, False, False, True, False]


def test_equals_share_their_fate():
    """Points that are equal in both are both on it, or both beaten."""
    assert find_front([(2, 70), (2, 70), (3, 70), (3, 70)]) == [True, True, False, False]


def test_nothing():
    assert find_front([]) == []


def test_definition():
    """On any points it is what its definition says, pair by pair."""
    source = random.Random(0)  # noqa: S311
    for _ in range(200):
        points = [(source.randint(1, 6), source.randint(1, 6)) for _ in range(source.randint(1, 12))]
        beaten = [
            any(c <= cost and v >= value and (c, v) != (cost, value) for c, v in points) for cost, value in points
        ]
        assert find_front(points) == [not one for one in beaten]
