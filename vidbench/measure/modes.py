"""A workload in one of the MODES: the functions that change its net and its clip."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from vidbench.measure.graphs import Captured
from vidbench.measure.workload import Workload


def apply_mode(name: str, workload: Workload) -> Workload:
    """The workload in that mode; its net may be changed in place, so that it must be nobody else's."""
    return replace(_CHANGES[name](workload), mode=name)


def _leave(workload: Workload) -> Workload:
    return workload


def _lay_out_channels_last(workload: Workload) -> Workload:
    for parameter in workload.net.parameters():
        parameter.data = _reorder(parameter.data)
    return replace(workload, clips=_reorder(workload.clips))


def _reorder(tensor: Tensor) -> Tensor:
    order = {4: torch.channels_last, 5: torch.channels_last_3d}.get(tensor.dim())
    return tensor if order is None else tensor.contiguous(memory_format=order)


def _compile(workload: Workload, how: str | None = None) -> Workload:
    torch.compiler.reset()  # what was compiled before for the same code would make this a recompilation
    compiled = torch.compile(workload.net, mode=how)
    if not isinstance(compiled, nn.Module):
        raise TypeError("torch.compile gave no module")
    return replace(workload, net=compiled)


def _capture(workload: Workload) -> Workload:
    return replace(workload, net=Captured(workload.net, amp=workload.amp))


_CHANGES: dict[str, Callable[[Workload], Workload]] = {
    "eager": _leave,
    "channels-last": _lay_out_channels_last,
    "compile": _compile,
    "compile-max": partial(_compile, how="max-autotune"),
    "cuda-graph": _capture,
}
