"""The published accuracy that stands beside a cost, and the views that it is of."""

import pytest
from examples import case

from vidbench.catalog import variants
from vidbench.export.published import count_views, find_published


def test_at_the_setting():
    """It is of that many frames and classes and of that size, or of the nearest within 15%."""
    found = find_published("x3d-m", 16, 224, 400)
    assert (found.top1, found.size, found.dataset) == (76.2, 224, "K400")
    assert find_published("x3d-m", 16, 256, 400).size == 256
    assert find_published("tada2d-r50", 8, 224, 400).size == 256
    assert find_published("x3d-m", 16, 256, 174).dataset == "SSv1"


@pytest.mark.parametrize(
    ("model", "frames", "size", "classes"),
    [("x3d-m", 32, 224, 400), ("x3d-m", 16, 112, 400), ("x3d-m", 16, 224, 10), ("nets:mine", 16, 224, 400)],
)
def test_nowhere_else(model, frames, size, classes):
    """With other frames, sizes or classes a net has another accuracy; of one's own net nothing is published."""
    assert find_published(model, frames, size, classes) is None


@pytest.mark.parametrize(
    ("views", "count"), [("10x3", 30), ("1x1", 1), ("30", 30), ("9 views", 9), ("many", None), (None, 30)]
)
def test_views(views, count):
    """Clips times crops; the case's own come before the published ones."""
    assert count_views(case(views=views), find_published("x3d-m", 16, 224, 400)) == count


def test_every_published_count_is_understood():
    """There is no form of views in the catalog that is not read."""
    for variant in variants().values():
        for row in variant.published:
            assert (count_views(case(), row) is None) == (row.views is None)
