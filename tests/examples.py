"""Records and environments as measuring makes them, for tests of what is done with them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vidbench.records import Case, Environment, Measurement, Record
from vidbench.store import Writer


def environment(**changes: Any) -> Environment:
    return Environment(
        **{
            "device": "NVIDIA H100",
            "driver": "550.54",
            "platform": "Linux x86_64",
            "stack": {"python": "3.12.1", "torch": "2.13.0"},
            "flags": {"cudnn_benchmark": False, "matmul_fp32_precision": "ieee"},
            "threads": 8,
            **changes,
        }
    )


def case(**changes: Any) -> Case:
    return Case(**{"model": "x3d-m", "classes": 400, "frames": 16, "size": 224, "device": "cuda:0", **changes})


def macs(value: float | None = 4.73e9, **changes: Any) -> Measurement:
    details = {"by_operator": {"aten.convolution": value}, "uncounted": {"aten.relu": 2, "aten.add_": 1}, "unknown": []}
    return Measurement(
        **{"metric": "macs", "value": value, "unit": "MACs", "method": "counted", "details": details, **changes}
    )


def latency(value: float | None = 0.02, **changes: Any) -> Measurement:
    shared = {"metric": "latency", "value": value, "unit": "seconds", "method": "median of calls, each synchronised"}
    details = {"count": 3, "mean": 0.025, "p90": 0.03, "p99": 0.0309, "min": 0.02, "max": 0.031}
    details |= {"outliers": 0, "interval": [0.02, 0.031], "precision": 0.05, "settled": False}
    return Measurement(**{**shared, "samples": (0.02, 0.02, 0.03), "details": details, **changes})


def record(*measurements: Measurement, environment: str = "k1", failure: Any = None, **changes: Any) -> Record:
    """A record of `case(**changes)`."""
    return Record(
        id="0123abcd",
        time="2026-11-21T10:00:00+00:00",
        case=case(**changes),
        environment=environment,
        conditions={"vidbench": "0.1.0"},
        measurements=measurements,
        failure=failure,
    )


def save(path: Path, *records: Record, environments: Mapping[str, Environment] | None = None) -> Path:
    """Write the records to a result file, each under an id of its own; by default k1 is `environment()`."""
    known = environments or {"k1": environment()}
    with path.open("w", encoding="utf-8") as file:
        writer = Writer(file)
        for number, one in enumerate(records):
            writer.append(replace(one, id=f"{number:08x}"), known[one.environment])
    return path
