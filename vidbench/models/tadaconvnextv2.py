"""TAdaConvNeXtV2 (arXiv 2308.05787): ConvNeXt over frames; an attentive route scales each frame's 7x7 filters."""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vidbench.models.architecture import Architecture
from vidbench.models.layers import StochasticDepth
from vidbench.models.tada import AdaptiveDepthwise, AttentiveRoute, QuickGELU, average_over_time, start_small


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """ConvNeXt's depths and widths, the width of a head of the routes' attention, and stochastic depth's last rate."""

    depths: tuple[int, int, int, int]
    widths: tuple[int, int, int, int]
    head_width: int
    drop: float
    classes: int = 400


class Stem(nn.Module):
    """Cells of 3x4x4 pixels, which overlap in time: (B, 3, T, H, W) -> (B, T/2, H/4, W/4, width), T/2 rounded up."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = start_small(nn.Conv3d(3, width, (3, 4, 4), (2, 4, 4), (1, 0, 0)))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, T/2, H/4, W/4, width)."""
        return self.norm(self.conv(x_BCTHW).permute(0, 2, 3, 4, 1))  # type: ignore[no-any-return]


class Halve(nn.Module):
    """A norm and a 2x2 convolution of stride 2: (B, T, H, W, c_in) -> (B, T, H/2, W/2, c_out), rounded down."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(c_in, eps=1e-6)
        self.conv = start_small(nn.Conv2d(c_in, c_out, 2, 2))

    def forward(self, x_BTHWC: Tensor) -> Tensor:
        """(B, T, H, W, c_in) -> (B, T, H/2, W/2, c_out)."""
        frames_FCHW = self.norm(x_BTHWC).flatten(0, 1).permute(0, 3, 1, 2)
        return self.conv(frames_FCHW).permute(0, 2, 3, 1).unflatten(0, x_BTHWC.shape[:2])  # type: ignore[no-any-return]


class Block(nn.Module):
    """Filter each frame by its own filters, mix neighbouring frames, mix channels: (B, T, H, W, C) -> the same."""

    def __init__(self, width: int, head_width: int, drop: float) -> None:
        super().__init__()
        self.filter = AdaptiveDepthwise(width, 7, AttentiveRoute(width, head_width, from_one=True))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.mixed_norm = nn.LayerNorm(width, eps=1e-6)
        nn.init.zeros_(self.mixed_norm.weight)
        self.mlp = nn.Sequential(
            OrderedDict(
                widen=start_small(nn.Linear(width, 4 * width)),
                gelu=QuickGELU(),
                narrow=start_small(nn.Linear(4 * width, width)),
            )
        )
        self.gamma = nn.Parameter(torch.full((width,), 1e-6))
        self.drop = StochasticDepth(drop)

    def forward(self, x_BTHWC: Tensor) -> Tensor:
        """(B, T, H, W, C) -> (B, T, H, W, C)."""
        filtered_BTHWC = self.filter(x_BTHWC)
        mixed_BTNC = average_over_time(filtered_BTHWC.flatten(2, 3))
        normed_BTHWC = self.norm(filtered_BTHWC)
        normed_BTHWC += self.mixed_norm(mixed_BTNC).view_as(normed_BTHWC)
        return torch.addcmul(x_BTHWC, self.drop(self.mlp(normed_BTHWC)), self.gamma)


class TAdaConvNeXtV2(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits; any T, total stride 2 in time and 32 in space.

    Channels are kept last from the stem on, as norms and linear layers want them.
    """

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        blocks = sum(cfg.depths)
        drops = (cfg.drop * i / (blocks - 1) for i in range(blocks))
        modules: list[nn.Module] = []
        for i, (width, depth) in enumerate(zip(cfg.widths, cfg.depths, strict=True)):
            modules.append(Stem(width) if i == 0 else Halve(cfg.widths[i - 1], width))
            modules += [Block(width, cfg.head_width, next(drops)) for _ in range(depth)]
        self.features = nn.Sequential(*modules)
        self.norm = nn.LayerNorm(cfg.widths[-1], eps=1e-6)
        self.dropout = nn.Dropout(0.5)
        self.classifier = start_small(nn.Linear(cfg.widths[-1], cfg.classes))

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        pooled_BC = self.features(x_BCTHW).mean((1, 2, 3))
        return self.classifier(self.dropout(self.norm(pooled_BC)))  # type: ignore[no-any-return]


FAMILY = Architecture(Config, TAdaConvNeXtV2)
