"""Figures that need no device: what a count and the weights' shapes tell."""

from collections.abc import Mapping
from dataclasses import asdict, replace

import torch
from torch import nn

from vidbench.catalog import find_variant, variants
from vidbench.counting import Count, count
from vidbench.counting.lifetime import CUDA_BLOCK
from vidbench.environment import DTYPES
from vidbench.metrics import MACS_CONVENTION
from vidbench.records import Case, Measurement

PASSES = {"inference": "one forward pass", "train": "one forward and backward pass"}
MOMENTUM = "the optimiser's state (a momentum for each weight that is trained)"


def static_figures(
    net: nn.Module,
    counted: Count,
    case: Case,
    cautions: tuple[str, ...] = (),
    shares: Mapping[str, float] | None = None,
) -> dict[str, Measurement]:
    """Parameters, MACs, activations and bytes by metric, of a count of one clip; all but the weights' are per clip.

    Args:
        net: whose weights are weighed.
        counted: one pass of one clip, of the case's task.
        case: for its task, precision, batch and device; more than one clip a call are counted again for their memory.
        cautions: why the count is of a real pass; the memory of a call is then not predicted.
        shares: of the time, of operators that the count does not know; None where nothing was timed.
    """
    dtype = DTYPES[case.dtype]
    tensors = {id(t): t for t in (*net.parameters(), *net.buffers())}.values()
    size = sum(t.numel() * (dtype.itemsize if t.is_floating_point() else t.element_size()) for t in tensors)
    net_counted = "" if case.mode == "eager" else ", of the eager net: what a mode fuses or adds is not seen"
    how = f"{PASSES[case.task]} of one clip under a dispatch mode{net_counted}"
    predicted = predict_memory(net, counted, case, cautions)
    if counted.unknown:
        named = (f"{name}{_share(name, shares)}" for name in counted.unknown)
        cautions += (f"counted as nothing, yet not known to contract nothing: {', '.join(named)}",)
    shaped = find_variant(case.model).built_for(case.frames, case.size) if case.model in variants() else {}
    of_clip = f", in tables for {' and '.join(f'{key} = {value}' for key, value in shaped.items())}" if shaped else ""
    figures = (
        Measurement(
            metric="params",
            value=counted.params,
            unit="parameters",
            method=f"elements of all parameters{of_clip}",
            details={"built_for": shaped} if shaped else {},
        ),
        Measurement(
            metric="macs",
            value=counted.macs,
            unit="MACs",
            method=f"counted over {how}; {MACS_CONVENTION}",
            details={
                "by_operator": counted.by_operator,
                "uncounted": counted.uncounted,
                "unknown": counted.unknown,
                **({"unknown_share_of_time": shares} if shares else {}),
            },
            caveats=cautions,
        ),
        Measurement(
            metric="activations",
            value=counted.activations,
            unit="elements",
            method=f"elements put out by the contractions of {how}, on the way forward",
            caveats=cautions,
        ),
        Measurement(
            metric="weight_memory",
            value=size,
            unit="bytes",
            method=f"parameters and buffers as {dtype}".replace("torch.", ""),
        ),
        predicted,
    )
    return {figure.metric: figure for figure in figures}


def _share(name: str, shares: Mapping[str, float] | None) -> str:
    return "" if shares is None else f" ({100 * shares.get(name, 0.0):.2g}% of the time)"


def predict_memory(net: nn.Module, counted: Count, case: Case, cautions: tuple[str, ...] = ()) -> Measurement:
    """The most bytes that one call of the whole batch holds at once, told without a device."""
    figure = Measurement(
        metric="predicted_memory",
        value=None,
        unit="bytes",
        method=(
            f"weights, buffers, input and activations at the peak of {PASSES[case.task]}, by the lifetimes of its "
            f"tensors{', and ' + MOMENTUM if case.task == 'train' else ''}; left out are workspaces, what kernels take "
            "for themselves, what allocators and drivers hold"
        ),
    )
    if cautions:
        return replace(figure, caveats=("the net does not run on meta tensors, so that it cannot be predicted",))
    if case.dtype == "amp":
        return replace(figure, caveats=("autocast does not act on meta tensors, so that it cannot be predicted",))
    peak = counted.peak
    if case.batch > 1 or _block(case) > 1:
        peak = count_call(net, case).peak
    optimiser = predict_optimiser(net, case)
    return replace(figure, value=peak.bytes + optimiser, details={**asdict(peak), "optimiser": optimiser})


def predict_optimiser(net: nn.Module, case: Case) -> int:
    """Bytes of SGD's state in training, a momentum for each weight that is trained; otherwise none."""
    if case.task != "train":
        return 0
    block, itemsize = _block(case), DTYPES[case.dtype].itemsize
    return sum(-(-p.numel() * itemsize // block) * block for p in net.parameters() if p.requires_grad)


def count_call(net: nn.Module, case: Case) -> Count:
    """The count of one call of the whole batch."""
    shape = (case.batch, 3, case.frames, case.size, case.size)
    weight = next((p for p in net.parameters() if p.is_floating_point()), torch.empty(0, device="meta"))
    clips = torch.zeros(shape, device=weight.device, dtype=weight.dtype)
    return count(net, clips, train=case.task == "train", block=_block(case))


def _block(case: Case) -> int:
    return CUDA_BLOCK if torch.device(case.device).type == "cuda" else 1
