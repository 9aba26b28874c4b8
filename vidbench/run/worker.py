"""One case to one record: build, count, measure; what fails becomes part of the record."""

import gc
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime

import torch
from torch import nn

from vidbench import __version__
from vidbench.catalog import families, variants
from vidbench.clips import MEAN, STD, load_clip
from vidbench.counting import Count, count
from vidbench.environment import DTYPES, describe, key, precision
from vidbench.errors import InputError
from vidbench.measure import MEASURERS, Workload
from vidbench.metrics import MACS_CONVENTION, METRICS
from vidbench.models import build
from vidbench.records import Case, Clip, Environment, Failure, Measurement, Record
from vidbench.run.ceiling import is_out_of_memory, memory_ceiling


@dataclass(slots=True)
class Nets:
    """The nets of cases; the last on meta and the last on a device are kept, for cases of one net are neighbours.

    Args:
        module: a user's own net, which then stands for every case's model.
    """

    module: nn.Module | None = None
    _kept: dict[bool, tuple[object, nn.Module]] = field(default_factory=dict)

    def counted(self, case: Case) -> nn.Module:
        """The net to count: a built-in one on meta, without weights; a user's own as it is."""
        return self.module if self.module is not None else self._keep(case, torch.device("meta"), torch.float32)

    def measured(self, case: Case) -> nn.Module:
        """The net to measure, in eval mode on the case's device, in its precision, its weights always the same."""
        return self._keep(case, torch.device(case.device), DTYPES[case.dtype])

    def forget(self) -> None:
        """Let go of what is kept on a device."""
        self._kept.pop(False, None)

    def _keep(self, case: Case, device: torch.device, dtype: torch.dtype) -> nn.Module:
        on_meta = device.type == "meta"
        wanted = (case.model, case.classes, device, dtype)
        if on_meta not in self._kept or self._kept[on_meta][0] != wanted:
            self._kept.pop(on_meta, None)
            self._kept[on_meta] = (wanted, self._make(case, device).to(dtype).eval())
        return self._kept[on_meta][1]

    def _make(self, case: Case, device: torch.device) -> nn.Module:
        if self.module is not None:
            return deepcopy(self.module).to(device)
        with torch.random.fork_rng([]), torch.device(device):
            torch.manual_seed(0)
            return build(case.model, classes=case.classes, frames=case.frames, size=case.size)


def measure_case(
    case: Case, metrics: Sequence[str], nets: Nets, *, loop_clip: bool = False
) -> tuple[Record, Environment]:
    """Take the metrics of one case. Whatever goes wrong is the record's failure; what came before it is kept."""
    device = torch.device(case.device)
    measurements: list[Measurement] = []
    failure = None
    with _threads(case.threads), precision(case.dtype):
        environment = describe(device)
        try:
            with memory_ceiling(device):
                for measurement in _measure(case, metrics, nets, loop_clip=loop_clip):
                    measurements.append(measurement)  # noqa: PERF402  # kept one by one: the next may fail
        except Exception as error:  # a case must not end the others
            failure = _failure(error)
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


def _measure(case: Case, metrics: Sequence[str], nets: Nets, *, loop_clip: bool) -> Iterator[Measurement]:
    clip = Clip(frames=case.frames, size=case.size, source=case.clip, loop=loop_clip)
    exact = [name for name in metrics if METRICS[name].kind == "exact"]
    sampled = [name for name in metrics if METRICS[name].kind == "sampled"]
    if exact:
        net = nets.counted(case)
        counted = count(net, Clip(frames=case.frames, size=case.size))
        static = _static(net, counted, DTYPES[case.dtype])
        yield from (static[name] for name in exact)
    if sampled:
        device = torch.device(case.device)
        variant = variants().get(case.model)
        mean, std = (families()[variant.family].mean, families()[variant.family].std) if variant else (MEAN, STD)
        tensor = load_clip(clip, batch=case.batch, mean=mean, std=std).to(device, DTYPES[case.dtype])
        workload = Workload(nets.measured(case), tensor, device, amp=case.dtype == "amp")
        yield from (MEASURERS[name](workload) for name in sampled)


def _static(net: nn.Module, counted: Count, dtype: torch.dtype) -> dict[str, Measurement]:
    tensors = {id(t): t for t in (*net.parameters(), *net.buffers())}.values()
    size = sum(t.numel() * (dtype.itemsize if t.is_floating_point() else t.element_size()) for t in tensors)
    how = "one forward pass of one clip under a dispatch mode"
    caveats = (f"counted as nothing, yet not known to contract nothing: {', '.join(counted.unknown)}",)
    figures = (
        Measurement(metric="params", value=counted.params, unit="parameters", method="elements of all parameters"),
        Measurement(
            metric="macs",
            value=counted.macs,
            unit="MACs",
            method=f"counted over {how}; {MACS_CONVENTION}",
            details={"by_operator": counted.by_operator, "uncounted": counted.uncounted, "unknown": counted.unknown},
            caveats=caveats if counted.unknown else (),
        ),
        Measurement(
            metric="activations",
            value=counted.activations,
            unit="elements",
            method=f"elements put out by the contractions of {how}",
            caveats=caveats if counted.unknown else (),
        ),
        Measurement(
            metric="weight_memory",
            value=size,
            unit="bytes",
            method=f"parameters and buffers as {dtype}".replace("torch.", ""),
        ),
    )
    return {figure.metric: figure for figure in figures}


def _failure(error: Exception) -> Failure:
    if is_out_of_memory(error):
        return Failure(kind="oom", message=f"out of memory: {_first_line(error)}")
    if isinstance(error, InputError):
        return Failure(kind="error", message=str(error))
    return Failure(kind="error", message=f"{type(error).__name__}: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "no message")


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
