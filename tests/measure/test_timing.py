"""Latency and throughput: how many calls, of what, summarised how."""

import time
from collections.abc import Callable, Iterable

import pytest
import torch

from vidbench.conditions.cpu import CpuReading
from vidbench.conditions.reading import Reading
from vidbench.conditions.watch import Watch
from vidbench.measure import Workload
from vidbench.measure.sampling import Effort
from vidbench.measure.timing import measure_first_call, measure_latency, measure_throughput

BRIEF = Effort(calls=10, seconds=0.05, budget=0.1)


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
    measured = measure_latency(workload, BRIEF)
    assert measured.details["count"] >= 10
    assert measured.details["count"] + measured.details["warm_up_calls"] == workload.net.calls
    assert measured.details["mean"] * measured.details["count"] >= 0.05
    assert workload.net.inference == {True}


def test_throughput(workload):
    """At least five windows of at least two calls; a clip is a clip of the batch."""
    measured = measure_throughput(workload, Effort(calls=6, seconds=0, budget=0.1))
    windows, calls = measured.details["count"], measured.details["window_calls"]
    assert len(measured.samples) == windows >= 5
    assert calls >= 2
    assert workload.net.calls == measured.details["warm_up_calls"] + 1 + windows * calls


def test_figures(workload, monkeypatch):
    """By a clock that moves 10 ms a call, two clips a call are 10 ms of latency and 200 clips a second."""
    monkeypatch.setattr("vidbench.measure.timing.perf_counter_ns", lambda: workload.net.calls * 10_000_000)
    assert measure_latency(workload, BRIEF).value == pytest.approx(0.01)
    assert measure_throughput(workload).value == pytest.approx(200)


def test_autocast():
    """With amp the products run in bf16."""
    workload = Workload(Counting(), torch.ones(1, 3, 4, 32, 32), torch.device("cpu"), amp=True)
    workload.call()
    assert workload.net.dtypes == {torch.bfloat16}


def script(seconds: Iterable[float]) -> Callable[[Workload, int], float]:
    """A clock by which a call takes the next of these seconds, several calls several times that."""
    ticks = iter(seconds)
    return lambda _workload, calls: calls * next(ticks)


def pulse(*seconds: float) -> Iterable[float]:
    while True:
        yield from seconds


def read_quiet(*, thoroughly: bool = False) -> Reading:
    """A machine on which nothing else happens."""
    return Reading(time=time.perf_counter(), cpus=(0,), cpu=CpuReading(busy=1.0, own=0.0))


class TestByScript:
    def test_settled(self, workload):
        """Calls that agree are known after the least time; nothing has to be said of them."""
        measured = measure_latency(workload, clock=script(pulse(0.1, 0.1001)), watch=Watch(read=read_quiet))
        assert measured.value == pytest.approx(0.1, rel=1e-3)
        assert (measured.details["count"], measured.details["settled"], measured.details["steady"]) == (10, True, True)
        assert measured.details["precision"] <= 0.01
        assert measured.caveats == ()

    def test_not_settled(self, workload):
        """Calls that never agree cost the budget; the figure is kept, with how well it is known."""
        measured = measure_latency(workload, clock=script(pulse(0.1, 0.2, 0.15, 0.12, 0.18)))
        assert measured.value == pytest.approx(0.15)
        assert measured.details["settled"] is False
        assert measured.details["mean"] * measured.details["count"] == pytest.approx(5, abs=0.2)
        low, high = measured.details["interval"]
        assert measured.details["precision"] == pytest.approx(max(0.15 - low, high - 0.15) / 0.15)
        (caveat,) = measured.caveats
        assert caveat.startswith(f"not settled: after {measured.details['count']} calls in 5.")
        assert caveat.endswith(f" the median is known to ±{100 * measured.details['precision']:.0f}%, not ±1%")

    def test_wider_precision(self, workload):
        """What does not settle to 1% may settle to what is asked."""
        effort = Effort(calls=10, seconds=1, budget=5, precision=0.4)
        measured = measure_latency(workload, effort, script(pulse(0.1, 0.2, 0.15, 0.12, 0.18)))
        assert (measured.details["settled"], measured.details["precision_asked"]) == (True, 0.4)
        assert measured.details["precision"] > 0.01

    def test_slow_start(self, workload):
        """What warms up stays out of the figure and in the record; an outlier stays in both."""
        seconds = [3.0, 0.5, 0.3, 0.2, *[0.1] * 10, 0.9, *[0.1] * 30]
        measured = measure_latency(workload, clock=script(seconds))
        details = measured.details
        assert details["warm_up"][:4] == (3.0, 0.5, 0.3, 0.2)
        assert len(details["warm_up"]) == details["warm_up_calls"]
        assert (measured.value, details["steady"]) == (0.1, True)
        assert (details["outliers"], details["max"]) == (1, 0.9)
        assert 0.9 in measured.samples

    def test_never_steady(self, workload):
        """A net that keeps getting slower is measured all the same, and said not to have stood still."""
        measured = measure_latency(workload, clock=script(0.05 * 1.05**call for call in range(200)))
        assert measured.details["steady"] is False
        assert any("reached its limit of 3 s" in caveat for caveat in measured.caveats)

    def test_rates(self, workload):
        """Windows are judged as clips a second, whose median and interval they are."""
        measured = measure_throughput(workload, clock=script(pulse(0.1, 0.1001)))
        low, high = measured.details["interval"]
        assert 2 / 0.1001 <= low <= measured.value <= high <= 2 / 0.1 + 1e-9
        assert (measured.details["count"], measured.details["window_calls"]) == (6, 5)

    def test_windows_that_differ(self, workload):
        """Windows go on for the time allowed, and no longer."""
        measured = measure_throughput(workload, clock=script(pulse(0.1, 0.2, 0.15)))
        assert measured.details["settled"] is False
        assert measured.details["count"] > 6
        assert "windows in 5." in measured.caveats[0]

    def test_first_call(self, workload):
        """The first call is one call, timed before any other."""
        measured = measure_first_call(workload, script([2.5, 0.1]))
        assert (measured.value, measured.samples, measured.unit) == (2.5, (2.5,), "seconds")
        measure_first_call(workload)
        assert workload.net.calls == 1
        assert workload.net.inference == {True}
