"""Comparisons and gates as JSON."""

import json

from runs import around, judgement_of_all, results, timed

from vidbench.comparison.changes import compare
from vidbench.export.comparison import write_comparison, write_judgement


def test_comparison():
    """Every change with its figures in base units, its interval and its verdict."""
    old, new = results(*timed(around(0.02)), *timed([1.0], frames=8)), results(*timed(around(0.03)))
    found = json.loads(write_comparison(compare(old, new)))
    changes = {change["metric"]: change for change in found["changes"]}
    assert (changes["macs"]["verdict"], changes["latency"]["verdict"]) == ("equal", "slower")
    assert changes["latency"]["unit"] == "seconds"
    low, high = changes["latency"]["interval"]
    assert low < changes["latency"]["ratio"] < high
    assert changes["latency"]["case"]["model"] == "x3d-m"
    assert [case["frames"] for case in found["only_old"]] == [8]
    assert found["only_new"] == []


def test_judgement():
    """The verdict, the exit code, and every check with its sentence."""
    found = json.loads(write_judgement(judgement_of_all(), ["a note"]))
    assert (found["verdict"], found["exit_code"], found["notes"]) == ("regression", 1, ["a note"])
    verdicts = {check["verdict"] for check in found["checks"]}
    assert verdicts == {"pass", "regression", "inconclusive", "could not measure", "no baseline"}
    assert all(check["sentence"] for check in found["checks"])
