"""Counters of energy, read from trees and drivers as machines have them."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from vidbench.measure.meters import MeterError, find_meter

CPU, GPU = torch.device("cpu"), torch.device("cuda:1")
SPAN = 262_143_328_850  # microjoules after which Intel's counters start over


class NVMLError(Exception):
    pass


def write_zone(root: Path, zone: str, name: str, microjoules: int) -> Path:
    folder = root / zone
    folder.mkdir()
    (folder / "name").write_text(f"{name}\n")
    (folder / "max_energy_range_uj").write_text(f"{SPAN}\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    return folder / "energy_uj"


class TestRapl:
    def test_packages(self, tmp_path):
        """It is all packages, each once: not their cores, not the platform, which holds them."""
        files = [
            write_zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000),
            write_zone(tmp_path, "intel-rapl:1", "package-1", 7_000_000),
        ]
        for zone, name in (("intel-rapl:0:0", "core"), ("intel-rapl:2", "psys"), ("intel-rapl-mmio:0", "package-0")):
            files.append(write_zone(tmp_path, zone, name, 0))
        meter = find_meter(CPU, tmp_path)
        before = meter.joules()
        for file, microjoules in zip(files, (9_000_000, 8_500_000, 10**9, 10**9, 10**9), strict=True):
            file.write_text(f"{microjoules}\n")
        assert meter.joules() - before == pytest.approx(4 + 1.5)
        assert "all 2 CPU packages" in meter.what
        assert meter.busy is None

    def test_wrap(self, tmp_path):
        """A counter that starts over has gone on, also twice."""
        file = write_zone(tmp_path, "intel-rapl:0", "package-0", SPAN - 1_000_000)
        meter = find_meter(CPU, tmp_path)
        before = meter.joules()
        for microjoules, joules in ((2_000_000, 3), (SPAN - 1_000_000, SPAN / 1e6), (500_000, SPAN / 1e6 + 1.5)):
            file.write_text(str(microjoules))
            assert meter.joules() - before == pytest.approx(joules)
        assert "of the CPU package," in meter.what

    def test_none(self, tmp_path):
        """A machine without them is told apart from one that keeps them to root."""
        with pytest.raises(MeterError, match="no RAPL counters"):
            find_meter(CPU, tmp_path / "nowhere")

    def test_permission(self, tmp_path, monkeypatch):
        """Counters that only root may read are named, with what makes them readable."""
        file = write_zone(tmp_path, "intel-rapl:0", "package-0", 0)
        read = Path.read_text

        def refuse(path: Path) -> str:
            if path == file:
                raise PermissionError(13, "Permission denied", str(path))
            return read(path)

        monkeypatch.setattr(Path, "read_text", refuse)
        with pytest.raises(MeterError, match=r"intel-rapl:0/energy_uj is not readable \(permission\)"):
            find_meter(CPU, tmp_path)

    def test_vanished(self, tmp_path):
        """A counter that goes away is a reason, not a crash."""
        file = write_zone(tmp_path, "intel-rapl:0", "package-0", 0)
        meter = find_meter(CPU, tmp_path)
        file.unlink()
        with pytest.raises(MeterError, match="cannot be read"):
            meter.joules()


@pytest.fixture
def nvml(monkeypatch) -> Callable[..., None]:
    """A driver that sees two GPUs of which torch is given the second as its cuda:1, under the UUID it has there."""

    def install(**functions: Callable) -> None:
        def find(uuid: str) -> str:
            if uuid != "GPU-1234-abcd":
                raise NVMLError("Not Found")
            return "second"

        module = SimpleNamespace(
            **{
                "NVMLError": NVMLError,
                "nvmlInit": lambda: None,
                "nvmlDeviceGetHandleByUUID": find,
                "nvmlDeviceGetTotalEnergyConsumption": {"second": 5_250}.__getitem__,
                "nvmlDeviceGetUtilizationRates": lambda _: SimpleNamespace(gpu=75, memory=10),
                **functions,
            }
        )
        monkeypatch.setitem(sys.modules, "pynvml", module)

    properties = {GPU: SimpleNamespace(uuid="1234-abcd"), torch.device("cuda:0"): SimpleNamespace(uuid="other")}
    monkeypatch.setattr(torch.cuda, "get_device_properties", properties.__getitem__)
    return install


class TestNvml:
    def test_figures(self, nvml):
        """Millijoules become joules, percent a share, of the GPU that has torch's UUID."""
        nvml()
        meter = find_meter(GPU)
        assert meter.joules() == 5.25
        assert meter.busy is not None
        assert meter.busy() == 0.75
        assert "whole GPU" in meter.what

    def test_other_gpu(self, nvml):
        """A GPU that the driver does not know by its UUID is none that can be read."""
        nvml()
        with pytest.raises(MeterError, match="does not know this GPU"):
            find_meter(torch.device("cuda:0"))

    def test_old_gpu(self, nvml):
        """GPUs before Volta have no counter, which is known before anything is measured."""

        def refuse(_: str) -> int:
            raise NVMLError("Not Supported")

        nvml(nvmlDeviceGetTotalEnergyConsumption=refuse)
        with pytest.raises(MeterError, match=r"does not give it \(Not Supported\)"):
            find_meter(GPU)

    def test_no_driver(self, nvml):
        """Nor is a machine without a driver a crash."""

        def refuse() -> None:
            raise NVMLError("Driver Not Loaded")

        nvml(nvmlInit=refuse)
        with pytest.raises(MeterError, match="Driver Not Loaded"):
            find_meter(GPU)

    def test_not_installed(self, monkeypatch):
        """The extra that reads the driver is named."""
        monkeypatch.setitem(sys.modules, "pynvml", None)
        with pytest.raises(MeterError, match=r"pip install 'vidbench\[gpu\]'"):
            find_meter(GPU)
