"""Views of a video, as papers write them."""

import pytest

from vidbench.catalog import variants
from vidbench.errors import InputError
from vidbench.views import Views, count_views, parse_views


@pytest.mark.parametrize(
    ("text", "clips", "crops", "total"), [("10x3", 10, 3, 30), ("1x1", 1, 1, 1), (" 4 x 02 ", 4, 2, 8)]
)
def test_views(text: str, clips: int, crops: int, total: int):
    """Clips in time by crops in space; both multiply."""
    views = parse_views(text)
    assert (views, views.total, str(views)) == (Views(clips, crops), total, f"{clips}x{crops}")


@pytest.mark.parametrize(
    "text", ["", "30", "10x", "x3", "10x3x1", "0x3", "10x0", "-1x3", "1.5x2", "axb", "10*3", "²x3"]
)
def test_refusals(text: str):
    """Anything else is refused with the form."""
    with pytest.raises(InputError, match="--views takes clips x crops, both 1 or more, such as 10x3, not"):
        parse_views(text)


@pytest.mark.parametrize(
    ("told", "count"),
    [
        ("10x3", 30),
        ("1x1", 1),
        ("30", 30),
        (30, 30),
        ("9 views", 9),
        ("5 clips", 5),
        ("1 clip", 1),
        ("many", None),
        (None, None),
    ],
)
def test_counts(told, count):
    """Clips times crops, or a number, as sources have it."""
    assert count_views(told) == count


def test_every_published_count_is_understood():
    """There is no form of views in the catalog that is not read."""
    for variant in variants().values():
        for row in variant.published:
            assert (count_views(row.views) is None) == (row.views is None)
