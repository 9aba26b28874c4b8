"""Figures that need no device: what a count and the weights' shapes tell."""

import torch
from torch import nn

from vidbench.counting import Count
from vidbench.metrics import MACS_CONVENTION
from vidbench.records import Measurement


def static_figures(
    net: nn.Module, counted: Count, dtype: torch.dtype, cautions: tuple[str, ...] = ()
) -> dict[str, Measurement]:
    """Parameters, MACs, activations and bytes of the weights in that precision, by metric; `cautions` of the count."""
    tensors = {id(t): t for t in (*net.parameters(), *net.buffers())}.values()
    size = sum(t.numel() * (dtype.itemsize if t.is_floating_point() else t.element_size()) for t in tensors)
    how = "one forward pass of one clip under a dispatch mode"
    if counted.unknown:
        cautions += (f"counted as nothing, yet not known to contract nothing: {', '.join(counted.unknown)}",)
    figures = (
        Measurement(metric="params", value=counted.params, unit="parameters", method="elements of all parameters"),
        Measurement(
            metric="macs",
            value=counted.macs,
            unit="MACs",
            method=f"counted over {how}; {MACS_CONVENTION}",
            details={"by_operator": counted.by_operator, "uncounted": counted.uncounted, "unknown": counted.unknown},
            caveats=cautions,
        ),
        Measurement(
            metric="activations",
            value=counted.activations,
            unit="elements",
            method=f"elements put out by the contractions of {how}",
            caveats=cautions,
        ),
        Measurement(
            metric="weight_memory",
            value=size,
            unit="bytes",
            method=f"parameters and buffers as {dtype}".replace("torch.", ""),
        ),
    )
    return {figure.metric: figure for figure in figures}
