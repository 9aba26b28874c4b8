"""Whether the order of channels last reaches a net's convolutions: kernels choose the order of what they put out."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

ORDERS = {4: torch.channels_last, 5: torch.channels_last_3d}


@contextmanager
def watch_layouts(net: nn.Module) -> Iterator[Counter[str]]:
    """While this is open, how many convolutions were called, and how many of them with an input in channels last."""
    seen = Counter(convolutions=0, reached=0)

    def note(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        order = ORDERS.get(inputs[0].dim())
        seen["convolutions"] += 1
        seen["reached"] += order is not None and inputs[0].is_contiguous(memory_format=order)

    hooks = [m.register_forward_pre_hook(note) for m in net.modules() if isinstance(m, nn.Conv2d | nn.Conv3d)]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
