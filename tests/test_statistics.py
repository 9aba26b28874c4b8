"""Summaries and intervals of samples: known values, and how often an interval holds what it is of."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest

from vidbench.records import MAX_SAMPLES
from vidbench.statistics import (
    count_outliers,
    median_interval,
    quantile,
    relative_precision,
    spread_of,
    summarise,
    thin,
)


class TestSummary:
    def test_known_values(self):
        """Percentiles lie between samples by linear interpolation, as numpy has it."""
        summary = summarise([5.0, 1.0, 2.0, 4.0, 3.0])
        percentiles = {"p90": pytest.approx(4.6), "p99": pytest.approx(4.96)}
        assert summary == {"count": 5, "mean": 3.0, **percentiles, "min": 1.0, "max": 5.0}
        assert summarise([7.0])["p90"] == 7.0

    def test_quantile(self):
        """The ends are the least and the greatest."""
        ordered = [float(i) for i in range(101)]
        assert [quantile(ordered, share) for share in (0, 0.25, 0.5, 1)] == [0, 25, 50, 100]

    def test_thinning(self):
        """At most a thousand samples are kept, spread over all of them."""
        assert thin([1.0, 2.0]) == (1.0, 2.0)
        kept = thin([float(i) for i in range(2500)])
        assert len(kept) == MAX_SAMPLES
        assert kept[0] == 0
        assert max(b - a for a, b in itertools.pairwise(kept)) <= 3


class TestInterval:
    @pytest.mark.parametrize(
        ("count", "rank"), [(6, 1), (8, 1), (9, 2), (10, 2), (11, 2), (12, 3), (20, 6), (30, 10), (50, 18), (100, 40)]
    )
    def test_ranks(self, count: int, rank: int):
        """The ranks of the sign test's tables at 95%, two-sided."""
        samples = [float(i) for i in range(1, count + 1)]
        interval = median_interval(samples[::2] + samples[1::2])
        assert (interval.low, interval.high) == (rank, count + 1 - rank)

    @pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 7, 25, 200, 1001])
    def test_confidence(self, count: int):
        """It is the binomial's, counted in whole numbers of coins; one rank further in it is too little."""
        interval = median_interval([float(i) for i in range(1, count + 1)])
        rank = int(interval.low)
        beyond = [2 * sum(math.comb(count, heads) for heads in range(inner)) / 2**count for inner in (rank, rank + 1)]
        assert interval.confidence == pytest.approx(1 - beyond[0], abs=1e-9)
        assert beyond[1] > 0.05
        assert (interval.confidence >= 0.95) == (count >= 6)

    def test_few(self):
        """Of five samples or fewer it is the whole range, which says with how little confidence."""
        assert median_interval([3.0, 1.0, 2.0]) == (1.0, 3.0, 0.75)
        assert median_interval([3.0]) == (3.0, 3.0, 0.0)
        assert median_interval([2.0, 1.0, 5.0, 4.0, 3.0]).confidence == 0.9375

    def test_many(self):
        """Of very many samples it is as narrow as the normal approximation says."""
        interval = median_interval(range(100_000))
        assert interval.high - interval.low == pytest.approx(1.96 * math.sqrt(100_000), rel=0.01)

    @pytest.mark.parametrize("count", [6, 11, 40])
    @pytest.mark.parametrize(
        ("median", "draw"),
        [
            (0.0, np.random.Generator.standard_normal),
            (math.log(2), np.random.Generator.standard_exponential),
            (0.0, np.random.Generator.standard_cauchy),
        ],
        ids=["normal", "exponential", "heavy tails"],
    )
    def test_coverage(self, count: int, median: float, draw: Callable[..., np.ndarray]):
        """Whatever the distribution, it holds the true median as often as its confidence says."""
        source, trials, held = np.random.default_rng(7), 2000, 0
        for _ in range(trials):
            interval = median_interval(draw(source, size=count))
            held += interval.low <= median <= interval.high
        spread = math.sqrt(interval.confidence * (1 - interval.confidence) / trials)
        assert held / trials == pytest.approx(interval.confidence, abs=4 * spread)


class TestPrecision:
    def test_longer_side(self):
        """It is the longer of both sides, over the median."""
        samples = [9.0, 10.0, 10.0, 10.0, 10.0, 14.0]
        assert relative_precision(samples, median_interval(samples)) == pytest.approx(0.4)

    def test_nothing(self):
        """Of a clock that does not move nothing is known."""
        assert relative_precision([0.0] * 9, median_interval([0.0] * 9)) == 1.0


class TestOutliers:
    def test_fences(self):
        """What lies beyond three interquartile ranges is counted, on both sides; what lies on a fence is not."""
        middle = [1.0, 2.0, 3.0, 4.0, 5.0] * 20  # quartiles 2 and 4, fences -4 and 10
        assert count_outliers(middle) == 0
        assert count_outliers([*middle, 10.0, -4.0]) == 0
        assert count_outliers([*middle, 10.1, -4.1, 99.0]) == 3


class TestSpread:
    def test_normal(self):
        """Of what is normally distributed it is the standard deviation, as a share of the median."""
        samples = np.random.default_rng(1).normal(10, 0.2, 100_000)
        assert spread_of(samples.tolist()) == pytest.approx(0.02, rel=0.01)

    def test_outlier(self):
        """One sample far away moves it little."""
        samples = [float(number) for number in range(100, 120)]
        assert spread_of([*samples[:-1], 1e6]) == pytest.approx(spread_of(samples), rel=0.01)

    def test_few(self):
        """Three samples have no quartiles."""
        assert spread_of([1.0, 2.0, 3.0]) == 0.0

    def test_nothing(self):
        """A share of nothing is nothing, or as much as it likes."""
        assert (spread_of([0.0] * 5), spread_of([0.0, 0.0, 0.0, 1.0, 2.0])) == (0.0, math.inf)
