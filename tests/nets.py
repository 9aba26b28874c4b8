"""Small nets that tests count."""

import os
from collections.abc import Callable
from typing import Any

import torch
from torch import nn


class Calls(nn.Module):
    """A net whose forward is `function(*parts, *inputs)`."""

    def __init__(self, function: Callable[..., Any], *parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(parts)

    def forward(self, *inputs: Any) -> Any:
        return self.function(*self.parts, *inputs)


class Chain(nn.Module):
    """A product of three matrices in one einsum: its cost depends on the order, of which counters think differently."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Parameter(torch.ones(3, 100)), nn.Parameter(torch.ones(100, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        print("not an answer")  # noqa: T201
        return torch.einsum("nc,cd,de->ne", x.mean((2, 3, 4)), self.down, self.up)


class Ends(nn.Module):
    """A net that ends its process."""

    def forward(self, _: torch.Tensor) -> torch.Tensor:
        os._exit(7)


class Fails(nn.Module):
    """A net whose forward raises."""

    def forward(self, _: torch.Tensor) -> torch.Tensor:
        raise ArithmeticError("no way to do this")


@torch.no_grad()
def scramble(net: nn.Module) -> nn.Module:
    """The net in eval mode, each of its tensors filled with other numbers, of a size that keeps features in bounds."""
    for tensor in [*net.parameters(), *(buffer for buffer in net.buffers() if buffer.is_floating_point())]:
        if tensor.dim() > 1:
            nn.init.normal_(tensor, std=tensor[0].numel() ** -0.5)
        else:
            tensor.add_((torch.rand_like(tensor) - 0.5) / 2)
    return net.eval()


def normed(x: torch.Tensor, norm: nn.Module) -> torch.Tensor:
    """What a batch norm gives in evaluation, by its formula; the channels are axis 1."""
    mean, var, weight, bias = (
        y.view(1, -1, *[1] * (x.dim() - 2)) for y in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    return (x - mean) / (var + norm.eps).sqrt() * weight + bias
