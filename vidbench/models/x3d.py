"""X3D (arXiv 2004.04730): a tiny net expanded along frames, size, width and depth; its 3x3x3 filters are depthwise."""

import math
from collections import OrderedDict
from dataclasses import dataclass

from torch import Tensor, nn

from vidbench.models.architecture import Architecture
from vidbench.models.layers import (
    CUBE,
    POINT,
    Residual,
    SqueezeExcite,
    Triple,
    WideHead,
    conv3d,
    depthwise3d,
    factorised_stem,
    last_norm,
    projection,
    relu,
    round_width,
)

WIDTHS = (12, 24, 48, 96)  # of the stages, before expansion; the stem's is the first
DEPTHS = (1, 2, 5, 3)  # of the stages, before expansion
BOTTLENECK = 2.25  # inner width of a block over its outer width


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The expansion factors of width and depth; frames and resolution are the clip's."""

    width: float
    depth: float
    norm_strided: bool = True  # False as in pytorchvideo: no norm on the shortcut that strides and keeps the width
    classes: int = 400


def bottleneck(c_in: int, c_out: int, stride: int, *, gated: bool) -> nn.Sequential:
    """Widen, filter each channel in space-time, gate, narrow: (B, c_in, T, H, W) -> (B, c_out, T, H/s, W/s)."""
    mid = int(BOTTLENECK * c_out)
    return nn.Sequential(
        OrderedDict(
            widen=conv3d(c_in, mid, POINT),
            widen_norm=nn.BatchNorm3d(mid),
            relu=relu(),
            filter=depthwise3d(mid, CUBE, (1, stride, stride)),
            filter_norm=nn.BatchNorm3d(mid),
            gate=SqueezeExcite(mid, round_width(mid / 16)) if gated else nn.Identity(),
            swish=nn.SiLU(),
            narrow=conv3d(mid, c_out, POINT),
            norm=last_norm(c_out),
        )
    )


def bare_projection(c_in: int, c_out: int, stride: Triple) -> nn.Module:
    """A shortcut's filter without a norm: (B, c_in, T, H, W) -> (B, c_out, T/st, H/sh, W/sw)."""
    return conv3d(c_in, c_out, POINT, stride)


def stage(c_in: int, c_out: int, depth: int, *, norm_strided: bool = True) -> nn.Sequential:
    """`depth` blocks, the first of stride 2, every second one gated: (B, c_in, T, H, W) -> (B, c_out, T, H/2, W/2)."""
    blocks = []
    for i in range(depth):
        stride, width = (2, c_in) if i == 0 else (1, c_out)
        branch = bottleneck(width, c_out, stride, gated=i % 2 == 0)
        project = projection if norm_strided or width != c_out else bare_projection
        blocks.append(Residual(branch, width, c_out, (1, stride, stride), project=project))
    return nn.Sequential(*blocks)


class X3D(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits; any T, total spatial stride 32."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        widths = [round_width(width * cfg.width) for width in (WIDTHS[0], *WIDTHS)]
        depths = [math.ceil(depth * cfg.depth) for depth in DEPTHS]
        self.stem = factorised_stem(widths[0])
        self.widths = tuple(widths[1:])  # of the stages
        self.stages = nn.Sequential(
            *(stage(*shape, norm_strided=cfg.norm_strided) for shape in zip(widths, self.widths, depths, strict=False))
        )
        self.head = WideHead(widths[-1], int(BOTTLENECK * widths[-1]), cfg.classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        return self.head(self.stages(self.stem(x_BCTHW)))  # type: ignore[no-any-return]


FAMILY = Architecture(Config, X3D)
