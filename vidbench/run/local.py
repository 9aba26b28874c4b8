"""Cases in their order, in this process; a case that fails is a record, and the rest goes on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vidbench.catalog import find_variant
from vidbench.clips import check_video
from vidbench.environment import check_dtype, resolve_device
from vidbench.errors import InputError
from vidbench.metrics import METRICS, select_metrics
from vidbench.records import SYNTHETIC, Case, Clip, Environment, Record
from vidbench.run.worker import Nets, measure_case
from vidbench.suites import combine, expand_grid


def prepare(
    cases: Sequence[Case], metrics: Sequence[str] | None, *, loop_clip: bool = False
) -> tuple[list[Case], tuple[str, ...]]:
    """The cases with their device's own name, and the metrics to take: what can be refused is refused here.

    Raises:
        InputError: a device, precision, metric or video cannot be used.
    """
    devices = {name: resolve_device(name) for name in {case.device for case in cases}}
    cases = [replace(case, device=str(devices[case.device])) for case in cases]
    chosen = [select_metrics(metrics, device.type) for device in devices.values()]
    for dtype, device in {(case.dtype, case.device) for case in cases}:
        check_dtype(dtype, torch.device(device))
    for path in {case.clip for case in cases} - {SYNTHETIC}:
        longest = max(case.frames for case in cases if case.clip == path)
        check_video(Path(path), longest, loop=loop_clip)
    return cases, tuple(name for name in METRICS if any(name in names for names in chosen))


def run_cases(
    cases: Iterable[Case],
    metrics: Sequence[str],
    *,
    loop_clip: bool = False,
    module: nn.Module | None = None,
    announce: Callable[[Case], None] = lambda _: None,
) -> Iterator[tuple[Record, Environment]]:
    """Measure one case after the other, announcing each and giving its record as soon as it is there."""
    nets = Nets(module)
    for case in cases:
        announce(case)
        yield measure_case(case, metrics, nets, loop_clip=loop_clip)


def profile(
    model: str | nn.Module,
    clips: Clip | Iterable[Clip] | None = None,
    *,
    batches: Sequence[int] = (1,),
    classes: int | None = None,
    device: str = "auto",
    dtype: str = "fp32",
    threads: int | None = None,
    metrics: Sequence[str] | None = None,
) -> list[Record]:
    """Measure what a net costs: a record for every clip and batch, its figures in base units (seconds, bytes).

    Args:
        model: a variant's or family's name (`vidbench list` shows them with their papers), or a module that takes one
            clip (N, 3, T, H, W). A module is copied, never changed.
        clips: one Clip or several; default is the variant's own.
        batches: how many clips a call takes. MACs, parameters and activations are per clip, latency and memories per
            call, throughput is clips a second.
        classes: width of a built-in net's logits; default is the variant's.
        device: auto (the GPU where there is one), cpu, cuda, cuda:N, or meta for static figures alone.
        dtype: fp32 (TF32 off), tf32, fp16, bf16, or amp (autocast to bf16).
        threads: CPU threads; default is torch's.
        metrics: names of vidbench.metrics.METRICS; default is all that the device can give.

    Returns:
        Records; one whose case could not be measured has a `failure`, and the figures taken before it.

    Raises:
        InputError: a name, clip, device, precision or metric cannot be used.
    """
    module = model if isinstance(model, nn.Module) else None
    cases: list[Case] = []
    wanted = _clips(model, clips)
    for clip in wanted:
        axes: dict[str, Any] = {"batches": batches, "dtypes": [dtype], "device": device, "clip": clip.source}
        shape: dict[str, Any] = {"frames": [clip.frames], "sizes": [clip.size], "classes": classes}
        if isinstance(model, str):
            cases += expand_grid([find_variant(model)], threads=threads, **shape, **axes)
        else:
            cases += combine(type(model).__name__, threads=threads, weights="given", **shape, **axes)
    loop_clip = any(clip.loop for clip in wanted)
    ready, chosen = prepare(cases, metrics, loop_clip=loop_clip)
    return [record for record, _ in run_cases(ready, chosen, loop_clip=loop_clip, module=module)]


def _clips(model: str | nn.Module, clips: Clip | Iterable[Clip] | None) -> list[Clip]:
    if isinstance(clips, Clip):
        return [clips]
    if clips is not None:
        return list(clips)
    if isinstance(model, str):
        variant = find_variant(model)
        return [Clip(frames=variant.frames, size=variant.size)]
    raise InputError("a module has no default clip; give one, such as Clip(frames=16, size=224)")
