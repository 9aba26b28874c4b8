"""What a machine is, and what others do on it now."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vidbench.conditions.cpu import CPUS, name_cpu, usable_cpus
from vidbench.conditions.disturbance import others
from vidbench.conditions.files import ROOT, read_number, read_text
from vidbench.conditions.gpu import Gpu, list_gpus
from vidbench.conditions.quota import read_quota
from vidbench.conditions.reading import Reading, open_machine

SECONDS = 1.0  # for which others are watched
BUSY = 0.05  # of a CPU: a process that uses less is not named
PACKAGES = {"PyAV": "av", "fvcore": "fvcore", "ptflops": "ptflops", "nvidia-ml-py": "nvidia-ml-py"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """Another process, and how many CPUs' worth of work it did."""

    number: int
    name: str
    cpus: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What can be told of a machine without using its devices; None is unknown.

    Attributes:
        cpus: logical CPUs that there are; `affinity` those that this process may use, `cores` the physical ones.
        quota: CPUs' worth of time that control groups allow; None without a limit.
        frequency_limit: the highest of a CPU, in Hz.
        virtual: whether it is a virtual machine, whose neighbours cannot be seen.
        memory_free: bytes that can be allocated without swapping.
        on_battery: whether that is what it runs on.
        others: CPUs' worth of work that all other processes did, `busiest` the processes that did most of it.
        stolen: CPUs' worth of time that a host kept from it.
        gpu_names: of the processes that compute on GPUs, by their numbers, as far as they can be seen.
    """

    name: str
    cpus: int
    cores: int | None
    affinity: tuple[int, ...]
    quota: float | None
    frequency_limit: float | None
    virtual: bool
    memory: float
    memory_free: float
    swap_used: float
    on_battery: bool | None
    others: float | None
    stolen: float | None
    busiest: tuple[Process, ...]
    before: Reading
    now: Reading
    gpus: tuple[Gpu, ...] = ()
    gpu_names: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What computes: versions by name (None is missing), and how torch is set up on `device`, such as cuda:0.

    `limit` is what OMP_NUM_THREADS was set to, if it was.
    """

    device: str
    versions: Mapping[str, str | None]
    threads: int
    limit: str | None = None
    onednn: bool = True


def read_machine(seconds: float = SECONDS, sleep: Callable[[float], None] = time.sleep) -> Machine:
    """Tell what this machine is; for so many seconds it watches what others do, itself doing nothing."""
    import psutil

    read = open_machine()
    earlier = _cpu_times()
    before = read(thoroughly=True)
    sleep(seconds)
    now = read(thoroughly=True)
    span = now.time - before.time
    stolen = None
    if before.cpu.stolen is not None and now.cpu.stolen is not None:
        stolen = (now.cpu.stolen - before.cpu.stolen) / span
    gpus = list_gpus()
    memory, swap, battery = psutil.virtual_memory(), psutil.swap_memory(), _read_battery()
    return Machine(
        name=name_cpu(),
        cpus=psutil.cpu_count() or len(usable_cpus()),
        cores=psutil.cpu_count(logical=False),
        affinity=usable_cpus(),
        quota=read_quota(),
        frequency_limit=_read_limit(usable_cpus()),
        virtual="hypervisor" in (read_text("proc/cpuinfo") or ""),
        memory=float(memory.total),
        memory_free=float(memory.available),
        swap_used=float(swap.used),
        on_battery=battery,
        others=others(before, now),
        stolen=stolen,
        busiest=_find_busiest(earlier, _cpu_times(), span),
        before=before,
        now=now,
        gpus=gpus,
        gpu_names=_name_processes({number for gpu in gpus for number in gpu.now.processes or ()}),
    )


def read_versions() -> dict[str, str | None]:
    """Of the packages that vidbench makes use of, those that are missing None."""
    return {name: _version(package) for name, package in PACKAGES.items()}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _read_limit(cpus: tuple[int, ...], root: Path = ROOT) -> float | None:
    told = [read_number(f"{CPUS}/cpu{number}/cpufreq/cpuinfo_max_freq", root) for number in cpus]
    return max((1e3 * kilohertz for kilohertz in told if kilohertz), default=None)


def _read_battery() -> bool | None:
    import psutil

    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    return None if battery is None or battery.power_plugged is None else not battery.power_plugged


def _cpu_times() -> dict[tuple[int, float], tuple[str, float]]:
    """The name of each other process, and the seconds that it has computed; by its number and when it began."""
    import psutil

    own = psutil.Process().pid
    times: dict[tuple[int, float], tuple[str, float]] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            used = process.cpu_times()
            if process.pid != own:
                times[process.pid, process.create_time()] = process.name(), float(used.user + used.system)
    return times


def _find_busiest(
    before: Mapping[tuple[int, float], tuple[str, float]],
    after: Mapping[tuple[int, float], tuple[str, float]],
    seconds: float,
) -> tuple[Process, ...]:
    found = [
        Process(number=key[0], name=name, cpus=(used - before.get(key, (name, 0.0))[1]) / seconds)
        for key, (name, used) in after.items()
    ]
    return tuple(sorted((one for one in found if one.cpus > BUSY), key=lambda one: -one.cpus))


def _name_processes(numbers: set[int]) -> dict[int, str]:
    import psutil

    names = {}
    for number in sorted(numbers):
        with suppress(psutil.Error):
            names[number] = psutil.Process(number).name()
    return names
