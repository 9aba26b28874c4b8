"""R(2+1)D (arXiv 1711.11248): 3-D filters split into time and space. As in pytorchvideo: bottlenecks, time first."""

from collections import OrderedDict
from dataclasses import dataclass

from torch import Tensor, nn

from vidbench.models.architecture import Architecture
from vidbench.models.layers import (
    POINT,
    SPATIAL,
    TEMPORAL,
    PooledHead,
    Residual,
    conv3d,
    last_norm,
    relu,
)
from vidbench.models.resnet3d import WIDTHS

TIME_STRIDES = (1, 1, 2, 2)  # of the first block of each stage, whose spatial stride is always 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Blocks of each stage."""

    depths: tuple[int, int, int, int]
    classes: int = 400


def bottleneck(c_in: int, c_out: int, time_stride: int, stride: int) -> Residual:
    """Narrow, filter in time, then in space, widen: (B, c_in, T, H, W) -> (B, c_out, T/st, H/s, W/s)."""
    mid = c_out // 4
    branch = nn.Sequential(
        OrderedDict(
            narrow=conv3d(c_in, mid, POINT),
            narrow_norm=nn.BatchNorm3d(mid),
            narrow_relu=relu(),
            temporal=conv3d(mid, mid, TEMPORAL, (time_stride, 1, 1)),
            temporal_norm=nn.BatchNorm3d(mid),
            temporal_relu=relu(),
            spatial=conv3d(mid, mid, SPATIAL, (1, stride, stride)),
            spatial_norm=nn.BatchNorm3d(mid),
            spatial_relu=relu(),
            widen=conv3d(mid, c_out, POINT),
            norm=last_norm(c_out),
        )
    )
    return Residual(branch, c_in, c_out, (time_stride, stride, stride))


def stage(c_in: int, c_out: int, time_stride: int, depth: int) -> nn.Sequential:
    """`depth` bottlenecks, the first strided: (B, c_in, T, H, W) -> (B, c_out, T/st, H/2, W/2)."""
    first = bottleneck(c_in, c_out, time_stride, 2)
    return nn.Sequential(first, *(bottleneck(c_out, c_out, 1, 1) for _ in range(depth - 1)))


class R2Plus1D(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits; total stride 32 in space, 4 in time."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            OrderedDict(conv=conv3d(3, 64, (1, 7, 7), (1, 2, 2)), norm=nn.BatchNorm3d(64), relu=relu())
        )
        self.stages = nn.Sequential(*map(stage, (64, *WIDTHS), WIDTHS, TIME_STRIDES, cfg.depths))
        self.head = PooledHead(WIDTHS[-1], cfg.classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        return self.head(self.stages(self.stem(x_BCTHW)))  # type: ignore[no-any-return]


FAMILY = Architecture(Config, R2Plus1D)
