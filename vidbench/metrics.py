"""The figures vidbench can give: name, base unit, which way is better, and what one figure is per."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from vidbench.errors import InputError

MACS_CONVENTION = (
    "one MAC is one multiply-accumulate of a contraction (convolution, matrix product, attention's two products), "
    "without bias, normalisation and elementwise work; FLOPs = 2 x MACs"
)


@dataclass(frozen=True, slots=True)
class Metric:
    """One kind of figure; an exact one is counted on meta tensors, a sampled one needs a device that computes."""

    name: str
    unit: str
    better: Literal["lower", "higher"]
    kind: Literal["exact", "sampled"]
    per: Literal["model", "clip", "call", "second"]
    label: str


METRICS = {
    metric.name: metric
    for metric in (
        Metric("params", "parameters", "lower", "exact", "model", "parameters"),
        Metric("macs", "MACs", "lower", "exact", "clip", "multiply-accumulates"),
        Metric("macs_bounds", "MACs", "lower", "exact", "clip", "fewest and most multiply-accumulates"),
        Metric("activations", "elements", "lower", "exact", "clip", "elements put out by contractions"),
        Metric("weight_memory", "bytes", "lower", "exact", "model", "parameters and buffers"),
        Metric("predicted_memory", "bytes", "lower", "exact", "call", "predicted peak memory"),
        Metric("frames_kept", "frames", "lower", "sampled", "clip", "frames that survive sampling"),
        Metric("first_call", "seconds", "lower", "sampled", "call", "first call"),
        Metric("compile_time", "seconds", "lower", "sampled", "model", "compile time"),
        Metric("latency", "seconds", "lower", "sampled", "call", "latency"),
        Metric("throughput", "clips/s", "higher", "sampled", "second", "throughput"),
        Metric("peak_memory", "bytes", "lower", "sampled", "call", "peak memory"),
        Metric("reserved_memory", "bytes", "lower", "sampled", "call", "memory reserved by CUDA's allocator"),
        Metric("output_difference", "relative", "lower", "sampled", "model", "difference of the outputs to fp32 eager"),
        Metric("recompilations", "compilations", "lower", "sampled", "model", "recompilations across clip lengths"),
        Metric("idle_power", "watts", "lower", "sampled", "second", "idle power"),
        Metric("energy", "joules", "lower", "sampled", "clip", "energy"),
        Metric("utilization", "share", "higher", "sampled", "second", "share of time that the device was busy"),
        Metric("stage_decode", "seconds", "lower", "sampled", "call", "decoding"),
        Metric("stage_preprocess", "seconds", "lower", "sampled", "call", "preprocessing"),
        Metric("stage_copy_in", "seconds", "lower", "sampled", "call", "copy to the device"),
        Metric("stage_model", "seconds", "lower", "sampled", "call", "model in a pipeline"),
        Metric("stage_copy_out", "seconds", "lower", "sampled", "call", "copy back"),
        Metric("stage_end_to_end", "seconds", "lower", "sampled", "call", "all stages, one after the other"),
        Metric("stage_overlapped", "clips/s", "higher", "sampled", "second", "all stages, overlapped"),
    )
}


TIMED = ("latency", "throughput")  # medians of many samples, with an interval
FIRST = ("first_call", "compile_time")  # of the first calls of a net, before all others
OF_MODES = ("compile_time", "output_difference", "recompilations")  # only where a case is not all eager and fp32
ADAPTIVE = ("macs_bounds", "frames_kept")  # only of nets whose work depends on their input
ENERGY = ("idle_power", "energy", "utilization")
STAGES = tuple(name for name in METRICS if name.startswith("stage_"))
ON_REQUEST = (*ENERGY, *STAGES)  # they take seconds more, or a video: never by default


def select_metrics(names: Collection[str] | None, device_type: str, extra: Collection[str] = ()) -> tuple[str, ...]:
    """The metrics asked for, in METRICS' order; by default all of a device of this type but those ON_REQUEST.

    `extra` are taken beside them.

    Raises:
        InputError: a name is unknown, or needs a device that computes.
    """
    unavailable = {
        "meta": {name for name, metric in METRICS.items() if metric.kind == "sampled"},
        "cpu": {"reserved_memory"},
    }.get(device_type, set())
    usual = [name for name in METRICS if name not in unavailable and name not in ON_REQUEST]
    asked = {*(usual if names is None else names), *extra}
    for name in (*(names or ()), *extra):
        if name not in METRICS:
            raise InputError(f"unknown metric {name!r}; there are {', '.join(METRICS)}")
        if name in unavailable:
            where = "a CUDA device" if device_type == "cpu" else "a device that computes: --device cpu or cuda"
            raise InputError(f"{name} cannot be taken on {device_type}; it needs {where}")
    return tuple(name for name in METRICS if name in asked)
