"""CSN (arXiv 1904.02811): channel-separated bottlenecks, whose 3x3x3 filters are depthwise. As in pytorchvideo."""

from collections import OrderedDict
from dataclasses import dataclass

from torch import Tensor, nn

from vidbench.models.architecture import Architecture
from vidbench.models.layers import (
    CUBE,
    POINT,
    PooledHead,
    Residual,
    Triple,
    conv3d,
    depthwise3d,
    last_norm,
    relu,
)
from vidbench.models.resnet3d import STRIDES, WIDTHS, stem


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Time is halved wherever space is, after the stem."""

    depths: tuple[int, int, int, int]
    classes: int = 400


def bottleneck(c_in: int, c_out: int, stride: Triple) -> Residual:
    """Narrow, filter each channel in space-time, widen: (B, c_in, T, H, W) -> (B, c_out, T/s, H/s, W/s)."""
    mid = c_out // 4
    branch = nn.Sequential(
        OrderedDict(
            narrow=conv3d(c_in, mid, POINT),
            narrow_norm=nn.BatchNorm3d(mid),
            narrow_relu=relu(),
            filter=depthwise3d(mid, CUBE, stride),
            filter_norm=nn.BatchNorm3d(mid),
            filter_relu=relu(),
            widen=conv3d(mid, c_out, POINT),
            norm=last_norm(c_out),
        )
    )
    return Residual(branch, c_in, c_out, stride)


def stage(c_in: int, c_out: int, stride: int, depth: int) -> nn.Sequential:
    """`depth` bottlenecks, the first strided in space and time: (B, c_in, T, H, W) -> (B, c_out, T/s, H/s, W/s)."""
    first = bottleneck(c_in, c_out, (stride, stride, stride))
    return nn.Sequential(first, *(bottleneck(c_out, c_out, POINT) for _ in range(depth - 1)))


class CSN(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits; total stride 32 in space, 8 in time."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.stem = stem(64, 3)
        self.stages = nn.Sequential(*map(stage, (64, *WIDTHS), WIDTHS, STRIDES, cfg.depths))
        self.head = PooledHead(WIDTHS[-1], cfg.classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        return self.head(self.stages(self.stem(x_BCTHW)))  # type: ignore[no-any-return]


FAMILY = Architecture(Config, CSN)
