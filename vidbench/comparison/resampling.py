"""The bootstrap of a ratio of medians over runs, computed to its end: what endlessly many resamples would give."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from vidbench.statistics import CONFIDENCE, Interval

NEGLIGIBLE = 1e-5  # of resamples: medians that come up less often than this are left out


def bootstrap_ratio(old: Sequence[float], new: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """The percentile interval of the ratio of the medians, new to old, when whole runs are drawn again from each side.

    Few runs have few medians to draw, so nothing is drawn: each median's probability is known in closed form.
    """
    earlier, seldom = _medians(old)
    later, often = _medians(new)
    drawn = np.divide.outer(later, earlier).ravel()
    order = np.argsort(drawn)
    reached = np.cumsum(np.multiply.outer(often, seldom).ravel()[order])
    tail = (1 - confidence) / 2
    low, high = np.searchsorted(reached, (reached[-1] * tail, reached[-1] * (1 - tail)))
    return Interval(float(drawn[order[low]]), float(drawn[order[high]]), confidence)


def _medians(runs: Sequence[float]) -> tuple[Any, Any]:
    """The medians that resamples can have, and their probabilities."""
    ordered = np.sort(np.asarray(runs, dtype=float))
    lower, upper, chances = _middles(len(ordered))
    return (ordered[lower] + ordered[upper]) / 2, chances


@lru_cache
def _middles(count: int) -> tuple[Any, Any, Any]:
    """Which two of that many runs in ascending order are a resample's middle ones, and how likely.

    The lower middle of `count` draws is at most the i-th run where at least half of them fall on the first i. In an odd
    number of draws both are one run. In an even number, i and j > i are the middle ones where exactly half of the draws
    fall on the first i, not all of these on the first i - 1, and the other half on the j-th and later in the same way.
    """
    half = count // 2
    reached = [_at_least(count, count - half, i / count) for i in range(count + 1)]
    chances = np.diag(np.diff(reached))
    if count % 2 == 0:
        lower = np.diff((np.arange(count + 1) / count) ** half)
        apart = np.triu(math.comb(count, half) * np.outer(lower, lower[::-1]), 1)
        chances += apart - np.diag(apart.sum(axis=1))
    first, second = np.nonzero(chances > NEGLIGIBLE)
    return first, second, chances[first, second]


def _at_least(count: int, hits: int, chance: float) -> float:
    """The probability of at least that many hits among `count` draws."""
    return sum(math.comb(count, k) * chance**k * (1 - chance) ** (count - k) for k in range(hits, count + 1))
