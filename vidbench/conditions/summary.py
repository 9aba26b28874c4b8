"""Readings as plain values for a record: base units, and nothing of what is unknown."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from vidbench.conditions.cpu import name_numbers
from vidbench.conditions.reading import Reading

CPU = ("load", "frequency", "temperature")  # what says something by itself
GPU = ("clock", "memory_clock", "temperature", "power", "power_limit", "utilization")


def describe_reading(reading: Reading) -> dict[str, Any]:
    """One reading: `cpu`, and `gpu` where there is one."""
    return _known({"cpu": _describe_cpu(reading), "gpu": _describe_gpu(reading)})


def describe_readings(readings: Sequence[Reading], others: Sequence[float]) -> dict[str, Any]:
    """Least, median and greatest of each; `others` are the CPUs' worth of work that others did between them."""
    cpu = {name: _range(getattr(one.cpu, name) for one in readings) for name in CPU}
    on_gpu = [one.gpu for one in readings if one.gpu is not None]
    gpu: dict[str, Any] = {name: _range(getattr(one, name) for one in on_gpu) for name in GPU}
    gpu["processes"] = _range(None if one.processes is None else len(one.processes) for one in on_gpu)
    gpu["limits"] = sorted({limit for one in on_gpu for limit in one.limits})
    return _known({"cpu": _known({**cpu, "others": _range(others)}), "gpu": _known(gpu)})


def _describe_cpu(reading: Reading) -> dict[str, Any]:
    told = asdict(reading.cpu)
    known = {name: told[name] for name in (*CPU, "governor")}
    return _known({"affinity": name_numbers(reading.cpus), **known})


def _describe_gpu(reading: Reading) -> dict[str, Any]:
    if reading.gpu is None:
        return {}
    told = asdict(reading.gpu)
    processes = None if reading.gpu.processes is None else len(reading.gpu.processes)
    limits = list(reading.gpu.limits)
    return _known({**{name: told[name] for name in GPU}, "processes": processes, "limits": limits})


def _range(values: Iterable[float | None]) -> dict[str, float] | None:
    known = [value for value in values if value is not None]
    return {"min": min(known), "median": median(known), "max": max(known)} if known else None


def _known(told: dict[str, Any]) -> dict[str, Any]:
    """Without what is unknown, or has nothing in it."""
    return {name: value for name, value in told.items() if value is not None and value not in ({}, [])}
