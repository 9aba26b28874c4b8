"""Noise of records that are given, and what cannot be made of them."""

from dataclasses import replace

import pytest
from examples import latency, record

from vidbench.errors import InputError, VidbenchError
from vidbench.records import Failure, Record
from vidbench.run.noise import measure_noise, summarise_records


def run(seconds: float, *caveats: str) -> Record:
    return record(latency(seconds, caveats=caveats), repeat=3)


FAILED = record(failure=Failure(kind="crash", message="its process was ended by SIGKILL"))


def test_records():
    """Medians of those that were measured, how well each is known, how many were disturbed, what failed."""
    noise = summarise_records(
        [run(0.02), run(0.03, "disturbed: 3 of 3 samples"), FAILED, run(0.04, "not settled: ...")]
    )
    assert noise.medians == (0.02, 0.03, 0.04)
    assert (noise.median, noise.within, noise.disturbed) == (0.03, 0.05, 1)
    assert noise.failed == ("its process was ended by SIGKILL",)
    assert noise.case == replace(run(0.02).case, repeat=0)


def test_too_few():
    """One run has no spread, and what went wrong is said."""
    with pytest.raises(VidbenchError, match="SIGKILL"):
        summarise_records([run(0.02), FAILED])
    with pytest.raises(InputError, match="2 or more"):
        measure_noise(runs=1)
