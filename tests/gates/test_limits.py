"""Limits per metric and per case."""

from dataclasses import replace

import pytest
from examples import case

from vidbench.errors import InputError
from vidbench.gates import LIMITS, Limits
from vidbench.metrics import METRICS


def test_usual_limits():
    """Whatever is counted must not grow; latency and memory may, a little."""
    found = Limits().of(case())
    assert {name for name, limit in found.items() if limit == 0} == {
        name for name, metric in METRICS.items() if metric.kind == "exact"
    }
    assert found["latency"] == LIMITS["latency"] == 0.015
    assert "throughput" not in found


def test_cases_of_their_own():
    """A pattern of models or labels has its own limits, the last that fits; None is no limit."""
    limits = Limits({"latency": 0.05, "macs": 0}, {"x3d-*": {"latency": 0.1}, "x3d-m 16x224*": {"macs": None}})
    assert limits.of(case(model="tsn-r50")) == {"macs": 0, "latency": 0.05}
    assert limits.of(case(frames=8)) == {"macs": 0, "latency": 0.1}
    assert limits.of(case()) == {"latency": 0.1}


def test_limits_of_suites():
    """What a suite says of single cases stands over what it says of all, and under what a pattern says."""
    special = {16: {"latency": 0.2}, 8: {"macs": None}}
    limits = Limits({"latency": 0.05, "macs": 0}, {"*8x224*": {"latency": 0.3}}, lambda case: special[case.frames])
    assert limits.of(case()) == {"macs": 0, "latency": 0.2}
    assert limits.of(case(frames=8)) == {"latency": 0.3}
    assert replace(limits, only=frozenset({"macs"})).of(case()) == {"macs": 0}


@pytest.mark.parametrize(("limits", "message"), [({"speed": 0.1}, "no metric"), ({"latency": -0.1}, "cannot be -0.1")])
def test_refusals(limits, message):
    """What is no metric, and what is no share."""
    with pytest.raises(InputError, match=message):
        Limits(limits)
    with pytest.raises(InputError, match=message):
        Limits({}, {"*": limits})
