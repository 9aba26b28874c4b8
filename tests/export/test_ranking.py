"""The best and the second best of figures."""

import pytest

from vidbench.export.ranking import rank_figures


@pytest.mark.parametrize(
    ("figures", "better", "marks"),
    [
        ([3, 1, 2], "lower", ["", "best", "second"]),
        ([3, 1, 2], "higher", ["best", "", "second"]),
        ([1, 1, 2, 2, 3], "lower", ["best", "best", "second", "second", ""]),
        ([1, 2], "lower", ["best", ""]),
        ([1, 1], "lower", ["", ""]),
        ([1], "lower", [""]),
        ([None, 1, None, 2], "lower", ["", "best", "", ""]),
        ([], "lower", []),
    ],
)
def test_marks(figures, better, marks):
    """Equal figures are marked alike; there is no best of one value, and no second of two."""
    assert rank_figures(figures, ["same"] * len(figures), better) == marks


def test_rivals():
    """Only those with the same rivals compete."""
    assert rank_figures([1, 2, 3, 4], ["a", "a", "b", "b"], "lower") == ["best", "", "best", ""]
