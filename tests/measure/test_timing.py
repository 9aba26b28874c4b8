"""Latency and throughput: how many calls, of what, summarised how."""

import itertools

import pytest
import torch

from vidbench.measure import Workload
from vidbench.measure.timing import measure_latency, measure_throughput, summarise, thin
from vidbench.records import MAX_SAMPLES


class Counting(torch.nn.Module):
    """Counts its calls, and how they were made."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.inference: set[bool] = set()
        self.dtypes: set[torch.dtype] = set()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.inference.add(torch.is_inference_mode_enabled())
        y = x.flatten(1) @ x.flatten(1).T
        self.dtypes.add(y.dtype)
        return y


@pytest.fixture
def workload() -> Workload:
    return Workload(Counting(), torch.ones(2, 3, 4, 32, 32), torch.device("cpu"))


def test_latency(workload):
    """At least ten samples and the seconds asked for, every call counted, in inference mode."""
    measured = measure_latency(workload, calls=10, seconds=0.05)
    assert measured.details["count"] >= 10
    assert measured.details["count"] + measured.details["warm_up_calls"] == workload.net.calls
    assert measured.details["mean"] * measured.details["count"] >= 0.05
    assert workload.net.inference == {True}


def test_throughput(workload):
    """Five windows of at least two calls; a clip is a clip of the batch."""
    measured = measure_throughput(workload)
    windows, calls = 5, measured.details["window_calls"]
    assert len(measured.samples) == windows
    assert calls >= 2
    assert workload.net.calls == measured.details["warm_up_calls"] + 1 + windows * calls


def test_figures(workload, monkeypatch):
    """By a clock that moves 10 ms a call, two clips a call are 10 ms of latency and 200 clips a second."""
    monkeypatch.setattr("vidbench.measure.timing.perf_counter_ns", lambda: workload.net.calls * 10_000_000)
    assert measure_latency(workload, calls=10, seconds=0.05).value == pytest.approx(0.01)
    assert measure_throughput(workload).value == pytest.approx(200)


def test_autocast():
    """With amp the products run in bf16."""
    workload = Workload(Counting(), torch.ones(1, 3, 4, 32, 32), torch.device("cpu"), amp=True)
    workload.call()
    assert workload.net.dtypes == {torch.bfloat16}


def test_summary():
    """p90 lies between samples by linear interpolation, as numpy has it."""
    summary = summarise([5.0, 1.0, 2.0, 4.0, 3.0])
    assert summary == {"count": 5, "mean": 3.0, "p90": pytest.approx(4.6), "min": 1.0, "max": 5.0}
    assert summarise([7.0])["p90"] == 7.0


def test_thinning():
    """At most a thousand samples are kept, spread over all of them."""
    assert thin([1.0, 2.0]) == (1.0, 2.0)
    kept = thin([float(i) for i in range(2500)])
    assert len(kept) == MAX_SAMPLES
    assert kept[0] == 0
    assert max(b - a for a, b in itertools.pairwise(kept)) <= 3
