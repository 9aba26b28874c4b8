"""Measuring: plain functions that run a net on a clip and return a Measurement, by the name of their metric."""

from collections.abc import Callable

from vidbench.conditions.watch import Watch
from vidbench.measure.memory import measure_peak_memory, measure_reserved_memory
from vidbench.measure.sampling import PRECISION
from vidbench.measure.timing import (
    LATENCY,
    THROUGHPUT,
    measure_first_call,
    measure_latency,
    measure_throughput,
    open_watch,
)
from vidbench.measure.workload import Workload
from vidbench.records import Measurement

Measurers = dict[str, Callable[[Workload], Measurement]]

MEASURERS: Measurers = {
    "first_call": measure_first_call,  # before all that call the net
    "latency": measure_latency,
    "throughput": measure_throughput,
    "peak_memory": measure_peak_memory,
    "reserved_memory": measure_reserved_memory,
}


def make_measurers(precision: float, watch: Watch | None = None) -> Measurers:
    """MEASURERS whose medians are sampled until they are known to that share of them, the machine being watched."""
    latency, throughput = LATENCY.to(precision), THROUGHPUT.to(precision)
    return {
        **MEASURERS,
        "latency": lambda workload: measure_latency(workload, latency, watch=watch),
        "throughput": lambda workload: measure_throughput(workload, throughput, watch=watch),
    }


__all__ = ["MEASURERS", "PRECISION", "Measurers", "Workload", "make_measurers", "open_watch"]
