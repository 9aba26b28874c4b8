"""One case to one record: build, count, measure; what fails becomes part of the record."""

import gc
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import torch

from vidbench import __version__
from vidbench.catalog import variants
from vidbench.counting import count
from vidbench.environment import describe, key
from vidbench.errors import VidbenchError, first_line
from vidbench.measure import PRECISION, Workload, make_measurers
from vidbench.measure.operators import time_operators
from vidbench.metrics import ADAPTIVE, METRICS
from vidbench.records import Case, Clip, Environment, Failure, Measurement, Record
from vidbench.run.adaptive import measure_adaptive
from vidbench.run.ceiling import is_out_of_memory, memory_ceiling
from vidbench.run.nets import Nets
from vidbench.run.setting import set_up
from vidbench.run.static import static_figures


def is_adaptive(case: Case) -> bool:
    """Whether the case's net does work that depends on its input."""
    return case.model in variants() and variants()[case.model].adaptive


def measure_case(
    case: Case, clips: Sequence[Clip], metrics: Sequence[str], nets: Nets, precision: float = PRECISION
) -> tuple[Record, Environment]:
    """Take the metrics of one case on its clips: one, or several where the net's work depends on them.

    Whatever goes wrong is the record's failure; what came before it is kept. Medians of time are sampled until they are
    known to `precision`, a share of them.
    """
    device = torch.device(case.device)
    measurements: list[Measurement] = []
    failure = None
    with set_up(case):
        environment = describe(device)
        try:
            with memory_ceiling(device):
                for measurement in _measure(case, clips, metrics, nets, precision):
                    measurements.append(measurement)  # noqa: PERF402  # kept one by one: the next may fail
        except Exception as error:  # a case must not end the others
            failure = _failure(error, case)
            del error
            nets.forget()
            gc.collect()
            if device.type == "cuda":
                torch.cuda.empty_cache()
    record = Record(
        id=uuid.uuid4().hex,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        case=case,
        environment=key(environment),
        conditions={"vidbench": __version__},
        measurements=tuple(measurements),
        failure=failure,
    )
    return record, environment


def _measure(
    case: Case, clips: Sequence[Clip], metrics: Sequence[str], nets: Nets, precision: float
) -> Iterator[Measurement]:
    measurers = make_measurers(precision)
    if is_adaptive(case):
        yield from measure_adaptive(case, clips, metrics, nets, precision)
        return
    (clip,) = clips
    exact = [name for name in metrics if METRICS[name].kind == "exact" and name not in ADAPTIVE]
    sampled = [name for name in metrics if METRICS[name].kind == "sampled" and name not in ADAPTIVE]

    def first_call() -> Iterator[Measurement]:
        if "first_call" in sampled:
            sampled.remove("first_call")
            yield measurers["first_call"](_workload(case, clip, nets))

    if exact:
        net = nets.counted(case)
        cautions = nets.cautions(case)
        if cautions:  # counting calls the net
            yield from first_call()
        counted_clip = clip if cautions else Clip(frames=case.frames, size=case.size)
        counted = count(net, counted_clip, train=case.task == "train")
        doubtful = counted.unknown and case.device != "meta" and case.task == "inference"
        if doubtful:  # timing what is unknown calls the net
            yield from first_call()
        shares = _time_unknown(_workload(case, clip, nets), counted.unknown) if doubtful else None
        static = static_figures(net, counted, case, cautions, shares)
        yield from (static[name] for name in exact)
    if sampled:
        workload = _workload(case, clip, nets)
        yield from (measurers[name](workload) for name in sampled)


def _workload(case: Case, clip: Clip, nets: Nets) -> Workload:
    tensor = nets.load(clip, case)
    return Workload(nets.measured(case), tensor, tensor.device, amp=case.dtype == "amp", task=case.task)


def _time_unknown(workload: Workload, unknown: Sequence[str]) -> dict[str, float]:
    """The share of the time of each operator that the count does not know: whether it matters."""
    with torch.autocast(workload.device.type, torch.bfloat16, enabled=workload.amp):
        calls = count(workload.net, workload.clips).calls
    times = time_operators(workload, calls)
    taken = [(call.operator, seconds) for call, seconds in zip(calls, times.seconds, strict=True)]
    taken += [(one.name, one.seconds) for one in times.loose]
    return {name: sum(seconds for operator, seconds in taken if operator == name) / times.total for name in unknown}


def _failure(error: Exception, case: Case) -> Failure:
    if is_out_of_memory(error):
        return Failure(kind="oom", message=f"out of memory: {first_line(error)}")
    if isinstance(error, VidbenchError):
        return Failure(kind="error", message=str(error))
    given = f"the net was given a clip of shape (N, 3, {case.frames}, {case.size}, {case.size})"
    return Failure(kind="error", message=f"{type(error).__name__}: {first_line(error)}; {given}")
