"""What happened between two readings, of readings with given numbers."""

from typing import Any

import pytest

from vidbench.conditions.cpu import CpuReading
from vidbench.conditions.disturbance import (
    HEAT,
    OTHERS_ON_CPU,
    OTHERS_ON_GPU,
    QUOTA,
    STOLEN,
    allowed_others,
    find_disturbances,
    others,
)
from vidbench.conditions.gpu import GpuReading
from vidbench.conditions.quota import Stops
from vidbench.conditions.reading import Reading


def reading(time: float, *, cpus: int = 4, gpu: GpuReading | None = None, **cpu: Any) -> Reading:
    return Reading(time=time, cpus=tuple(range(cpus)), cpu=CpuReading(**cpu), gpu=gpu)


START = {"busy": 100.0, "own": 50.0, "stolen": 1.0, "stops": Stops(3, 0.5), "heat_stops": 9}


def found(seconds: float = 1.0, **after: Any) -> frozenset[str]:
    return find_disturbances(reading(5.0, **START), reading(5.0 + seconds, **{**START, **after}))


class TestCpu:
    def test_alone(self):
        """A process that keeps all CPUs busy by itself is not disturbed."""
        assert found(busy=104.0, own=54.0) == set()

    def test_little(self):
        """A tenth of a CPU and a fiftieth of all is nothing; more is others at work."""
        assert allowed_others(4) == pytest.approx(0.18)
        assert found(busy=104.1, own=53.94) == set()
        assert found(busy=104.1, own=53.9) == {OTHERS_ON_CPU}

    def test_rate(self):
        """It is work a second: the same work over a longer time is less."""
        assert found(0.2, busy=100.1, own=50.0) == {OTHERS_ON_CPU}
        assert found(2.0, busy=100.1, own=50.0) == set()

    def test_too_short(self):
        """In a few hundredths of a second, which is what the kernel counts in, nothing can be told."""
        assert found(0.05, busy=100.05, stolen=2.0) == set()
        assert others(reading(0, busy=1.0), reading(0.05, busy=2.0)) is None

    def test_unknown(self):
        """A kernel that does not tell is no disturbance, nor is a clock that says we did more than all."""
        assert found(busy=None, stolen=None, stops=None, heat_stops=None) == set()
        assert others(reading(0, busy=1.0, own=1.0), reading(1, busy=2.0, own=2.5)) == 0

    def test_held_back(self):
        """A quota used up, a core slowed for its heat and a host that takes its time each have their name."""
        assert found(stops=Stops(4, 0.5)) == {QUOTA}
        assert found(heat_stops=10) == {HEAT}
        assert found(stolen=1.3) == {STOLEN}
        assert found(0.01, stops=Stops(4, 0.5), heat_stops=10) == {QUOTA, HEAT}


class TestGpu:
    def between(self, after: GpuReading, before: GpuReading | None = None, **cpu: Any) -> frozenset[str]:
        first = reading(5.0, gpu=before or GpuReading(), busy=100.0)
        return find_disturbances(first, reading(6.0, gpu=after, **{"busy": 100.0, **cpu}))

    def test_quiet(self):
        """One process alone on a GPU whose clocks nothing holds."""
        assert self.between(GpuReading(processes=(7,), held=(("heat of the GPU", 1.0),))) == set()

    def test_shared(self):
        """Of two processes one is another."""
        assert self.between(GpuReading(processes=(7, 8))) == {OTHERS_ON_GPU}

    def test_held_down(self):
        """What holds the clocks now, or did for more than a hundredth of the time."""
        assert self.between(GpuReading(limits=("power cap of the GPU",))) == {"power cap of the GPU"}
        before = GpuReading(held=(("heat of the GPU", 1.0),))
        assert self.between(GpuReading(held=(("heat of the GPU", 1.005),)), before) == set()
        assert self.between(GpuReading(held=(("heat of the GPU", 1.02),)), before) == {"heat of the GPU"}

    def test_cpus_to_spare(self):
        """Beside a case on a GPU others may use CPUs, as long as two are left to it."""
        assert self.between(GpuReading(), busy=101.9) == set()
        assert self.between(GpuReading(), busy=102.1) == {OTHERS_ON_CPU}
