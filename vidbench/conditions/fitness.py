"""What makes a machine unfit to measure on, each thing with what to do about it."""

from collections.abc import Iterator
from dataclasses import dataclass

from vidbench.conditions.disturbance import allowed_others
from vidbench.conditions.gpu import Gpu
from vidbench.conditions.machine import Machine, Stack
from vidbench.units import column_scale, format_number

NAMED = 3  # processes
SWAPPED = 0.01  # of the memory: less is left over from some other time
SCARCE = 0.1  # of the memory
CAPPED = 0.99  # of a GPU's default power


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One reason why figures taken now would be worth less; `name` is for programs, `what` and `advice` for people."""

    name: str
    what: str
    advice: str


def judge_machine(machine: Machine, stack: Stack) -> tuple[Finding, ...]:
    """All that is found, what matters most to a case on the stack's device first."""
    found = (*_find_load(machine), *_find_gpu(machine, stack), *_find_cpu(machine), *_find_setup(machine, stack))
    return tuple(Finding(name=name, what=what, advice=advice) for name, what, advice in found)


Found = Iterator[tuple[str, str, str]]


def _find_load(machine: Machine) -> Found:
    cpus = len(machine.affinity)
    if machine.others is not None and machine.others > allowed_others(cpus):
        named = [f"{one.name} ({one.number}) {format_number(one.cpus)}" for one in machine.busiest[:NAMED]]
        who = f": {', '.join(named)}" if named else ""
        yield (
            "load",
            f"other processes use {format_number(machine.others)} of {cpus} CPUs{who}",
            "wait until they are done, or end them; what is measured beside them is marked with !",
        )
    if machine.stolen is not None and machine.stolen > allowed_others(cpus):
        yield (
            "stolen",
            f"the host keeps {format_number(machine.stolen)} CPUs' worth of time from this virtual machine",
            "measure where the CPUs are not shared, or take the spread of many runs (--repeats) for what it is",
        )


def _find_cpu(machine: Machine) -> Found:
    cpus = len(machine.affinity)
    before, now = machine.before.cpu, machine.now.cpu
    if machine.quota is not None and machine.quota < cpus:
        whole = max(1, int(machine.quota))
        yield (
            "quota",
            f"a control group allows {format_number(machine.quota)} CPUs' worth of time on {cpus} CPUs: once it is "
            "used up, everything stops until the next period",
            f"--threads {whole}, or start the container with CPUs of its own (--cpuset-cpus) instead of a quota",
        )
    if now.governor is not None and now.governor != "performance":
        yield (
            "governor",
            f"the governor of the CPUs' frequency is {now.governor}: the clock follows the load",
            "`sudo cpupower frequency-set -g performance` before measuring; vidbench itself sets no clock",
        )
    if machine.on_battery:
        yield "battery", "it runs on its battery, which most machines save by slower clocks", "plug it in"
    if before.heat_stops is not None and (now.heat_stops or 0) > before.heat_stops:
        yield "heat", "cores are being slowed down for their heat", "let it cool down, and see to its cooling"
    if machine.memory_free < SCARCE * machine.memory:
        scale = column_scale([machine.memory_free], "bytes")
        free = f"{scale.format(machine.memory_free)} {scale.label}"
        yield "memory", f"only {free} of memory are free", "end what holds memory, or measure smaller cases"
    if machine.swap_used > SWAPPED * machine.memory:
        scale = column_scale([machine.swap_used], "bytes")
        used = f"{scale.format(machine.swap_used)} {scale.label}"
        yield "swap", f"{used} of memory are swapped out", "free memory, then `sudo swapoff -a && sudo swapon -a`"


def _find_gpu(machine: Machine, stack: Stack) -> Found:
    for gpu in machine.gpus:
        yield from _find_gpu_at_work(machine, gpu)
    on_gpu = stack.device.startswith("cuda")
    if on_gpu and stack.versions.get("cuDNN") is None:
        yield (
            "cudnn",
            "torch finds no cuDNN: convolutions take slow ways",
            "install torch from its own wheels (https://pytorch.org), which bring cuDNN along",
        )
    if on_gpu and not machine.gpus:
        yield (
            "nvml",
            "clocks, heat, power and neighbours of the GPU cannot be read",
            "pip install 'vidbench[gpu]' (nvidia-ml-py), and let this process see the driver",
        )
    if machine.gpus and stack.versions.get("CUDA") is None:
        yield (
            "no-cuda",
            "there is an NVIDIA GPU, but torch is built without CUDA",
            "install a torch with CUDA from https://pytorch.org to measure on it",
        )


def _find_gpu_at_work(machine: Machine, gpu: Gpu) -> Found:
    name = f"GPU {gpu.index} ({gpu.name})"
    if gpu.now.processes:
        who = ", ".join(f"{machine.gpu_names.get(one, 'process')} ({one})" for one in gpu.now.processes[:NAMED])
        yield (
            "gpu-shared",
            f"{len(gpu.now.processes)} other process{'es' if len(gpu.now.processes) > 1 else ''} on {name}: {who}",
            "wait until they are done, or choose a GPU of your own with --device cuda:N or CUDA_VISIBLE_DEVICES",
        )
    elif gpu.now.utilization:
        yield (
            "gpu-busy",
            f"{name} is at work ({gpu.now.utilization:.0%}), whoever it is for",
            "wait until it is idle; in a container, ask the host who uses it",
        )
    limit, default = gpu.now.power_limit, gpu.power_default
    if limit is not None and default is not None and limit < CAPPED * default:
        yield (
            "power-cap",
            f"{name} is capped at {format_number(limit)} W, below its default of {format_number(default)} W",
            f"`sudo nvidia-smi -i {gpu.index} -pl {default:.0f}`, or name the cap with the figures; vidbench sets none",
        )
    if gpu.now.limits:
        yield (
            "gpu-limit",
            f"{name} is held down now: {', '.join(gpu.now.limits)}",
            "let it cool down and see to its cooling and power; samples taken so are marked with !",
        )


def _find_setup(machine: Machine, stack: Stack) -> Found:
    cores = min(len(machine.affinity), machine.cores or len(machine.affinity))
    if stack.threads > len(machine.affinity):
        yield (
            "threads",
            f"torch computes with {stack.threads} threads on {len(machine.affinity)} CPUs: they wait for one another",
            f"--threads {cores}" + (" (OMP_NUM_THREADS is set)" if stack.limit else ""),
        )
    elif stack.threads < cores:
        why = f", for OMP_NUM_THREADS is {stack.limit}" if stack.limit else ""
        yield (
            "threads",
            f"torch computes with {stack.threads} of {cores} cores{why}",
            f"--threads {cores}, unless so few are meant",
        )
    if not stack.onednn:
        yield (
            "onednn",
            "torch is built without oneDNN: convolutions on the CPU take slow ways",
            "install torch from its own wheels (https://pytorch.org)",
        )
