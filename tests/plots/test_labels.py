"""Labels find places where they cover nothing, as long as there is one."""

from itertools import combinations

import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from vidbench.plots.labels import Label, covered, place_labels


@pytest.fixture
def axes() -> Axes:
    figure = Figure(figsize=(4, 3))
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    figure.draw_without_rendering()
    return axes


def test_alone(axes: Axes):
    """One label stands right beside its marker, without a line to it."""
    (box,) = place_labels(axes, [Label("dense 3x3x3", 0.3, 0.5, 5)], [], [], [])
    x, y = axes.transData.transform((0.3, 0.5))
    assert box.y0 < y < box.y1
    assert 0 < box.x0 - x < 20
    assert axes.texts[0].arrow_patch is None


def test_edge(axes: Axes):
    """At the right edge it goes to the left."""
    (box,) = place_labels(axes, [Label("dense 3x3x3", 0.98, 0.5, 5)], [], [], [])
    assert box.x1 < axes.transData.transform((0.98, 0.5))[0]


def test_crowd(axes: Axes):
    """Labels of points that nearly coincide stand apart, off the markers and what is written already, in the axes."""
    places = [(0.5 + 0.02 * index, 0.5 - 0.015 * index) for index in range(5)]
    markers = []
    for x, y in places:
        left, bottom = axes.transData.transform((x, y)) - 6
        markers.append(Bbox.from_bounds(left, bottom, 12, 12))
    words = [Bbox.from_extents(*axes.transData.transform([(0.6, 0.45), (0.9, 0.55)]).flatten())]
    labels = [Label(f"dense {index}x3x3", x, y, 4) for index, (x, y) in enumerate(places)]
    boxes = place_labels(axes, labels, markers, words, [])
    assert all(covered(one, other) == 0 for one, other in combinations([*boxes, *words], 2))
    assert all(covered(box, marker) == 0 for box in boxes for marker in markers)
    inside = axes.get_window_extent()
    assert all(covered(box, inside) == pytest.approx(box.width * box.height) for box in boxes)
    assert [text.get_text() for text in axes.texts] == [label.text for label in labels]


def test_line(axes: Axes):
    """A label is not written across a line."""
    (line,) = axes.plot([0, 1], [0.52, 0.52])
    (box,) = place_labels(axes, [Label("dense 3x3x3", 0.5, 0.5, 2)], [], [], [line])
    assert not box.y0 < axes.transData.transform((0.5, 0.52))[1] < box.y1
