"""R(2+1)D (arXiv 1711.11248): 3-D filters split into space and time; by three recipes under one name.

torchvision's nets of 18 and 34 layers have the paper's plain blocks, mmaction2's splits shortcuts, too, and
pytorchvideo's of 50 layers has bottlenecks that filter time first.
"""

from collections import OrderedDict
from dataclasses import dataclass

from torch import Tensor, nn

from vidbench.models import plain3d
from vidbench.models.architecture import Architecture
from vidbench.models.layers import (
    CUBE,
    POINT,
    SPATIAL,
    TEMPORAL,
    PooledHead,
    Residual,
    Triple,
    conv3d,
    last_norm,
    relu,
)
from vidbench.models.plain3d import PlainResNet, two_filters
from vidbench.models.resnet3d import WIDTHS

TIME_STRIDES = (1, 1, 2, 2)  # of the first block of each stage, whose spatial stride is always 2
STEM_KERNEL: Triple = (3, 7, 7)
STEM_STRIDE: Triple = (1, 2, 2)
STEM_MIDDLE = 45  # torchvision's, less than `middle` would give
EPS = 1e-3  # of mmaction2's norms, but for those inside a split filter


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Blocks of each stage, and of which recipe: bottlenecks, torchvision's plain ones, or mmaction2's plain ones."""

    depths: tuple[int, int, int, int]
    plain: bool = False
    split_shortcuts: bool = False  # mmaction2's; plain as well
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


def middle(c_in: int, c_out: int, area: int = 9) -> int:
    """Channels between the halves of a split filter, so that they hold as many weights as the 3 x area that they are.

    The three frames are counted even where there is one.
    """
    return 3 * area * c_in * c_out // (area * c_in + 3 * c_out)


def split(c_in: int, c_out: int, mid: int, kernel: Triple = CUBE, stride: Triple = POINT) -> nn.Sequential:
    """Filter space, norm, ReLU, filter time: (B, c_in, T, H, W) -> (B, c_out, T/st, H/sh, W/sw)."""
    return nn.Sequential(
        OrderedDict(
            spatial=conv3d(c_in, mid, (1, *kernel[1:]), (1, *stride[1:])),
            norm=nn.BatchNorm3d(mid),
            relu=relu(),
            temporal=conv3d(mid, c_out, (kernel[0], 1, 1), (stride[0], 1, 1)),
        )
    )


def plain_block(c_in: int, c_out: int, stride: int) -> Residual:
    """torchvision's: one middle for both filters. (B, c_in, T, H, W) -> (B, c_out, T/s, H/s, W/s)."""
    strides, mid = (stride, stride, stride), middle(c_in, c_out)
    filters = split(c_in, c_out, mid, stride=strides), split(c_out, c_out, mid)
    return Residual(two_filters(*filters, c_out), c_in, c_out, strides)


def split_projection(c_in: int, c_out: int, stride: Triple) -> nn.Module:
    """A shortcut split like a filter, of 1x1x1: (B, c_in, T, H, W) -> (B, c_out, T/st, H/sh, W/sw)."""
    conv = split(c_in, c_out, middle(c_in, c_out, area=1), POINT, stride)
    return nn.Sequential(OrderedDict(conv=conv, norm=nn.BatchNorm3d(c_out, EPS)))


def split_block(c_in: int, c_out: int, stride: int) -> Residual:
    """mmaction2's: every filter has its own middle. (B, c_in, T, H, W) -> (B, c_out, T/s, H/s, W/s)."""
    strides = (stride, stride, stride)
    filters = split(c_in, c_out, middle(c_in, c_out), stride=strides), split(c_out, c_out, middle(c_out, c_out))
    return Residual(two_filters(*filters, c_out, EPS), c_in, c_out, strides, project=split_projection)


def build_plain(cfg: Config) -> PlainResNet:
    """torchvision's: total stride 16 in space, 8 in time; nothing pools behind the stem."""
    width = plain3d.WIDTHS[0]
    stem = OrderedDict(
        conv=split(3, width, STEM_MIDDLE, STEM_KERNEL, STEM_STRIDE), norm=nn.BatchNorm3d(width), relu=relu()
    )
    return PlainResNet(nn.Sequential(stem), [plain_block] * 4, cfg.depths, cfg.classes)


def build_split(cfg: Config) -> PlainResNet:
    """mmaction2's: total stride 32 in space, 8 in time."""
    width = plain3d.WIDTHS[0]
    stem = OrderedDict(
        conv=split(3, width, middle(3, width, area=49), STEM_KERNEL, STEM_STRIDE),
        norm=nn.BatchNorm3d(width, EPS),
        relu=relu(),
        pool=nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
    )
    return PlainResNet(nn.Sequential(stem), [split_block] * 4, cfg.depths, cfg.classes, dropout=0.5)


def build(cfg: Config) -> nn.Module:
    """(B, 3, T, H, W) clip -> (B, classes) logits, of any T."""
    if cfg.split_shortcuts:
        return build_split(cfg)
    return build_plain(cfg) if cfg.plain else R2Plus1D(cfg)


FAMILY = Architecture(Config, build)
