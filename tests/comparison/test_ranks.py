"""Mann and Whitney's test against known values and against all orders tried out; bounds that follow from it."""

import random
from itertools import combinations, pairwise
from math import comb, exp, inf

import pytest

from vidbench.comparison.ranks import (
    EXACT,
    bound_pairs,
    bound_ratio,
    chance_of_greater,
    least_chance,
    pair_means,
    rank_test,
    ratios,
)


def with_wins(old: int, new: int, wins: int) -> tuple[list[float], list[float]]:
    """Two groups of that many runs, of whose pairs the new wins so many."""
    earlier = [float(10 * (number + 1)) for number in range(old)]
    full, rest = divmod(wins, old)
    later = [1e6] * full + ([10.0 * rest + 5] if rest else [])
    later += [1.0] * (new - len(later))
    return earlier, [value + number / 1000 for number, value in enumerate(later)]


@pytest.mark.parametrize(
    ("old", "new", "lost", "chance"),
    [
        (5, 5, 2, 0.0317),  # the tabulated critical values at 5%, two-sided, with their exact p values
        (5, 5, 3, 0.0556),
        (8, 8, 13, 0.0499),
        (10, 10, 23, 0.0433),
        (10, 10, 24, 0.0524),
        (20, 20, 127, 0.0491),
    ],
)
def test_known_values(old, new, lost, chance):
    """The two-sided p value where all but `lost` pairs are won."""
    assert round(rank_test(*with_wins(old, new, old * new - lost)), 4) == chance


@pytest.mark.parametrize(("old", "new"), [(1, 1), (3, 4), (5, 2), (4, 6)])
def test_all_orders(old, new):
    """The chance of each number of wins is the share of all orders of the runs that have as many."""
    places = range(old + new)
    won = []
    for chosen in combinations(places, new):
        rest = [place for place in places if place not in chosen]
        won.append(sum(mine > theirs for mine in chosen for theirs in rest))
    for wins in range(old * new + 1):
        expected = sum(count >= wins for count in won) / len(won)
        assert chance_of_greater(*with_wins(old, new, wins)) == pytest.approx(expected)


def test_equal_runs_count_for_neither():
    """Runs that are equal win nothing: what is the same on both sides is no evidence."""
    assert chance_of_greater([1.0] * 5, [1.0] * 5) == 1
    assert rank_test([1.0] * 5, [1.0] * 5) == 1
    assert chance_of_greater([1.0, 1.0], [1.0, 2.0]) == pytest.approx(4 / 6)  # two pairs of four won


def test_least_chance():
    """No smaller p value than when every new run exceeds every old one."""
    assert least_chance(5, 5) == pytest.approx(chance_of_greater([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])) == 1 / comb(10, 5)


def test_many_runs():
    """Beyond the exact distribution the normal one goes on without a step."""
    exact, normal = (chance_of_greater(*with_wins(old, 100, old * 56)) for old in (100, 101))
    assert EXACT < 100 * 101
    assert normal == pytest.approx(exact, rel=0.03)


def test_bounds_are_where_the_test_turns():
    """Old runs that were greater by a bound would just not differ from the new; by a little less they would."""
    old, new = [1.0, 1.1, 1.2, 1.35, 1.5, 1.61], [1.3, 1.47, 1.7, 1.93, 2.0]
    for risk in (0.1, 0.05, 0.01):
        low, high = bound_ratio(old, new, risk)
        assert chance_of_greater([run * low * 0.9999 for run in old], new) <= risk
        assert chance_of_greater([run * low * 1.0001 for run in old], new) > risk
        assert chance_of_greater(new, [run * high * 1.0001 for run in old]) <= risk
        assert chance_of_greater(new, [run * high * 0.9999 for run in old]) > risk


def test_surer_bounds_are_wider():
    """Less risk, farther apart; with too few runs for it, nothing is known."""
    old, new = [1.0, 1.1, 1.2, 1.35, 1.5], [1.3, 1.47, 1.7, 1.93, 2.0]
    found = [bound_ratio(old, new, risk) for risk in (0.2, 0.05, 0.01, 0.004)]
    assert all(one.low >= other.low and one.high <= other.high for one, other in pairwise(found))
    assert found[0] != found[2]
    assert bound_ratio([1.0, 2.0], [1.5, 2.5], 0.05) == (0.0, inf)


def test_ratios():
    """Every new run to every old one."""
    assert ratios([1.0, 2.0], [3.0, 8.0]) == [1.5, 3.0, 4.0, 8.0]


@pytest.mark.parametrize(
    ("count", "risk", "rank"),
    [(5, 0.025, 0), (6, 0.025, 1), (9, 0.025, 6), (10, 0.025, 9), (20, 0.025, 53), (9, 0.00625, 3)],
)
def test_signed_ranks(count, risk, rank):
    """The tabulated critical values of Wilcoxon's signed ranks (5, 8, 52 of 9, 10, 20 pairs) are exceeded by one."""
    ratios = [1 + 0.001 * 2**number for number in range(count)]
    means = sorted((one * other) ** 0.5 for i, one in enumerate(ratios) for other in ratios[i:])
    low, high = bound_pairs(ratios, risk)
    assert (low, high) == ((0, inf) if not rank else (pytest.approx(means[rank - 1]), pytest.approx(means[-rank])))
    assert pair_means(ratios) == pytest.approx(means)


@pytest.mark.parametrize("weighed", [False, True])
def test_signed_ranks_hold(weighed):
    """Whatever pairs' spread and weights, the bounds pass the ratio they lie around as seldom as they are told to."""
    rng = random.Random(4)  # noqa: S311
    missed = 0
    for _ in range(2000):
        spreads = [rng.choice((0.01, 0.2)) for _ in range(12)]
        ratios = [1.05 * exp(spread * rng.gauss(0, 1)) for spread in spreads]
        low, high = bound_pairs(ratios, 0.025, [1 / spread for spread in spreads] if weighed else ())
        missed += not low <= 1.05 <= high
    assert 40 < missed < 130


def test_weights():
    """What is known well counts for more: the bounds are closer, and means lie by their weights."""
    rng = random.Random(5)  # noqa: S311
    spreads = [0.01, 0.2] * 8
    ratios = [exp(spread * rng.gauss(0, 1)) for spread in spreads]
    plain, weighed = bound_pairs(ratios, 0.025), bound_pairs(ratios, 0.025, [1 / spread for spread in spreads])
    assert weighed.high / weighed.low < (plain.high / plain.low) ** 0.5
    assert pair_means([1.0, 8.0], [2.0, 1.0]) == pytest.approx([1.0, 2.0, 8.0])
