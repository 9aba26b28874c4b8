"""When enough is known: a warm-up that ends when calls stand still, samples that end when their median is known."""

import itertools
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from vidbench.measure.sampling import UNSTEADY, Effort, doubt_clips, is_settled, is_steady, sample, warm_up
from vidbench.records import Measurement
from vidbench.statistics import median_interval

EFFORT = Effort(calls=10, seconds=1.0, budget=5.0)


def script(seconds: Iterable[float]) -> Callable[[], float]:
    ticks = iter(seconds)
    return lambda: next(ticks)


class TestSteady:
    def test_too_few(self):
        """Of fewer than four calls nothing can be told."""
        assert not is_steady([])
        assert not is_steady([1.0, 1.0, 1.0])
        assert is_steady([9.0, 5.0, 1.0, 1.0])

    @pytest.mark.parametrize(("shift", "steady"), [(1.019, True), (0.981, True), (1.03, False), (0.97, False)])
    def test_movement(self, shift: float, steady: bool):
        """2% between the last two quarters is standing still; more is not, up or down."""
        assert is_steady([2.0] * 10 + [1.0] * 5 + [shift] * 5) is steady

    def test_scatter(self):
        """Calls whose medians move by less than they scatter stand still; calls that drift do not."""
        draw = np.random.default_rng(0)
        assert is_steady([draw.uniform(0.9, 1.1) for _ in range(80)])
        assert not is_steady([1 + 0.01 * call for call in range(80)])


class TestWarmUp:
    def test_floor(self):
        """Calls that stand still from the start are still called twice and for half a second after the first."""
        assert warm_up(script([0.1] * 99)).samples == (0.1,) * 6
        assert len(warm_up(script([1.0] * 99)).samples) == 4

    def test_first_call(self):
        """A first call as long as the limit does not use the limit up."""
        warmth = warm_up(script([10.0, *[0.1] * 99]))
        assert (warmth.samples[0], warmth.steady, len(warmth.samples)) == (10.0, True, 6)

    def test_until_steady(self):
        """It goes on while calls get quicker, and ends soon after they no longer do."""
        warmth = warm_up(script([*[0.2 * 0.95**call for call in range(12)], *[0.1] * 99]))
        assert warmth.steady
        assert 12 < len(warmth.samples) < 30
        assert warmth.caveats == ()

    def test_limit(self):
        """It ends at its limit whatever calls do, and says so."""
        warmth = warm_up(script(0.01 * 1.02**call for call in itertools.count()))
        assert not warmth.steady
        assert 3.0 <= sum(warmth.samples[1:]) < 3.2
        assert "before its running median was seen to stand still" in warmth.caveats[0]

    def test_slow_calls(self):
        """Two calls longer than the limit are all that there is."""
        warmth = warm_up(script([4.0] * 9))
        assert (len(warmth.samples), warmth.steady) == (2, False)

    def test_kept(self):
        """Of many calls at most a hundred are kept, the first among them."""
        details = warm_up(script([0.5, *[0.001] * 999])).details
        assert details["warm_up_calls"] > 500
        assert (len(details["warm_up"]), details["warm_up"][0]) == (100, 0.5)


class TestSampling:
    def test_least(self):
        """At least so many calls, at least so many seconds, whichever takes longer."""
        assert len(sample(script([0.5] * 99), EFFORT)[0]) == 10
        assert len(sample(script([0.05] * 99), EFFORT)[0]) in (20, 21)  # floating point may need one more

    def test_budget(self):
        """What never settles ends at the budget, with all samples."""
        draw = np.random.default_rng(1)
        figures, spent = sample(lambda: draw.uniform(0.05, 0.15), EFFORT)
        assert 5.0 <= spent < 5.2
        assert spent == pytest.approx(sum(figures))

    def test_slow_calls(self):
        """Calls longer than the budget are made as often as the least says."""
        assert len(sample(script([1.0, 2.0] * 9), EFFORT)[0]) == 10

    def test_stops_when_known(self):
        """Scatter that averages out is sampled until it has, not for longer."""
        draw = np.random.default_rng(2)
        figures, spent = sample(lambda: draw.normal(0.01, 0.0005), EFFORT)
        assert is_settled(figures, 0.01)
        assert spent < 5
        assert not is_settled(figures[:20], 0.01)

    def test_figures(self):
        """Figures are what is made of the seconds, which the limits are of."""
        figures, spent = sample(script([0.2] * 99), EFFORT, lambda seconds: 2 / seconds)
        assert figures == [10.0] * 10
        assert spent == pytest.approx(2.0)

    def test_five_samples_settle_nothing(self):
        """Five equal samples are no 95% interval, six are."""
        assert not is_settled([1.0] * 5, 0.01)
        assert is_settled([1.0] * 6, 0.01)

    def test_stopping_early_is_no_cheating(self):
        """The interval at which sampling stopped holds the true median about as often as it says."""
        draw, held = np.random.default_rng(3), 0
        effort = Effort(calls=10, seconds=0.0, budget=1e9, precision=0.02)
        for _ in range(300):
            figures, _spent = sample(lambda: draw.lognormal(0.0, 0.1), effort)
            interval = median_interval(figures)
            held += interval.low <= 1.0 <= interval.high
        assert held >= 0.88 * 300


class TestClips:
    @staticmethod
    def taken(precision: float, *, steady: bool = True) -> Measurement:
        known = {"precision": precision, "precision_asked": 0.01, "settled": precision <= 0.01, "steady": steady}
        return Measurement(metric="latency", value=0.1, unit="seconds", method="calls", details=known)

    def test_caveats(self):
        """Of several clips the one that is known worst speaks for those that are not settled."""
        settled, loose, looser = self.taken(0.005), self.taken(0.03), self.taken(0.12)
        (caveat,) = doubt_clips([settled, looser, loose])
        assert caveat == "not settled: medians of 2 of 3 clips are known to ±12% at worst, not ±1%"
        assert doubt_clips([settled]) == ()
        assert doubt_clips([settled, self.taken(0.01, steady=False)]) == (UNSTEADY,)
