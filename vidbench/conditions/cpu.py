"""What the CPUs are doing, as the kernel tells it; what it does not tell is None."""

import os
import platform
import sys
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean

from vidbench.conditions.files import ROOT, read_number, read_text
from vidbench.conditions.quota import Stops, read_stops

CPUS = "sys/devices/system/cpu"
ASKED = 8  # CPUs whose frequency is read: each is a file, and on some machines a question to the core itself
BUSY = (0, 1, 2, 5, 6)  # user, nice, system, irq, softirq in a line of /proc/stat; guests are in user already
STOLEN = 7
SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal")


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuReading:
    """The usable CPUs at one moment; what is added up (`busy`, `own`, `stolen`, stops) counts from some start on.

    Attributes:
        busy: seconds that they computed, added up; `own` is this process's part of it.
        stolen: seconds that a host kept from them, added up.
        load: processes that run or would, the mean of the last minute.
        frequency: their mean, in Hz.
        temperature: the hottest sensor's, in degrees Celsius.
        governor: what chooses their frequency, several with commas between.
        stops: for having used up a quota of CPU time.
        heat_stops: times that a core was slowed down for its heat.
    """

    busy: float | None = None
    own: float = 0.0
    stolen: float | None = None
    load: float | None = None
    frequency: float | None = None
    temperature: float | None = None
    governor: str | None = None
    stops: Stops | None = None
    heat_stops: int | None = None


def read_cpu(cpus: Collection[int], *, thoroughly: bool = False, root: Path = ROOT) -> CpuReading:
    """Read those CPUs as they are now; thoroughly is with temperature and governor, which takes longer."""
    busy, stolen = parse_stat(read_text("proc/stat", root) or "", cpus)
    return CpuReading(
        busy=busy,
        own=time.process_time(),
        stolen=stolen,
        load=parse_load(read_text("proc/loadavg", root) or ""),
        frequency=read_frequency(cpus, root),
        temperature=_read_temperature() if thoroughly else None,
        governor=_read_governor(cpus, root) if thoroughly else None,
        stops=read_stops(root),
        heat_stops=_count_heat_stops(cpus, root),
    )


def usable_cpus() -> tuple[int, ...]:
    """The numbers of the CPUs that this process may run on."""
    if sys.platform == "linux":
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def name_cpu(root: Path = ROOT) -> str:
    """What the machine's CPU is called."""
    for line in (read_text("proc/cpuinfo", root) or "").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def name_numbers(numbers: Iterable[int]) -> str:
    """CPUs as the kernel lists them: `0-3,8`."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][-1] + 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    return ",".join("-".join(map(str, span)) for span in spans)


def parse_stat(text: str, cpus: Collection[int]) -> tuple[float | None, float | None]:
    """Seconds that these CPUs computed, and that were kept from them, since the machine started, of /proc/stat.

    The line of all CPUs is taken where these are all: it is rounded once, and not once a CPU.
    """
    lines = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.startswith("cpu")}
    names = {f"cpu{number}" for number in cpus}
    chosen = ["cpu"] if names >= lines.keys() - {"cpu"} else sorted(names & lines.keys())
    try:
        ticks = [[int(field) for field in lines[name]] for name in chosen]
        busy = sum(line[index] for line in ticks for index in BUSY)
        stolen = sum(line[STOLEN] for line in ticks)
    except (IndexError, KeyError, ValueError):
        return None, None
    return (busy / _ticks(), stolen / _ticks()) if busy else (None, None)  # a sandbox may tell nothing but noughts


def parse_load(text: str) -> float | None:
    """The mean of the last minute, of /proc/loadavg."""
    try:
        return float(text.split(maxsplit=1)[0])
    except (IndexError, ValueError):
        return None


def read_frequency(cpus: Collection[int], root: Path = ROOT) -> float | None:
    """The mean of some of these CPUs in Hz: what cpufreq says, otherwise /proc/cpuinfo."""
    some = sorted(cpus)[:: max(1, len(cpus) // ASKED)]
    told = [read_number(f"{CPUS}/cpu{number}/cpufreq/scaling_cur_freq", root) for number in some]
    if known := [1e3 * kilohertz for kilohertz in told if kilohertz]:
        return fmean(known)
    return parse_frequency(read_text("proc/cpuinfo", root) or "")


def parse_frequency(text: str) -> float | None:
    """The mean of all CPUs in Hz, of /proc/cpuinfo."""
    told = [line.partition(":")[2] for line in text.splitlines() if line.lower().startswith("cpu mhz")]
    try:
        return 1e6 * fmean(map(float, told)) if told else None
    except ValueError:
        return None


def _count_heat_stops(cpus: Collection[int], root: Path) -> int | None:
    counts = [read_number(path, root) for path in _find_heat_counts(tuple(cpus), root)]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


@cache
def _find_heat_counts(cpus: tuple[int, ...], root: Path) -> tuple[str, ...]:
    """Files that count slowdowns for heat; most machines have none."""
    names = ("core_throttle_count", "package_throttle_count")
    paths = [f"{CPUS}/cpu{number}/thermal_throttle/{name}" for number in cpus for name in names]
    return tuple(path for path in paths if (root / path).is_file())


def _read_governor(cpus: Collection[int], root: Path) -> str | None:
    told = {read_text(f"{CPUS}/cpu{number}/cpufreq/scaling_governor", root) for number in cpus}
    return ", ".join(sorted(name for name in told if name)) or None


def _read_temperature() -> float | None:
    import psutil

    sensors = psutil.sensors_temperatures() if hasattr(psutil, "sensors_temperatures") else {}
    return max((float(one.current) for name in SENSORS for one in sensors.get(name, ()) if one.current), default=None)


@cache
def _ticks() -> int:
    """A second of /proc/stat."""
    return int(os.sysconf("SC_CLK_TCK"))
