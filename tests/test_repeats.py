"""Runs of one case as one row: medians of runs, their spread, and nothing for what ran once."""

from dataclasses import replace

import pytest
from examples import environment, latency, macs, record

from vidbench.records import Failure, Measurement
from vidbench.repeats import merge_runs
from vidbench.table import COLUMNS, is_disturbed, rows

HERE = {"k1": environment(), "k2": environment(threads=1)}


def runs(*seconds: float, **changes):
    return [record(macs(), latency(value), repeat=number, **changes) for number, value in enumerate(seconds)]


def merged(*records):
    return merge_runs(rows(records, HERE))


def test_spread_between_runs():
    """The median of the runs' medians, and the interval between them in place of one run's own."""
    (row,) = merged(*runs(0.010, 0.013, 0.011, 0.012, 0.020))
    assert (row["runs"], row["latency"], row["macs"]) == (5, 0.012, 4.73e9)
    assert (row["latency_low"], row["latency_high"]) == (0.010, 0.020)
    assert row["latency_confidence"] == pytest.approx(1 - 2 * 0.5**5)  # five coins on one side
    assert row["latency_between"] == pytest.approx(0.008 / 0.012)
    assert row["latency_within"] == 0.05
    assert (row["latency_count"], row["latency_outliers"]) == (15, 0)
    assert row["latency_settled"] is None


def test_more_runs_bound_the_median_more_closely():
    """Of seven runs or more the farthest need not be in the interval, whose confidence stays at 95% or above."""
    (row,) = merged(*runs(*(0.01 + 0.001 * number for number in range(9)), 0.5))
    assert row["latency_high"] < 0.5
    assert row["latency_confidence"] >= 0.95


def test_figures_of_a_video():
    """What is derived follows from the median of the runs."""
    speeds = (Measurement(metric="throughput", value=v, unit="clips/s", method="windows") for v in (30.0, 90.0, 60.0))
    (row,) = merged(*(record(macs(), speed, repeat=n, views="10x3") for n, speed in enumerate(speeds)))
    assert (row["throughput"], row["videos_per_second"], row["seconds_per_video"]) == (60, 2, 0.5)
    assert row["macs_per_video"] == 30 * 4.73e9


def test_one_run_is_left_as_it_is():
    """Without repeats a row is what it was."""
    flat = rows(runs(0.01), HERE)
    assert merge_runs(flat) == flat
    assert list(flat[0]) == list(COLUMNS)


def test_cases_and_places_stay_apart():
    """Only what differs in nothing but its run is merged: not another clip, not another environment."""
    found = merged(*runs(0.01, 0.02), *runs(0.03, 0.04, frames=8), *runs(0.05, 0.06, environment="k2"))
    assert [row["latency"] for row in found] == [0.015, 0.035, 0.055]


def test_failed_runs():
    """A run that failed is not in the figures; a case has failed if all of its runs have."""
    fell = [replace(one, measurements=(), failure=Failure(kind="crash", message="SIGABRT")) for one in runs(1, 1)]
    (row,) = merged(*runs(0.01, 0.03), replace(fell[0], case=replace(fell[0].case, repeat=2)))
    assert (row["runs"], row["latency"], row["failure"]) == (2, 0.02, None)
    (row,) = merged(*fell)
    assert (row["runs"], row["latency"], row["failure"]) == (0, None, "crash")
    assert "latency_between" not in row


def test_disturbed_runs():
    """Samples that were disturbed add up, and a case is marked if one run of it is."""
    quiet, loud = (latency(details={"watched": 40, "disturbed": count}) for count in (1, 30))
    loud = replace(loud, caveats=("disturbed: 30 of 40 samples",))
    (row,) = merged(record(quiet), record(loud, repeat=1), record(loud, repeat=2))
    assert row["latency_disturbed"] == 61
    assert is_disturbed(row, "latency")
    (row,) = merged(record(quiet), record(quiet, repeat=1))
    assert not is_disturbed(row, "latency")


def test_one_run_left_has_no_spread():
    """Where one run alone was measured there is nothing between runs to tell."""
    fell = record(failure=Failure(kind="crash", message="SIGABRT"), repeat=1)
    (row,) = merged(*runs(0.01), fell)
    assert (row["runs"], row["latency"], row["latency_low"]) == (1, 0.01, None)
    assert "latency_between" not in row
