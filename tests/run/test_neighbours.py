"""Which case is taken to tell whether seats disturb each other, and what follows from its times."""

from dataclasses import replace

import pytest

from vidbench.records import Case
from vidbench.run.neighbours import choose_case, judge

SMALL = Case(model="x3d-xs", classes=None, frames=4, size=160)
LARGE = replace(SMALL, model="x3d-m", frames=16)
ADAPTIVE = replace(SMALL, model="slim3d-r50-atfr")
MACS = {"x3d-xs": 0.6e9, "x3d-m": 4.7e9, "slim3d-r50-atfr": None}
SEATS = ("cuda:0", "cuda:1")


def macs(case: Case) -> float | None:
    return MACS[case.model]


class TestChoice:
    def test_least_work(self):
        """The case with the fewest MACs a call, whatever the batch of others."""
        assert choose_case([ADAPTIVE, LARGE, SMALL], macs) == SMALL
        assert choose_case([LARGE, replace(SMALL, batch=8)], macs) == LARGE

    def test_unknown_work(self):
        """Where nothing can be counted it is the first."""
        assert choose_case([ADAPTIVE, replace(ADAPTIVE, batch=2)], macs) == ADAPTIVE

    def test_plain_form(self):
        """It is called eagerly, in inference, in a precision that needs no switch."""
        special = replace(SMALL, mode="compile", task="train", dtype="amp", views="10x3", repeat=4)
        assert choose_case([special], macs) == SMALL
        assert choose_case([replace(SMALL, dtype="bf16")], macs).dtype == "bf16"


def rounds(*ratios: float) -> list[tuple[tuple[float, float], ...]]:
    """A round of three bursts, alone and beside others, for each ratio."""
    return [((0.01, 0.01 * ratio), (0.02, 0.02 * ratio), (0.01, 0.01 * ratio)) for ratio in ratios]


class TestVerdict:
    @pytest.mark.parametrize(
        ("ratios", "verdict"),
        [
            ([0.999, 1.0, 1.001, 1.002, 0.998, 1.003, 1.0, 1.001], "none"),
            ([1.004, 1.005, 1.006, 1.004, 1.007, 1.005, 1.006, 1.005], "none"),
            ([1.05, 1.06, 1.04, 1.05, 1.07, 1.05, 1.06, 1.04], "disturbed"),
            ([0.95, 0.96, 0.94, 0.95, 0.93, 0.95, 0.96, 0.94], "disturbed"),
            ([0.9, 1.1, 1.05, 0.95, 1.2, 0.8, 1.0, 1.02], "inconclusive"),
            ([1.5, 1.5, 1.5], "inconclusive"),
        ],
        ids=["same", "a difference that is nothing", "slower", "faster", "apart", "too few"],
    )
    def test_verdicts(self, ratios, verdict):
        """None if the interval is within 1.5% of 1, disturbed if it does not hold 1 and the ratio is not."""
        found = judge(SMALL, SEATS, rounds(*ratios), 2)
        assert found.verdict == verdict
        assert found.devices == SEATS
        assert found.rounds == len(ratios)
        assert min(ratios) <= found.ratio <= max(ratios)
        assert (found.interval is None) == (len(ratios) < 6)
