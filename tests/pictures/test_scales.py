"""Axes hold all their figures, and their ticks are round."""

import pytest

from vidbench.pictures.scales import make_axis


@pytest.mark.parametrize(
    "values", [[5.0], [0.0], [1.0, 2.0], [0.6, 153.0], [71.0, 77.0], [1e-9, 1e12], [900.0, 1000.0], [-3.0, 4.0]]
)
@pytest.mark.parametrize("ends", [(0.0, 100.0), (100.0, 0.0)])
def test_all_is_inside(values, ends):
    """Each value lies between the ends, in order, and at least two ticks do."""
    axis = make_axis(values, *ends)
    places = [axis.place(value) for value in values]
    assert all(0 < place < 100 for place in places)
    assert sorted(places, reverse=ends[0] > ends[1]) == places
    assert len(axis.ticks) >= 2
    assert all(-1e-9 <= axis.place(tick) <= 100 + 1e-9 for tick in axis.ticks)


def test_logarithm_where_far_apart():
    """A wide range is logarithmic: factors are distances."""
    axis = make_axis([1.0, 100.0], 0, 100)
    assert axis.log
    assert axis.place(10.0) == pytest.approx(50)
    assert not make_axis([50.0, 100.0], 0, 100).log


def test_zero():
    """Bars begin at 0."""
    axis = make_axis([50.0, 100.0], 10, 90, zero=True)
    assert axis.place(0.0) == 10
    assert axis.ticks[0] == 0
