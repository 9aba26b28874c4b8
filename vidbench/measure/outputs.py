"""What a net puts out, held against what it should."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from vidbench.measure.workload import Workload


class Difference(NamedTuple):
    """How far outputs are from those expected.

    Attributes:
        relative: the greatest difference over the greatest of what is expected; None where that is no number.
        finite: whether all outputs are.
        same_choice: whether each row has its greatest number at the same place.
    """

    relative: float | None
    finite: bool
    same_choice: bool


def take_outputs(workload: Workload) -> list[Tensor]:
    """The tensors that one call gives, as float32 on the CPU; a workload of training is called forward alone."""
    with torch.inference_mode():
        found = [y.float().cpu() for y in tree_leaves(workload.forward()) if isinstance(y, Tensor)]
    workload.synchronise()
    return found


def compare_outputs(expected: Sequence[Tensor], outputs: Sequence[Tensor]) -> Difference | None:
    """The difference of outputs to those expected; None where they have other shapes, or there are none."""
    if not expected or [y.shape for y in expected] != [y.shape for y in outputs]:
        return None
    finite = all(bool(y.isfinite().all()) for y in outputs)
    pairs = list(zip(expected, outputs, strict=True))
    same = all(torch.equal(_choose(one), _choose(other)) for one, other in pairs)
    greatest = max(float(y.abs().max()) if y.numel() else 0.0 for y in expected)
    apart = max(float((one - other).abs().max()) if one.numel() else 0.0 for one, other in pairs)
    if greatest in (0.0, float("inf")) or greatest != greatest or not finite:  # noqa: PLR0124  # what is not a number
        return Difference(0.0 if greatest == apart == 0.0 else None, finite, same)
    return Difference(apart / greatest, finite, same)


def _choose(y: Tensor) -> Tensor:
    return y.argmax(-1) if y.dim() and y.numel() else torch.zeros(())
