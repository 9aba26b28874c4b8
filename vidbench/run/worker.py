"""One case to one record: build, count, measure; what fails becomes part of the record."""

import gc
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import torch

from vidbench import __version__
from vidbench.catalog import variants
from vidbench.conditions.watch import Watch
from vidbench.counting import count
from vidbench.environment import describe, key
from vidbench.errors import VidbenchError, first_line
from vidbench.measure import Workload, make_measurers, open_watch
from vidbench.measure.compiling import measure_first_calls
from vidbench.measure.operators import time_operators
from vidbench.metrics import ADAPTIVE, FIRST, METRICS, ON_REQUEST
from vidbench.modes import MODES
from vidbench.records import Case, Clip, Environment, Failure, Measurement, Record
from vidbench.run.adaptive import measure_adaptive
from vidbench.run.afterwards import AFTERWARDS, measure_afterwards
from vidbench.run.bench import Bench
from vidbench.run.ceiling import free_bytes, is_out_of_memory, memory_ceiling
from vidbench.run.nets import Nets
from vidbench.run.offers import applies
from vidbench.run.plan import Plan
from vidbench.run.requested import measure_requested, watch_device
from vidbench.run.setting import set_up
from vidbench.run.static import predict_memory, static_figures
from vidbench.units import column_scale

PREDICTING = 30.0  # seconds in which memory is predicted before a suite is run


def is_adaptive(case: Case) -> bool:
    """Whether the case's net does work that depends on its input."""
    return case.model in variants() and variants()[case.model].adaptive


def measure_case(
    case: Case,
    clips: Sequence[Clip],
    plan: Plan,
    nets: Nets,
    *,
    isolated: bool = False,
    report: Callable[[Environment | Measurement], None] = lambda _: None,
) -> tuple[Record, Environment]:
    """Take what is planned of one case on its clips: one, or several where the net's work depends on them.

    Whatever goes wrong is the record's failure; what came before it is kept. `report` is told of each part of the
    record as soon as it is there. `isolated` is whether this process is the case's own.
    """
    device = torch.device(case.device)
    measurements: list[Measurement] = []
    failure = None
    with set_up(case):
        environment = describe(device)
        report(environment)
        free = free_bytes(device)
        watch = open_watch(device) if device.type != "meta" else None
        try:
            with memory_ceiling(device):
                for measurement in _measure(case, clips, plan, nets, watch):
                    measurements.append(measurement)
                    report(measurement)
        except Exception as error:  # a case must not end the others
            failure = _failure(error, case)
            del error
            nets.forget()
            gc.collect()
            if device.type == "cuda":
                torch.cuda.empty_cache()
            if failure.kind == "oom":
                shortage = describe_shortage(predict(case, measurements, nets), free)
                failure = replace(failure, message=f"{failure.message}; {shortage}")
        conditions = {"isolated": isolated, **(watch.describe() if watch else {})}
    return make_record(case, environment, measurements, failure, conditions), environment


def make_record(
    case: Case,
    environment: Environment,
    measurements: Sequence[Measurement],
    failure: Failure | None,
    conditions: Mapping[str, Any],
) -> Record:
    """What became of a case, as of now."""
    return Record(
        id=uuid.uuid4().hex,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        case=case,
        environment=key(environment),
        conditions={"vidbench": __version__, **conditions},
        measurements=tuple(measurements),
        failure=failure,
    )


def predict(case: Case, measurements: Sequence[Measurement], nets: Nets) -> float | None:
    """Bytes that one call of the case takes, as it was predicted among the measurements or can be now; else None."""
    predicted = next((m for m in measurements if m.metric == "predicted_memory"), None)
    with suppress(Exception):  # it is said beside a failure, and must not become another
        if predicted is None:
            net = nets.counted(case)
            counted = count(net, Clip(frames=case.frames, size=case.size), train=case.task == "train")
            predicted = predict_memory(net, counted, case, nets.cautions(case))
    return predicted.value if predicted and isinstance(predicted.value, int | float) else None


