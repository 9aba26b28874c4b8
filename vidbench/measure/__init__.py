"""Measuring: plain functions that run a net on a clip and return a Measurement, by the name of their metric."""

from collections.abc import Callable

from vidbench.measure.memory import measure_peak_memory, measure_reserved_memory
from vidbench.measure.timing import measure_latency, measure_throughput
from vidbench.measure.workload import Workload
from vidbench.records import Measurement

MEASURERS: dict[str, Callable[[Workload], Measurement]] = {
    "latency": measure_latency,
    "throughput": measure_throughput,
    "peak_memory": measure_peak_memory,
    "reserved_memory": measure_reserved_memory,
}

__all__ = ["MEASURERS", "Workload"]
