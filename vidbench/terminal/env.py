"""What a machine is, what makes it unfit to measure on, and how much the same case differs on it."""

import sys
from collections.abc import Iterator, Sequence

from rich.text import Text

from vidbench.conditions.cpu import name_numbers
from vidbench.conditions.fitness import Finding
from vidbench.conditions.gpu import Gpu
from vidbench.conditions.machine import Machine, Stack
from vidbench.conditions.noise import Noise
from vidbench.terminal.screen import UNKNOWN, make_table, open_console, print_table, write_notes
from vidbench.units import column_scale, format_number


def print_machine(machine: Machine, stack: Stack, findings: Sequence[Finding]) -> None:
    """A line a part of the machine, then a line a finding and what to do about it."""
    console = open_console(sys.stdout)
    lines = [*_describe_cpu(machine), *map(_describe_gpu, machine.gpus), *_describe_stack(stack)]
    width = max(len(head) for head, _ in lines)
    for head, text in lines:
        console.print(Text(f"{head:{width}}  {text}"), soft_wrap=True)
    console.print()
    if not findings:
        write_notes(console, ["nothing was found that makes this machine unfit to measure on"])
    for finding in findings:
        write_notes(console, [f"unfit: {finding.what}", f"       {finding.advice}"])
    console.print()


def _describe_cpu(machine: Machine) -> Iterator[tuple[str, str]]:
    cores = "" if machine.cores is None else f", {machine.cores} cores"
    virtual = ", virtual machine" if machine.virtual else ""
    yield "CPU", f"{machine.name}, {machine.cpus} CPUs{cores}{virtual}"
    quota = "no quota" if machine.quota is None else f"a quota of {format_number(machine.quota)} CPUs"
    yield "usable", f"CPUs {name_numbers(machine.affinity)}, {quota}"
    now = machine.now.cpu
    limit = "" if machine.frequency_limit is None else f" of {_name(machine.frequency_limit, 'Hz')}"
    heat = "" if now.temperature is None else f", {now.temperature:.0f} °C"
    yield "clock", f"{_name(now.frequency, 'Hz')}{limit}, governor {now.governor or 'unknown'}{heat}"
    load = "" if now.load is None else f"; load {now.load:.2f} in the last minute"
    work = UNKNOWN if machine.others is None else format_number(machine.others)
    yield "others", f"{work} of {len(machine.affinity)} CPUs in use by other processes{load}"
    swap = f", {_name(machine.swap_used, 'bytes')} swapped out" if machine.swap_used else ""
    yield "memory", f"{_name(machine.memory_free, 'bytes')} of {_name(machine.memory, 'bytes')} free{swap}"


def _describe_gpu(gpu: Gpu) -> tuple[str, str]:
    now = gpu.now
    power = None if now.power is None else f"{now.power:.0f} W" + _of(now.power_limit)
    parts = [
        f"driver {gpu.driver or UNKNOWN}",
        f"{_name(now.clock, 'Hz')} of {_name(gpu.clock_limit, 'Hz')}",
        power,
        None if now.temperature is None else f"{now.temperature:.0f} °C",
        f"{_name(gpu.memory_free, 'bytes')} of {_name(gpu.memory, 'bytes')} free",
    ]
    return f"GPU {gpu.index}", f"{gpu.name}: {', '.join(part for part in parts if part)}"


def _of(limit: float | None) -> str:
    return "" if limit is None else f" of {limit:.0f} W"


def _describe_stack(stack: Stack) -> Iterator[tuple[str, str]]:
    yield "stack", ", ".join(f"{name} {found or UNKNOWN}" for name, found in stack.versions.items())
    threads = f"{stack.threads} threads" if stack.threads > 1 else "1 thread"
    yield "device", f"{stack.device}, {threads}"


def print_noise(noise: Noise) -> None:
    """The spread between processes beside the interval within one, and what follows for two runs."""
    console = open_console(sys.stdout)
    case = noise.case
    scale = column_scale([noise.median], "seconds")
    table = make_table()
    table.add_column("", no_wrap=True)
    table.add_column("of the median\n%", justify="right", no_wrap=True)
    for head, share in (
        ("between the quartiles of the runs", noise.quartiles),
        ("between the fastest and the slowest", noise.range),
        ("median distance from their median", noise.deviation),
        ("95% of pairs differ by less than", noise.difference),
        ("reach of the interval within a run", noise.within),
    ):
        table.add_row(head, format_number(100 * share))
    runs = len(noise.medians)
    head = (
        f"noise: latency of {case.model} {case.frames}x{case.size} on {case.device}, {runs} runs in a process each, "
        f"median {scale.format(noise.median)} {scale.label}:"
    )
    console.print(Text(head), soft_wrap=True)
    print_table(console, table)
    notes = [
        f"two runs that differ by less than {format_number(100 * noise.difference)}% say nothing here: that much the "
        "same case differs from itself"
    ]
    if noise.within < noise.difference:
        notes.append("the interval within one run is narrower than that: it knows nothing of what differs between runs")
    if noise.disturbed:
        notes.append(f"! {noise.disturbed} of {runs} runs were disturbed by what else this machine did")
    notes += [f"a run gave no figure: {message}" for message in dict.fromkeys(noise.failed)]
    write_notes(console, notes)


def _name(value: float | None, unit: str) -> str:
    if value is None:
        return UNKNOWN
    scale = column_scale([value], unit)
    return f"{scale.format(value)} {scale.label}"