def predict_each(cases: Iterable[Case], nets: Nets) -> dict[Case, float | None]:
    """Bytes that a call of each case takes, whatever its run; None where it cannot be told.

    Cases are left out that are not begun within PREDICTING.
    """
    end = monotonic() + PREDICTING
    found: dict[Case, float | None] = {}
    for case in dict.fromkeys(replace(case, repeat=0) for case in cases):
        if monotonic() > end:
            break
        found[case] = predict(case, (), nets)
    return found


def describe_shortage(predicted: float | None, free: float) -> str:
    """What a case was to take, beside what there was, for a message."""

    def name(amount: float) -> str:
        scale = column_scale([amount], "bytes")
        return f"{scale.format(amount)} {scale.label}"

    wanted = "memory not predicted" if predicted is None else f"{name(predicted)} predicted"
    return f"{wanted}, {name(free)} free"


def _measure(case: Case, clips: Sequence[Clip], plan: Plan, nets: Nets, watch: Watch | None) -> Iterator[Measurement]:
    wanted = [name for name in plan.metrics if applies(name, case)]
    bench = Bench(case, clips[0], nets)
    if is_adaptive(case):
        yield from measure_adaptive(case, clips, plan, nets, watch)
    else:
        yield from _measure_one(bench, clips, wanted, plan, watch)
    if set(wanted) & set(AFTERWARDS):
        yield from measure_afterwards(bench, wanted, plan.lengths.get(case, ()))
    elif case.task == "train":  # which moves the statistics of normalisations
        bench.clear()


def _measure_one(
    bench: Bench, clips: Sequence[Clip], wanted: Sequence[str], plan: Plan, watch: Watch | None
) -> Iterator[Measurement]:
    """What is taken before AFTERWARDS, of a net whose work does not depend on its clip."""
    measurers = make_measurers(plan.precision, watch)
    case, nets = bench.case, bench.nets
    (clip,) = clips
    exact = [name for name in wanted if METRICS[name].kind == "exact" and name not in ADAPTIVE]
    rest = watch_device(case, plan.metrics)
    apart = (*ADAPTIVE, *AFTERWARDS, *ON_REQUEST)
    sampled = [name for name in wanted if METRICS[name].kind == "sampled" and name not in apart]

    def first_calls() -> Iterator[Measurement]:
        if first := [name for name in FIRST if name in sampled]:
            sampled[:] = [name for name in sampled if name not in FIRST]
            yield from (taken for taken in measure_first_calls(bench.workload) if taken.metric in first)

    if exact:
        net = nets.counted(case)
        cautions = nets.cautions(case)
        if cautions:  # counting calls the net
            yield from first_calls()
        counted_clip = clip if cautions else Clip(frames=case.frames, size=case.size)
        counted = count(net, counted_clip, train=case.task == "train")
        doubtful = counted.unknown and case.device != "meta" and case.task == "inference"
        if doubtful:  # timing what is unknown calls the net
            yield from first_calls()
        shares = _time_unknown(_eager_workload(bench), counted.unknown) if doubtful else None
        static = static_figures(net, counted, case, cautions, shares)
        yield from (static[name] for name in exact)
    yield from first_calls()
    for name in sampled:
        taken = measurers[name](bench.workload)
        yield taken if case.mode == "eager" else replace(taken, details={**taken.details, **_name_mode(case)})
    yield from measure_requested(case, clip, plan, nets, rest=rest, load=lambda: bench.workload)


def _name_mode(case: Case) -> dict[str, str]:
    return {"mode": MODES[case.mode].describe()}


def _eager_workload(bench: Bench) -> Workload:
    tensor = bench.nets.load(bench.clip, bench.case)
    return Workload(bench.nets.measured(bench.case), tensor, tensor.device, amp=bench.case.dtype == "amp")


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
