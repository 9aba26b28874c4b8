"""VoV3D (arXiv 2012.00317): a block keeps the outputs of five depthwise-factorised units and aggregates them once."""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vidbench.models.architecture import Architecture
from vidbench.models.layers import (
    POINT,
    SPATIAL,
    TEMPORAL,
    Residual,
    SqueezeExcite,
    WideHead,
    conv3d,
    depthwise3d,
    factorised_stem,
    last_norm,
    relu,
    round_width,
)

UNITS = 5  # units in a block, whose outputs are aggregated in one shot


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Time is never strided; a stage's inner width is `width` x (1, 2, 4, 8), its outer width half of that."""

    width: int
    depths: tuple[int, int, int, int]  # blocks of each stage
    classes: int = 400


class Unit(nn.Module):
    """D(2+1)D: widen, filter each channel in space and then in time, narrow.

    (B, c_in, T, H, W) -> (B, mid/2, T, H/s, W/s). The unit's own input is added where the shapes agree.
    """

    def __init__(self, c_in: int, mid: int, stride: int, *, gated: bool) -> None:
        super().__init__()
        c_out = mid // 2
        self.widen = nn.Sequential(OrderedDict(conv=conv3d(c_in, mid, POINT), norm=nn.BatchNorm3d(mid), relu=relu()))
        self.filter = nn.Sequential(
            OrderedDict(
                spatial=depthwise3d(mid, SPATIAL, (1, stride, stride)),
                temporal=depthwise3d(mid, TEMPORAL),
                norm=nn.BatchNorm3d(mid),
                gate=SqueezeExcite(mid, round_width(mid / 16)) if gated else nn.Identity(),
                swish=nn.SiLU(),
            )
        )
        self.narrow = nn.Sequential(OrderedDict(conv=conv3d(mid, c_out, POINT), norm=nn.BatchNorm3d(c_out)))
        self.residual = c_in == c_out and stride == 1
        self.relu = relu()

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, c_in, T, H, W) -> (B, mid/2, T, H/s, W/s)."""
        y_BCTHW = self.narrow(self.filter(self.widen(x_BCTHW)))
        return self.relu(y_BCTHW + x_BCTHW if self.residual else y_BCTHW)  # type: ignore[no-any-return]


class OneShotAggregation(nn.Module):
    """A chain of units, all of their outputs concatenated and mixed once.

    (B, c_in, T, H, W) -> (B, c_out, T, H/s, W/s).
    The input joins the concatenation only where no stride makes it larger than the rest.
    """

    def __init__(self, c_in: int, mid: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.units = nn.ModuleList(
            Unit(c_in if i == 0 else mid // 2, mid, stride if i == 0 else 1, gated=i % 2 == 0) for i in range(UNITS)
        )
        self.keeps_input = stride == 1
        self.aggregate = conv3d(UNITS * mid // 2 + (c_in if self.keeps_input else 0), c_out, POINT)
        self.norm = last_norm(c_out)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, c_in, T, H, W) -> (B, c_out, T, H/s, W/s)."""
        kept = [x_BCTHW] if self.keeps_input else []
        for unit in self.units:
            x_BCTHW = unit(x_BCTHW)
            kept.append(x_BCTHW)
        return self.norm(self.aggregate(torch.cat(kept, 1)))  # type: ignore[no-any-return]


def stage(c_in: int, mid: int, depth: int) -> nn.Sequential:
    """`depth` blocks, the first of stride 2: (B, c_in, T, H, W) -> (B, mid/2, T, H/2, W/2)."""
    blocks = []
    for i in range(depth):
        stride, width = (2, c_in) if i == 0 else (1, mid // 2)
        aggregation = OneShotAggregation(width, mid, mid // 2, stride)
        blocks.append(Residual(aggregation, width, mid // 2, (1, stride, stride)))
    return nn.Sequential(*blocks)


class VoV3D(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits; any T, total spatial stride 32."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        mids = [cfg.width * scale for scale in (1, 2, 4, 8)]
        widths = [cfg.width // 2, *(mid // 2 for mid in mids)]
        self.stem = factorised_stem(widths[0])
        self.stages = nn.Sequential(*map(stage, widths, mids, cfg.depths))
        self.head = WideHead(widths[-1], mids[-1], cfg.classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        return self.head(self.stages(self.stem(x_BCTHW)))  # type: ignore[no-any-return]


FAMILY = Architecture(Config, VoV3D)
