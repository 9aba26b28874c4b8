"""One look at the machine: its CPUs, and the GPU that is measured on."""

import time
from dataclasses import dataclass
from typing import Protocol

from vidbench.conditions.cpu import CpuReading, read_cpu, usable_cpus
from vidbench.conditions.gpu import Address, GpuReading, open_gpu


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the machine was doing at `time`, in seconds from whenever; `cpus` are those that may be used."""

    time: float
    cpus: tuple[int, ...]
    cpu: CpuReading
    gpu: GpuReading | None = None


class Reader(Protocol):
    """What reads a machine; thoroughly is with temperature and governor, which takes longer."""

    def __call__(self, *, thoroughly: bool = False) -> Reading:
        """Read it as it is now."""


def open_machine(gpu: Address | None = None) -> Reader:
    """What reads the CPUs that this process may use, and that GPU."""
    cpus = usable_cpus()
    read_gpu = open_gpu(gpu) if gpu else None

    def read(*, thoroughly: bool = False) -> Reading:
        cpu = read_cpu(cpus, thoroughly=thoroughly)
        return Reading(time=time.perf_counter(), cpus=cpus, cpu=cpu, gpu=read_gpu() if read_gpu else None)

    return read
