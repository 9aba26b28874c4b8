"""What NVIDIA's library is asked and what is made of its answers, with a stand-in for the library."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from vidbench.conditions.gpu import Address, list_gpus, open_gpu

UUIDS = ("GPU-aaaa", "GPU-bbbb")


class Library(ModuleType):
    """pynvml with two GPUs, of which the second is shared, capped and hot; a handle is the GPU's number."""

    def __init__(self) -> None:
        super().__init__("pynvml")
        self.limits = [0x1, 0x4 | 0x40 | 0x20]
        self.processes = [[], [30, 20]]
        self.lacks: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in self.lacks:
            raise AttributeError(name)
        answers = {
            "nvmlInit": lambda: None,
            "nvmlSystemGetDriverVersion": lambda: "570.86",
            "nvmlDeviceGetCount": lambda: 2,
            "nvmlDeviceGetHandleByIndex": lambda index: index,
            "nvmlDeviceGetHandleByUUID": UUIDS.index,
            "nvmlDeviceGetHandleByPciBusId": {"00000000:3b:00.0": 1}.__getitem__,
            "nvmlDeviceGetName": lambda _: "NVIDIA H100",
            "nvmlDeviceGetUUID": UUIDS.__getitem__,
            "nvmlDeviceGetMemoryInfo": lambda _: SimpleNamespace(total=80, free=70),
            "nvmlDeviceGetClockInfo": lambda _, clock: {1: 1755, 2: 2619}[clock],
            "nvmlDeviceGetMaxClockInfo": lambda _, clock: {1: 1980}[clock],
            "nvmlDeviceGetTemperature": lambda _, sensor: {0: 61}[sensor],
            "nvmlDeviceGetPowerUsage": lambda _: 351_200,
            "nvmlDeviceGetEnforcedPowerLimit": lambda handle: [700_000, 500_000][handle],
            "nvmlDeviceGetPowerManagementDefaultLimit": lambda _: 700_000,
            "nvmlDeviceGetUtilizationRates": lambda _: SimpleNamespace(gpu=25, memory=3),
            "nvmlDeviceGetCurrentClocksEventReasons": self.limits.__getitem__,
            "nvmlDeviceGetCurrentClocksThrottleReasons": self.limits.__getitem__,
            "nvmlDeviceGetComputeRunningProcesses": lambda handle: [
                SimpleNamespace(pid=pid) for pid in self.processes[handle]
            ],
            "nvmlDeviceGetViolationStatus": lambda _, policy: SimpleNamespace(
                violationTime={0: 2_500_000_000, 1: 0}[policy], referenceTime=1
            ),
        }
        return answers[name]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    library = Library()
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return library


@pytest.mark.usefixtures("library")
class TestReading:
    def test_figures(self):
        """Clocks in Hz, power in watts, utilization as a share, time held down in seconds; processes in order."""
        reading = open_gpu(Address(uuid="bbbb"))()
        assert (reading.clock, reading.memory_clock, reading.temperature) == (1.755e9, 2.619e9, 61)
        assert (reading.power, reading.power_limit) == (pytest.approx(351.2), 500)
        assert reading.utilization == 0.25
        assert reading.limits == ("power cap of the GPU", "heat of the GPU")
        assert reading.held == (("power cap of the GPU", 2.5), ("heat of the GPU", 0))
        assert reading.processes == (20, 30)

    def test_idle(self):
        """A clock that is low because nothing runs is held down by nothing."""
        assert open_gpu(Address(uuid="aaaa"))().limits == ()

    def test_by_the_bus(self):
        """Where a GPU's name is not known, its place on the PCI bus is."""
        assert open_gpu(Address(uuid="cccc", bus="00000000:3b:00.0"))().power_limit == 500
        assert open_gpu(Address(uuid="cccc", bus="00000000:ff:00.0")) is None
        assert open_gpu(Address()) is None


def test_older_driver(library):
    """What a driver cannot tell is unknown, and the older name of a question is tried."""
    library.lacks = {
        "nvmlDeviceGetCurrentClocksEventReasons",
        "nvmlDeviceGetViolationStatus",
        "nvmlDeviceGetComputeRunningProcesses",
        "nvmlDeviceGetPowerUsage",
    }
    reading = open_gpu(Address(uuid="bbbb"))()
    assert reading.limits == ("power cap of the GPU", "heat of the GPU")
    assert (reading.held, reading.processes, reading.power) == ((), None, None)


@pytest.mark.usefixtures("library")
class TestList:
    def test_all(self):
        """Every GPU with what it is made for and what it does now."""
        first, second = list_gpus()
        assert (first.index, first.name, first.driver, first.uuid) == (0, "NVIDIA H100", "570.86", "GPU-aaaa")
        assert (second.power_default, second.now.power_limit, second.clock_limit) == (700, 500, 1.98e9)
        assert (second.memory, second.memory_free) == (80, 70)

    @pytest.mark.parametrize(("visible", "shown"), [("GPU-bb", [1]), ("0", [0, 1]), ("", []), ("GPU-zz", [])])
    def test_visible(self, monkeypatch, visible, shown):
        """What CUDA_VISIBLE_DEVICES hides by name, or altogether, is left out; numbers may be another order's."""
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert [gpu.index for gpu in list_gpus()] == shown


def test_without_library(monkeypatch):
    """Without nvidia-ml-py nothing is told, and nothing fails."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert list_gpus() == ()
    assert open_gpu(Address(uuid="aaaa")) is None
