"""Meters of energy: the GPU's own counter, by NVML, and those of CPU packages (RAPL), as joules that only grow."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from vidbench.conditions.gpu import find_handle
from vidbench.environment import locate_gpu
from vidbench.errors import VidbenchError

RAPL = Path("/sys/class/powercap")


class MeterError(VidbenchError):
    """There is no such counter here, or it cannot be read; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Meter:
    """A counter of energy.

    Attributes:
        what: it counts, for a method.
        joules: reads it: what was taken since some time in the past. Raises MeterError.
        busy: reads the share of the last sampling period, up to a second, in which the device worked; None where there
            is no such counter. Raises MeterError.
    """

    what: str
    joules: Callable[[], float]
    busy: Callable[[], float] | None = None


def find_meter(device: torch.device, rapl: Path = RAPL) -> Meter:
    """The meter of that device: of one GPU, or of all CPU packages.

    Raises:
        MeterError: there is none that can be read.
    """
    return _nvml_meter(device) if device.type == "cuda" else _rapl_meter(rapl)


def _nvml_meter(device: torch.device) -> Meter:
    try:
        import pynvml
    except ImportError as error:
        raise MeterError("a GPU's counters are read by nvidia-ml-py: pip install 'vidbench[gpu]'") from error

    with _nvml_errors():
        pynvml.nvmlInit()
    handle = find_handle(pynvml, locate_gpu(device))
    if handle is None:
        raise MeterError("the NVIDIA driver does not know this GPU")

    def joules() -> float:
        with _nvml_errors():
            return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3

    def busy() -> float:
        with _nvml_errors():
            return float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu) / 100

    joules()  # GPUs before Volta have no such counter
    return Meter("the whole GPU's energy counter (NVML), whoever uses it", joules, busy)


@contextmanager
def _nvml_errors() -> Iterator[None]:
    import pynvml

    try:
        yield
    except pynvml.NVMLError as error:
        raise MeterError(f"the NVIDIA driver does not give it ({error})") from error


@dataclass(slots=True)
class _Package:
    """The counter of one CPU package in microjoules, which starts over after `span`."""

    file: Path
    span: int
    total: int = 0
    last: int = field(init=False)

    def __post_init__(self) -> None:
        self.last = int(self.file.read_text())

    def read(self) -> int:
        """Microjoules since this object was made."""
        now = int(self.file.read_text())
        self.total += now - self.last if now >= self.last else now - self.last + self.span
        self.last = now
        return self.total


def _rapl_meter(root: Path) -> Meter:
    zones = [zone for zone in sorted(root.glob("intel-rapl:*")) if _name_zone(zone).startswith("package")]
    if not zones:
        raise MeterError("this machine has no RAPL counters (a virtual machine?)")
    with _rapl_errors():
        packages = [_Package(zone / "energy_uj", int((zone / "max_energy_range_uj").read_text())) for zone in zones]

    def joules() -> float:
        with _rapl_errors():
            return sum(package.read() for package in packages) / 1e6

    count = "the CPU package" if len(packages) == 1 else f"all {len(packages)} CPU packages"
    return Meter(f"the energy counters (RAPL) of {count}, whoever uses them, without memory modules", joules)


def _name_zone(zone: Path) -> str:
    """Such as package-0, core or psys; nothing where it has no name."""
    try:
        return (zone / "name").read_text().strip()
    except OSError:
        return ""


@contextmanager
def _rapl_errors() -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        message = f"{error.filename} is not readable (permission); root, or an administrator's chmod a+r, makes it so"
        raise MeterError(message) from error
    except (OSError, ValueError) as error:
        raise MeterError(f"the RAPL counters cannot be read ({error})") from error
