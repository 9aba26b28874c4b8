"""TAdaConvNeXt (arXiv 2110.06178): ConvNeXt over frames; a route from frame and clip scales a frame's 7x7 filters."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vidbench.models.architecture import Architecture
from vidbench.models.convnext import ConvNeXt, mlp
from vidbench.models.layers import StochasticDepth
from vidbench.models.tada import AdaptiveDepthwise, ContextRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """ConvNeXt's depths and widths, and stochastic depth's last rate."""

    depths: tuple[int, int, int, int]
    widths: tuple[int, int, int, int]
    drop: float
    classes: int = 400


class Block(nn.Module):
    """Filter each frame by its own filters, mix channels: (B, T, H, W, C) -> the same.

    Frames meet in the route alone.
    """

    def __init__(self, width: int, drop: float) -> None:
        super().__init__()
        self.filter = AdaptiveDepthwise(width, 7, ContextRoute(width))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.mlp = mlp(width, nn.GELU())
        self.gamma = nn.Parameter(torch.full((width,), 1e-6))
        self.drop = StochasticDepth(drop)

    def forward(self, x_BTHWC: Tensor) -> Tensor:
        """(B, T, H, W, C) -> (B, T, H, W, C)."""
        branch_BTHWC = self.mlp(self.norm(self.filter(x_BTHWC)))
        return torch.addcmul(x_BTHWC, self.drop(branch_BTHWC), self.gamma)


class TAdaConvNeXt(ConvNeXt):
    """(B, 3, T, H, W) clip -> (B, classes) logits; any T, total stride 2 in time and 32 in space."""

    def __init__(self, cfg: Config) -> None:
        super().__init__(cfg.depths, cfg.widths, Block, drop=cfg.drop, classes=cfg.classes)


FAMILY = Architecture(Config, TAdaConvNeXt)
