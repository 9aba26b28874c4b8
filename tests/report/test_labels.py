"""Names in pictures cover no other name and stay inside."""

import random

from vidbench.report.labels import Box, Spot, measure, place_labels, spread

INSIDE = Box(0, 0, 700, 400)


def test_alone():
    """A name stands beside its marker."""
    (label,) = place_labels([Spot("x3d-m", 100, 100, 5)], INSIDE)
    assert (label.text, label.anchor, label.x) == ("x3d-m", "start", 110)
    assert not label.far


def test_at_the_edge():
    """Near the right edge it goes to the left."""
    (label,) = place_labels([Spot("slowfast-8x8-r50", 690, 100, 5)], INSIDE)
    assert label.anchor == "end"


def test_off_the_line():
    """It leaves a line that goes by."""
    (label,) = place_labels([Spot("x3d-m", 100, 100, 5)], INSIDE, line=[(0, 100), (400, 100)])
    assert abs(label.y - 104) > 8


def test_none_covers_another():
    """Of points on a heap some have no name; no two names touch, and the first has one."""
    source = random.Random(0)  # noqa: S311
    spots = [Spot("a-long-name", source.uniform(100, 200), source.uniform(100, 200), 6) for _ in range(60)]
    labels = place_labels(spots, INSIDE)
    assert labels[0] is not None
    boxes = []
    for label in filter(None, labels):
        width = measure(label.text)
        left = label.x - {"start": 0, "middle": width / 2, "end": width}[label.anchor]
        boxes.append(Box(left, label.y - 10.5, left + width, label.y + 2.5))
    assert 1 < len(boxes) < 60
    assert not any(one.covers(other) > 1e-6 for index, one in enumerate(boxes) for other in boxes[:index])


def test_wide_letters():
    """Capitals and other scripts take more room than the letters of most names."""
    assert measure("illi") < measure("x3dm") < measure("WIDE") < measure("模型模型")


def test_spread():
    """Names at one height are moved apart in their order, and back from the edge."""
    assert spread([50, 50, 10], 15, 0, 100) == [50, 65, 10]
    moved = spread([98, 99, 100], 15, 0, 100)
    assert moved == [70, 85, 100]
