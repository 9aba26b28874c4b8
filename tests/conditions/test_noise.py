"""The spread between runs, of given medians."""

import pytest
from examples import case

from vidbench.conditions.noise import summarise_runs


def test_spread():
    """Quartiles, range and distances as shares of the median, within beside them."""
    noise = summarise_runs(case(), [1.0, 1.1, 0.9, 1.2, 0.8], [0.01, 0.03, 0.02, 0.01, 0.05], disturbed=1)
    assert noise.median == 1.0
    assert noise.quartiles == pytest.approx(0.2)
    assert noise.range == pytest.approx(0.4)
    assert noise.deviation == pytest.approx(0.1)
    assert noise.within == 0.02
    assert (noise.disturbed, noise.failed) == (1, ())


def test_difference():
    """95% of pairs differ by less: of twenty equal runs and one that is off, the odd one's pairs are twice that."""
    assert summarise_runs(case(), [*[2.0] * 20, 3.0], [0.01]).difference == pytest.approx(0.5)
    assert summarise_runs(case(), [*[2.0] * 60, 3.0], [0.01]).difference == 0
    assert summarise_runs(case(), [2.0, 2.2], [0.01]).difference == pytest.approx(0.2 / 2.1)


def test_alike():
    """Runs that are equal have no spread."""
    noise = summarise_runs(case(), [0.5] * 3, [0.0])
    assert (noise.quartiles, noise.range, noise.deviation, noise.difference) == (0, 0, 0, 0)
