"""What samples say: a summary, an interval of their median that assumes no distribution, how many stand apart."""

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import fmean, median
from typing import NamedTuple

from vidbench.records import MAX_SAMPLES

CONFIDENCE = 0.95
NORMAL_QUARTILES = 1.349  # standard deviations between the quartiles of what is normally distributed
FENCE = 3.0  # interquartile ranges beyond the quartiles: Tukey's outer fences


class Interval(NamedTuple):
    """From `low` to `high`: it holds the true median of independent samples with at least probability `confidence`."""

    low: float
    high: float
    confidence: float


def summarise(samples: Sequence[float]) -> dict[str, float]:
    """Count, mean, p90, p99, least and greatest of all samples."""
    ordered = sorted(samples)
    return {
        "count": len(ordered),
        "mean": fmean(ordered),
        "p90": quantile(ordered, 0.9),
        "p99": quantile(ordered, 0.99),
        "min": ordered[0],
        "max": ordered[-1],
    }


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of samples in ascending order the value below which that share of them lies, interpolated between neighbours."""
    rank = share * (len(ordered) - 1)
    below = ordered[math.floor(rank)]
    return below + (ordered[math.ceil(rank)] - below) * (rank % 1)


def median_interval(samples: Sequence[float]) -> Interval:
    """The narrowest pair of order statistics, equally far from both ends, that holds the median with 95%.

    How many of n samples lie below the true median is binomial with probability 1/2, whatever their distribution. Five
    samples or fewer have no such pair: the interval is their whole range, and its confidence says how little that is.
    """
    ordered = sorted(samples)
    rank, confidence = _rank(len(ordered))
    return Interval(ordered[rank - 1], ordered[-rank], confidence)


def relative_precision(samples: Sequence[float], interval: Interval) -> float:
    """How far the interval reaches from the median on its longer side, as a share of the median."""
    middle = median(samples)
    reach = max(interval.high - middle, middle - interval.low)
    return reach / middle if middle else 1.0


def spread_of(samples: Sequence[float]) -> float:
    """A standard deviation of the samples as a share of their median, from their quartiles; 0 for fewer than four."""
    if len(samples) < 4:
        return 0.0
    middle, deviation = median(samples), deviation_of(samples)
    return deviation / abs(middle) if middle else math.inf if deviation else 0.0


def deviation_of(samples: Sequence[float]) -> float:
    """A standard deviation of the samples from their quartiles, which no few of them can move."""
    ordered = sorted(samples)
    return (quantile(ordered, 0.75) - quantile(ordered, 0.25)) / NORMAL_QUARTILES


def count_outliers(samples: Sequence[float]) -> int:
    """How many samples lie more than three interquartile ranges beyond the quartiles."""
    ordered = sorted(samples)
    low, high = quantile(ordered, 0.25), quantile(ordered, 0.75)
    reach = FENCE * (high - low)
    return sum(not low - reach <= sample <= high + reach for sample in ordered)


def thin(samples: Sequence[float], most: int = MAX_SAMPLES) -> tuple[float, ...]:
    """At most that many of the samples, evenly spaced over them."""
    count = min(len(samples), most)
    return tuple(samples[index * len(samples) // count] for index in range(count))


@lru_cache
def _rank(count: int) -> tuple[int, float]:
    """The greatest rank whose samples from either end bound the median with 95%, at least 1, and with how much."""
    below = max(0, int(count / 2 - 5 * math.sqrt(count)))  # ten standard deviations off: what lies there is nothing
    tail = 0.0
    while 2 * (tail + _chance(count, below)) <= 1 - CONFIDENCE:
        tail += _chance(count, below)
        below += 1
    return (below, 1 - 2 * tail) if below else (1, 1 - 2 * _chance(count, 0))


def _chance(count: int, heads: int) -> float:
    """The probability that a fair coin thrown `count` times falls heads that many times."""
    logs = math.lgamma(count + 1) - math.lgamma(heads + 1) - math.lgamma(count - heads + 1)
    return math.exp(logs - count * math.log(2))
