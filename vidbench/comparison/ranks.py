"""Groups compared by ranks, exact whatever the distribution: two of runs (Mann, Whitney), one of pairs (Wilcoxon)."""

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

EXACT = 10_000  # pairs of runs up to which the distribution is counted out; beyond, it is normal to many digits


class Bounds(NamedTuple):
    """What a ratio lies between; 0 and infinity where there are too few runs to tell."""

    low: float
    high: float


def chance_of_greater(old: Sequence[float], new: Sequence[float]) -> float:
    """How likely so many of the new runs exceed so many of the old by chance alone; runs that are equal do not.

    It is the exact one-sided p value for independent runs of one distribution, or above it where runs are equal.
    """
    wins = sum(later > earlier for later in new for earlier in old)
    return _chance(len(old), len(new), len(old) * len(new) - wins)


def rank_test(old: Sequence[float], new: Sequence[float]) -> float:
    """The two-sided p value of the two groups being runs of one distribution."""
    return min(1.0, 2 * min(chance_of_greater(old, new), chance_of_greater(new, old)))


def least_chance(old: int, new: int) -> float:
    """The smallest p value that `chance_of_greater` can give for that many runs: when each new one exceeds all old."""
    return 1 / math.comb(old + new, new)


def ratios(old: Sequence[float], new: Sequence[float]) -> list[float]:
    """Of every new run to every old one, in ascending order; their middle is how far the groups lie apart."""
    return sorted(later / earlier for later in new for earlier in old)


def bound_ratio(old: Sequence[float], new: Sequence[float], risk: float) -> Bounds:
    """Between what the ratio of new to old lies, each bound being wrong with at most probability `risk`.

    These are the factors that, had the old runs been greater by them, the rank test would just not tell from the new.
    """
    ordered = ratios(old, new)
    rank = _rank(len(old), len(new), risk)
    return Bounds(ordered[rank - 1], ordered[-rank]) if rank else Bounds(0.0, math.inf)


@lru_cache(maxsize=4096)
def _rank(old: int, new: int, risk: float) -> int:
    """How many of the ratios, from either end, the bound is: as many as are passed with at most that probability."""
    rank = 0
    while 2 * rank <= old * new and _chance(old, new, rank) <= risk:
        rank += 1
    return rank


def pair_means(ratios: Sequence[float], weights: Sequence[float] = ()) -> list[float]:
    """The geometric means of all pairs of these ratios, each with itself as well, in ascending order.

    Their middle is the ratio that the pairs lie around (Hodges and Lehmann).

    Args:
        ratios: above 0.
        weights: by which each counts in its means; by default all alike.
    """
    known = [(math.log(one), weight) for one, weight in zip(ratios, weights or [1.0] * len(ratios), strict=True)]
    return sorted(
        math.exp((one * weight + other * its) / (weight + its))
        for i, (one, weight) in enumerate(known)
        for other, its in known[i:]
    )


def bound_pairs(ratios: Sequence[float], risk: float, weights: Sequence[float] = ()) -> Bounds:
    """Between what the ratio lies of which each of these is one look, each bound being wrong with at most `risk`.

    By Wilcoxon's signed ranks: where both sides are one and the same, a look's ratio is as likely as its inverse. It
    remains so if each look's logarithm is multiplied by a weight that says nothing of its sign: the bounds hold for any
    such weights, and lie closest where these are the inverse of the looks' errors.
    """
    means, rank, below = pair_means(ratios, weights), 0, 0
    for orders in _signed_orders(len(ratios)):
        below += orders
        if below > risk * 2 ** len(ratios):
            break
        rank += 1
    return Bounds(means[rank - 1], means[-rank]) if rank else Bounds(0.0, math.inf)


@lru_cache(maxsize=128)
def _signed_orders(count: int) -> tuple[int, ...]:
    """For each sum, in how many of the 2**count ways to give the ranks 1 to `count` signs the positive ones have it."""
    orders = [1] + [0] * (count * (count + 1) // 2)
    for rank in range(1, count + 1):
        for total in range(len(orders) - 1, rank - 1, -1):
            orders[total] += orders[total - rank]
    return tuple(orders)


def _chance(old: int, new: int, wins: int) -> float:
    """The probability that by chance alone at most that many of all pairs are won."""
    pairs = old * new
    if pairs > EXACT:
        spread = math.sqrt(pairs * (old + new + 1) / 12)
        return NormalDist(pairs / 2, spread).cdf(wins + 0.5)
    return _cumulated(min(old, new), max(old, new))[wins]


@lru_cache(maxsize=512)
def _cumulated(few: int, many: int) -> tuple[float, ...]:
    """For 0 to all pairs won: in which share of all orders of the runs no more are.

    The orders with u pairs won are the coefficients of x**u in the Gaussian binomial, the product over i = 1 to `few`
    of (1 - x**(many + i)) / (1 - x**i).
    """
    pairs = few * many
    orders = [1] + [0] * pairs
    for i in range(1, few + 1):
        for u in range(pairs, many + i - 1, -1):
            orders[u] -= orders[u - many - i]
        for u in range(i, pairs + 1):
            orders[u] += orders[u - i]
    everything = math.comb(few + many, few)
    shares, below = [], 0
    for count in orders:
        below += count
        shares.append(below / everything)
    return tuple(shares)
