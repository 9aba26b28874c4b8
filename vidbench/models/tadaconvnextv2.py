"""TAdaConvNeXtV2 (arXiv 2308.05787): ConvNeXt over frames; an attentive route scales each frame's 7x7 filters."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vidbench.models.architecture import Architecture
from vidbench.models.convnext import ConvNeXt, mlp
from vidbench.models.layers import StochasticDepth
from vidbench.models.tada import AdaptiveDepthwise, AttentiveRoute, QuickGELU, average_over_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """ConvNeXt's depths and widths, the width of a head of the routes' attention, and stochastic depth's last rate."""

    depths: tuple[int, int, int, int]
    widths: tuple[int, int, int, int]
    head_width: int
    drop: float
    classes: int = 400


class Block(nn.Module):
    """Filter each frame by its own filters, mix neighbouring frames, mix channels: (B, T, H, W, C) -> the same."""

    def __init__(self, width: int, head_width: int, drop: float) -> None:
        super().__init__()
        self.filter = AdaptiveDepthwise(width, 7, AttentiveRoute(width, head_width, from_one=True))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.mixed_norm = nn.LayerNorm(width, eps=1e-6)
        nn.init.zeros_(self.mixed_norm.weight)
        self.mlp = mlp(width, QuickGELU())
        self.gamma = nn.Parameter(torch.full((width,), 1e-6))
        self.drop = StochasticDepth(drop)

    def forward(self, x_BTHWC: Tensor) -> Tensor:
        """(B, T, H, W, C) -> (B, T, H, W, C)."""
        filtered_BTHWC = self.filter(x_BTHWC)
        mixed_BTNC = average_over_time(filtered_BTHWC.flatten(2, 3))
        normed_BTHWC = self.norm(filtered_BTHWC)
        normed_BTHWC += self.mixed_norm(mixed_BTNC).view_as(normed_BTHWC)
        return torch.addcmul(x_BTHWC, self.drop(self.mlp(normed_BTHWC)), self.gamma)


class TAdaConvNeXtV2(ConvNeXt):
    """(B, 3, T, H, W) clip -> (B, classes) logits; any T, total stride 2 in time and 32 in space."""

    def __init__(self, cfg: Config) -> None:
        def block(width: int, drop: float) -> Block:
            return Block(width, cfg.head_width, drop)

        super().__init__(cfg.depths, cfg.widths, block, drop=cfg.drop, classes=cfg.classes)


FAMILY = Architecture(Config, TAdaConvNeXtV2)
