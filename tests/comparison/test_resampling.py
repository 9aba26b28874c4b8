"""The bootstrap of a ratio of medians against all resamples tried out."""

import random
from itertools import product
from statistics import median

import pytest

from vidbench.comparison.resampling import _middles, bootstrap_ratio


def all_medians(runs):
    return [median(drawn) for drawn in product(runs, repeat=len(runs))]


@pytest.mark.parametrize(("old", "new"), [(1, 1), (2, 2), (3, 2), (3, 3), (4, 3), (4, 4), (5, 4), (5, 5)])
def test_every_resample(old, new):
    """The interval is that of all resamples there are, each as likely as the others."""
    rng = random.Random(old * 10 + new)  # noqa: S311  # trials, not secrets
    earlier, later = ([rng.lognormvariate(0, 0.1) for _ in range(count)] for count in (old, new))
    drawn = [(value, 1 / old**old) for value in all_medians(earlier)]
    redrawn = [(value, 1 / new**new) for value in all_medians(later)]
    once = {value: sum(weight for other, weight in drawn if other == value) for value, _ in drawn}
    again = {value: sum(weight for other, weight in redrawn if other == value) for value, _ in redrawn}
    shares = sorted((now / was, weight * share) for was, weight in once.items() for now, share in again.items())
    found = bootstrap_ratio(earlier, later)
    below = sum(weight for ratio, weight in shares if ratio < found.low - 1e-12)
    above = sum(weight for ratio, weight in shares if ratio > found.high + 1e-12)
    at_low = sum(weight for ratio, weight in shares if ratio <= found.low + 1e-12)
    at_high = sum(weight for ratio, weight in shares if ratio >= found.high - 1e-12)
    assert below < 0.025 + 1e-9 <= at_low + 1e-6
    assert above < 0.025 + 1e-4
    assert at_high >= 0.025 - 1e-4


def test_known_probabilities():
    """Of three runs the least is a resample's median 7 times in 27: when two draws or three fall on it."""
    first, second, chances = _middles(3)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 0), (1, 1), (2, 2)]
    assert chances.tolist() == pytest.approx([7 / 27, 13 / 27, 7 / 27])
    first, second, chances = _middles(2)
    assert dict(zip(zip(first.tolist(), second.tolist(), strict=True), chances.tolist(), strict=True)) == pytest.approx(
        {(0, 0): 0.25, (0, 1): 0.5, (1, 1): 0.25}
    )


@pytest.mark.parametrize("count", [1, 2, 7, 10, 21, 40, 101])
def test_probabilities_add_up(count):
    """All but what is negligible is there."""
    assert _middles(count)[2].sum() == pytest.approx(1, abs=1e-3)


def test_coverage():
    """Between five runs and five, the interval holds the true ratio about as often as it says."""
    rng = random.Random(4)  # noqa: S311
    held = 0
    for _ in range(400):
        old, new = ([rng.lognormvariate(0, 0.01) for _ in range(5)] for _ in range(2))
        interval = bootstrap_ratio(old, new)
        held += interval.low <= 1 <= interval.high
    assert 0.92 < held / 400 < 0.99


def test_one_run():
    """One run has one median, and the interval no width: it is for the caller to say that this tells nothing."""
    assert bootstrap_ratio([2.0], [3.0])[:2] == (1.5, 1.5)
