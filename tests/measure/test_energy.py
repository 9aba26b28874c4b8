"""Joules per clip by a counter and a clock that tests move."""

import itertools
import time
from collections.abc import Callable, Iterator

import pytest
import torch

from vidbench.measure import Workload, energy
from vidbench.measure.energy import Rest, measure_energy, watch_rest
from vidbench.measure.meters import Meter, MeterError


class Machine:
    """Takes so many watts at rest and at work; its counter moves every `update` seconds of its own time."""

    def __init__(self, *, idle: float = 50.0, work: float = 300.0, update: float = 0.02) -> None:
        self.idle, self.work, self.update = idle, work, update
        self.now = self.taken = self.shown = 0.0
        self.moved = 0
        self.busy: Iterator[float] | None = None

    def pass_time(self, seconds: float, watts: float) -> None:
        self.now += seconds
        self.taken += watts * seconds
        if (moved := int(self.now / self.update + 1e-6)) > self.moved:
            self.moved, self.shown = moved, self.taken - watts * (self.now - moved * self.update)

    def sleep(self, seconds: float) -> None:
        self.pass_time(seconds, self.idle)

    def clock(self, _: Workload, calls: int) -> float:
        """A call takes 10 ms."""
        self.pass_time(0.01 * calls, self.work)
        return 0.01 * calls

    def joules(self) -> float:
        return round(self.shown, 3)

    def meter(self) -> Meter:
        return Meter("a counter", self.joules, None if self.busy is None else self.busy.__next__)

    def rest(self) -> Rest:
        return watch_rest(self.meter, clock=lambda: self.now, sleep=self.sleep)


@pytest.fixture
def workload() -> Workload:
    return Workload(torch.nn.Identity(), torch.ones(4, 3, 2, 8, 8), torch.device("cpu"))


class TestRest:
    def test_power(self):
        """Power is between two movements of the counter, whose spacing is told."""
        rest = Machine(idle=50, update=0.02).rest()
        assert rest.watts == pytest.approx(50, rel=0.01)
        assert rest.update == pytest.approx(0.02, abs=0.006)
        assert rest.reason == ""

    def test_still_counter(self):
        """A counter that does not move, or once, tells no power."""
        rest = Machine(idle=0).rest()
        assert (rest.watts, rest.update) == (None, None)
        assert "moved 0 times in 2 s" in rest.reason

    def test_no_meter(self):
        """Where there is none, why is kept."""

        def find() -> Meter:
            raise MeterError("no counters here")

        assert watch_rest(find) == Rest(None, "no counters here")


class TestEnergy:
    def test_per_clip(self, workload):
        """300 W for 10 ms a call of 4 clips are 0.75 J a clip; what the device takes at rest stays in."""
        machine = Machine()
        figures = measure_energy(workload, machine.rest(), machine.clock)
        measured = figures["energy"]
        assert (measured.value, measured.unit) == (pytest.approx(0.75, rel=0.01), "joules")
        assert measured.details["above_idle"] == pytest.approx(0.625, rel=0.02)
        assert measured.details["power"] == pytest.approx(300, rel=0.01)
        assert measured.details["seconds"] >= 3
        assert measured.details["clips"] == 4 * measured.details["window_calls"]
        assert (measured.samples, measured.caveats) == ((measured.value,), ())
        idle = figures["idle_power"]
        assert (idle.value, idle.unit) == (pytest.approx(50, rel=0.01), "watts")

    def test_slow_counter(self, workload):
        """The slower the counter moves, the longer the window: an update stays under a hundredth of it."""
        machine = Machine(update=0.1)
        measured = measure_energy(workload, machine.rest(), machine.clock)["energy"]
        assert measured.details["update"] / measured.details["seconds"] < 0.01
        assert measured.details["seconds"] > 10
        assert measured.value == pytest.approx(0.75, rel=0.02)

    def test_too_short(self, workload):
        """A counter so slow that no bearable window is long enough gives no figure, but says what it saw."""
        machine = Machine(update=0.4)
        measured = measure_energy(workload, machine.rest(), machine.clock)["energy"]
        assert measured.value is None
        assert measured.samples == ()
        assert measured.caveats == (
            "too short to measure: the counter moves every 400 ms, over 1% of the window of 15 s",
        )
        assert measured.details["joules"] > 0

    def test_counter_that_stops(self, workload):
        """No joules are an unknown figure, not a net that costs nothing."""
        machine = Machine(work=0)
        measured = measure_energy(workload, machine.rest(), machine.clock)["energy"]
        assert measured.value is None
        assert measured.caveats == ("the counter did not move in the window",)

    def test_counter_that_goes_away(self, workload):
        """One that cannot be read any more leaves the power at rest, and why there is no more."""
        machine = Machine()
        rest = machine.rest()

        def fail() -> float:
            raise MeterError("gone")

        figures = measure_energy(workload, Rest(Meter("a counter", fail), "", rest.watts, rest.update), machine.clock)
        assert (figures["energy"].value, figures["energy"].caveats) == (None, ("gone",))
        assert figures["idle_power"].value == rest.watts

    def test_no_meter(self, workload):
        """Without one nothing is run, and all three say why."""

        def refuse(*_: object) -> float:
            raise AssertionError

        figures = measure_energy(workload, Rest(None, "no counters here"), refuse)
        assert [figure.value for figure in figures.values()] == [None] * 3
        assert all("no counters here" in figure.caveats[0] for figure in figures.values())
        assert {figure.method for figure in figures.values()} == {"not measured"}


class TestUtilization:
    @pytest.fixture
    def slow(self, monkeypatch) -> Callable[[Machine], Callable[[Workload, int], float]]:
        """A clock during whose windows a thread has time to ask."""
        monkeypatch.setattr(energy, "BUSY_PERIOD", 0.0)
        monkeypatch.setattr(energy, "BUSY_POLL", 0.001)

        def make(machine: Machine) -> Callable[[Workload, int], float]:
            def clock(workload: Workload, calls: int) -> float:
                time.sleep(0.05 if calls > 1 else 0)
                return machine.clock(workload, calls)

            return clock

        return make

    def test_mean(self, workload, slow):
        """It is the mean of what the driver told in the window."""
        machine = Machine()
        machine.busy = itertools.cycle([0.8])
        figures = measure_energy(workload, machine.rest(), slow(machine))
        assert figures["utilization"].value == pytest.approx(0.8)

    def test_none(self, workload, slow):
        """A meter of energy alone leaves it unknown, with why."""
        machine = Machine()
        figures = measure_energy(workload, machine.rest(), slow(machine))
        assert figures["energy"].value is not None
        assert figures["utilization"].value is None
        assert figures["utilization"].caveats == ("no counter of a busy device can be read here",)
