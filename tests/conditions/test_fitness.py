"""What makes a machine unfit: nothing on a fit one, and each thing by itself, with what to do."""

from dataclasses import replace
from typing import Any

import pytest

from vidbench.conditions.cpu import CpuReading
from vidbench.conditions.fitness import Finding, judge_machine
from vidbench.conditions.gpu import Gpu, GpuReading
from vidbench.conditions.machine import Machine, Process, Stack
from vidbench.conditions.reading import Reading


def reading(**cpu: Any) -> Reading:
    known = {"governor": "performance", "heat_stops": 5, "load": 0.1}
    return Reading(time=1.0, cpus=(0, 1, 2, 3), cpu=CpuReading(**{**known, **cpu}))


FIT = Machine(
    name="AMD EPYC", cpus=4, cores=4, affinity=(0, 1, 2, 3), quota=None, frequency_limit=3e9, virtual=False,
    memory=16e9, memory_free=12e9, swap_used=0.0, on_battery=False, others=0.02, stolen=0.0, busiest=(),
    before=reading(), now=reading(),
)  # fmt: skip
ON_CPU = Stack(device="cpu", versions={"torch": "2.13.0", "CUDA": "12.8", "cuDNN": "90701"}, threads=4)
ON_GPU = replace(ON_CPU, device="cuda:0")
GPU = Gpu(
    index=1, name="NVIDIA H100", uuid="GPU-a", driver="570.86", memory=8e10, memory_free=7e10, clock_limit=1.98e9,
    power_default=700.0, now=GpuReading(power_limit=700.0, utilization=0.0, processes=()),
)  # fmt: skip


def with_gpu(**now: Any) -> dict[str, Any]:
    return {"gpus": (replace(GPU, now=replace(GPU.now, **now)),), "gpu_names": {77: "python"}}


BUSY = (Process(number=12, name="pytest", cpus=1.5), Process(number=9, name="make", cpus=0.3))
UNFIT: dict[str, tuple[dict[str, Any], Stack, str, str]] = {
    "load": ({"others": 1.8, "busiest": BUSY}, ON_CPU, "1.80 of 4 CPUs: pytest (12) 1.50, make (9) 0.30", "end them"),
    "stolen": ({"stolen": 0.5}, ON_CPU, "the host keeps 0.50 CPUs' worth", "not shared"),
    "quota": ({"quota": 2.5}, ON_CPU, "2.50 CPUs' worth of time on 4 CPUs", "--threads 2"),
    "governor": ({"now": reading(governor="powersave")}, ON_CPU, "is powersave", "-g performance"),
    "battery": ({"on_battery": True}, ON_CPU, "battery", "plug it in"),
    "heat": ({"now": reading(heat_stops=6)}, ON_CPU, "slowed down for their heat", "cool down"),
    "memory": ({"memory_free": 1.5e9}, ON_CPU, "only 1.40 GiB of memory are free", "smaller cases"),
    "swap": ({"swap_used": 2.0**30}, ON_CPU, "1.00 GiB of memory are swapped out", "swapoff"),
    "gpu-shared": (with_gpu(processes=(77, 78)), ON_GPU, "GPU 1 (NVIDIA H100): python (77), process (78)", "--device"),
    "gpu-busy": (with_gpu(utilization=0.4), ON_GPU, "is at work (40%)", "until it is idle"),
    "power-cap": (with_gpu(power_limit=500.0), ON_GPU, "500.0 W, below its default of 700.0", "-i 1 -pl 700"),
    "gpu-limit": (with_gpu(limits=("heat of the GPU",)), ON_GPU, "held down now: heat of the GPU", "cooling"),
    "cudnn": (with_gpu(), replace(ON_GPU, versions={"CUDA": "12.8", "cuDNN": None}), "no cuDNN", "own wheels"),
    "nvml": ({}, ON_GPU, "cannot be read", "vidbench[gpu]"),
    "no-cuda": (with_gpu(), replace(ON_CPU, versions={"CUDA": None}), "built without CUDA", "pytorch.org"),
    "threads": ({}, replace(ON_CPU, threads=1, limit="1"), "1 of 4 cores, for OMP_NUM_THREADS is 1", "--threads 4"),
    "onednn": ({}, replace(ON_CPU, onednn=False), "without oneDNN", "own wheels"),
}  # fmt: skip


@pytest.mark.parametrize(("machine", "stack"), [(FIT, ON_CPU), (replace(FIT, **with_gpu()), ON_GPU)])
def test_fit(machine, stack):
    """A quiet machine in order has nothing against it."""
    assert judge_machine(machine, stack) == ()


@pytest.mark.parametrize("name", UNFIT)
def test_unfit(name):
    """Each reason is found, alone, says what is the matter, and what to do."""
    changes, stack, what, advice = UNFIT[name]
    (finding,) = judge_machine(replace(FIT, **changes), stack)
    assert finding.name == name
    assert what in finding.what
    assert advice in finding.advice


def test_unknown_is_no_reason():
    """What a machine does not tell is not held against it."""
    told = {"others": None, "stolen": None, "on_battery": None, "cores": None, "quota": None}
    silent = reading(governor=None, heat_stops=None)
    assert judge_machine(replace(FIT, **told, before=silent, now=silent), ON_CPU) == ()


def test_threads():
    """Threads of half the CPUs are right where two CPUs are a core; more threads than CPUs are too many."""
    assert judge_machine(replace(FIT, cores=2), replace(ON_CPU, threads=2)) == ()
    (finding,) = judge_machine(replace(FIT, cores=2), replace(ON_CPU, threads=8))
    assert isinstance(finding, Finding)
    assert "8 threads on 4 CPUs" in finding.what
    assert "--threads 2" in finding.advice
