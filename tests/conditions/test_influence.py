"""What is said and kept of cases on several devices, and which figures are marked for it."""

import pytest
from examples import latency, macs, record

from vidbench.conditions.influence import Influence, add_company
from vidbench.records import Case
from vidbench.statistics import Interval
from vidbench.table import is_disturbed, row

CASE = Case(model="x3d-xs", classes=None, frames=4, size=160)
NONE = Influence(
    case=CASE,
    devices=("cuda:0", "cuda:1", "cuda:2"),
    ratio=1.004,
    interval=Interval(0.998, 1.0104, 0.95),
    rounds=8,
    verdict="none",
)
DISTURBED = Influence(
    case=CASE, devices=("cuda:0", "cuda:1"), ratio=1.043, interval=Interval(1.03, 1.06, 0.95), rounds=8,
    verdict="disturbed",
)  # fmt: skip
UNTOLD = Influence(case=CASE, devices=("cuda:0", "cuda:1"), ratio=1.02, interval=None, rounds=3, verdict="inconclusive")
WATCHED = {"watched": 40, "disturbed": 3, "disturbances": {"heat of the GPU": 3}}


@pytest.mark.parametrize(
    ("influence", "said"),
    [
        (
            NONE,
            "cuda:0 beside cuda:1, cuda:2: x1.004 (0.998 to 1.010), latency of x3d-xs 4x160 batch 1 fp32, 8 rounds: "
            "no disturbance over 1.5% seen",
        ),
        (
            DISTURBED,
            "cuda:0 beside cuda:1: x1.043 (1.030 to 1.060), latency of x3d-xs 4x160 batch 1 fp32, 8 rounds: disturbed; "
            "figures beside others are marked with !, --device cuda:0 measures alone",
        ),
        (
            UNTOLD,
            "cuda:0 beside cuda:1: x1.020, latency of x3d-xs 4x160 batch 1 fp32, 3 rounds: whether they disturb each "
            "other cannot be told; --device cuda:0 measures alone",
        ),
    ],
)
def test_sentences(influence, said):
    """What was measured, the ratio, its interval, and what it means."""
    assert influence.sentence == said


class TestCompany:
    def test_alone(self):
        """A case that nothing was beside has its device alone, and no mark."""
        taken = record(latency(details=WATCHED))
        told = add_company(taken, "cuda:1", [], DISTURBED)
        assert told.conditions == {"vidbench": "0.1.0", "gpu": "cuda:1"}
        assert told.measurements == taken.measurements

    def test_beside(self):
        """Of others at work it is kept which, and what the check said; figures are as they were if that was nothing."""
        taken = record(latency(details=WATCHED))
        told = add_company(taken, "cuda:1", ["cuda:0"], NONE)
        assert told.conditions["beside"] == {
            "devices": ["cuda:0"], "case": "x3d-xs 4x160 batch 1 fp32", "ratio": 1.004, "rounds": 8, "verdict": "none",
            "interval": [0.998, 1.0104],
        }  # fmt: skip
        assert told.measurements == taken.measurements
        assert add_company(taken, "cuda:1", ["cuda:0"], None).conditions["beside"] == {"devices": ["cuda:0"]}
        assert "interval" not in add_company(taken, "cuda:1", ["cuda:0"], UNTOLD).conditions["beside"]

    def test_disturbed(self):
        """Where the check said that they disturb each other, every watched sample is marked; what is counted is not."""
        caveats = ("not settled: known to 5%", "disturbed: 3 of 40 samples were taken beside or under heat")
        taken = record(macs(), latency(details=WATCHED, caveats=caveats))
        told = add_company(taken, "cuda:1", ["cuda:0"], DISTURBED)
        assert told.measurement("macs") == macs()
        marked = told.measurement("latency")
        assert marked.details["disturbed"] == 40
        assert marked.details["disturbances"] == {"cases on the other GPUs": 40, "heat of the GPU": 3}
        assert marked.caveats == (
            "not settled: known to 5%",
            "disturbed: 40 of 40 samples were taken beside or under cases on the other GPUs (100%), heat of the GPU "
            "(8%)",
        )
        assert is_disturbed(row(told, None), "latency")
