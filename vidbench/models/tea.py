"""TEA (arXiv 2004.01398): blocks excite channels by what moves between frames, then filter slices in time and space."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from vidbench.models.architecture import Architecture
from vidbench.models.layers import conv2d, relu
from vidbench.models.motion import MotionExcitation, TemporalFilter
from vidbench.models.resnet2d import FrameHead, to_clips, to_frames
from vidbench.models.resnet3d import STRIDES, WIDTHS

SLICES = 4  # of a block's inner channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Any number of frames goes: the authors bake theirs into the net, but no parameter depends on it."""

    depths: tuple[int, int, int, int]
    classes: int = 400


def stem(width: int) -> nn.Sequential:
    """A 7x7 convolution and a max pool: (F, 3, H, W) -> (F, width, H/4, W/4)."""
    return nn.Sequential(
        OrderedDict(
            conv=conv2d(3, width, 7, 2),
            norm=nn.BatchNorm2d(width),
            relu=relu(),
            pool=nn.MaxPool2d(3, 2, 1),
        )
    )


class FilteredSlice(nn.Module):
    """Filter each channel in time, then all of them in space: (B * T, C, H, W) -> (B * T, C, H/s, W/s)."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.temporal = TemporalFilter(channels)
        self.spatial = nn.Sequential(
            OrderedDict(conv=conv2d(channels, channels, 3, stride), norm=nn.BatchNorm2d(channels), relu=relu())
        )

    def forward(self, x_FCHW: Tensor, frames: int) -> Tensor:
        """(B * T, C, H, W), T -> (B * T, C, H/s, W/s)."""
        return self.spatial(self.temporal(x_FCHW, frames))  # type: ignore[no-any-return]


class TemporalAggregation(nn.Module):
    """Slices of the channels, filtered one by one, the last in time alone: (B * T, C, H, W) -> (B * T, C, H/s, W/s).

    Where they are `linked`, a filtered slice is added to the next one before that is filtered; a stride would part them
    in size. Where it is `pooled`, the last slice is averaged over 3x3 pixels, whatever the stride.
    """

    def __init__(self, channels: int, stride: int, *, linked: bool, pooled: bool) -> None:
        super().__init__()
        width = channels // SLICES
        self.linked = linked
        self.filtered = nn.ModuleList(FilteredSlice(width, stride) for _ in range(SLICES - 1))
        self.last = TemporalFilter(width, [1] * (width // 2) + [-1] * (width - width // 2))  # starts by shifting
        self.pool = nn.AvgPool2d(3, stride, 1) if pooled else nn.Identity()

    def forward(self, x_FCHW: Tensor, frames: int) -> Tensor:
        """(B * T, C, H, W), T -> (B * T, C, H/s, W/s)."""
        *slices, last_FWHW = x_FCHW.chunk(SLICES, 1)
        done: list[Tensor] = []
        for filtered, slice_FWHW in zip(self.filtered, slices, strict=True):
            done.append(filtered(slice_FWHW + done[-1] if self.linked and done else slice_FWHW, frames))
        return torch.cat([*done, self.pool(self.last(last_FWHW, frames))], 1)


class Bottleneck(nn.Module):
    """Narrow, excite, aggregate, widen, add the shortcut: (B * T, c_in, H, W) -> (B * T, c_out, H/s, W/s).

    The first block of a stage does not link its slices, and averages the last one unless it is `sharp`.
    """

    def __init__(self, c_in: int, c_out: int, stride: int, *, sharp: bool = False) -> None:
        super().__init__()
        mid = SLICES * (c_out // 4 * 26 // 64)  # Res2Net's 26w x 4s
        first = c_in != c_out  # of its stage
        self.narrow = nn.Sequential(OrderedDict(conv=conv2d(c_in, mid, 1), norm=nn.BatchNorm2d(mid), relu=relu()))
        self.excite = MotionExcitation(mid)
        self.aggregate = TemporalAggregation(mid, stride, linked=not first, pooled=first and not sharp)
        self.widen = nn.Sequential(OrderedDict(conv=conv2d(mid, c_out, 1), norm=nn.BatchNorm2d(c_out)))
        self.shortcut = (
            nn.Sequential(OrderedDict(conv=conv2d(c_in, c_out, 1, stride), norm=nn.BatchNorm2d(c_out)))
            if first
            else nn.Identity()
        )
        self.relu = relu()

    def forward(self, x_FCHW: Tensor, frames: int) -> Tensor:
        """(B * T, c_in, H, W), T -> (B * T, c_out, H/s, W/s)."""
        excited_FCHW = self.excite(self.narrow(x_FCHW), frames)
        y_FCHW = self.widen(self.aggregate(excited_FCHW, frames))
        return self.relu(self.shortcut(x_FCHW) + y_FCHW)  # type: ignore[no-any-return]


class Trunk(nn.Module):
    """TEA without its head: (B, 3, T, H, W) -> (B, 2048, T, H/32, W/32); any T.

    The frames of all clips are folded into one batch, F = B * T, for 2-D convolutions are faster on it than 1xkxk
    ones on (B, C, T, H, W); what mixes frames is told T. With `fine` the last stage keeps the size, (B, 2048, T, H/16,
    W/16), and averages no slice, either.
    """

    def __init__(self, depths: Sequence[int], *, fine: bool = False) -> None:
        super().__init__()
        strides = (*STRIDES[:-1], 1) if fine else STRIDES
        self.stem = stem(64)
        self.blocks = nn.ModuleList(
            Bottleneck(c_in, c_out, stride, sharp=fine and c_out == WIDTHS[-1])
            for (c_prev, c_out), first_stride, depth in zip(pairwise((64, *WIDTHS)), strides, depths, strict=True)
            for c_in, stride in [(c_prev, first_stride), *[(c_out, 1)] * (depth - 1)]
        )

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, 2048, T, H', W')."""
        clips, frames = x_BCTHW.shape[0], x_BCTHW.shape[2]
        y_FCHW = self.stem(to_frames(x_BCTHW))
        for block in self.blocks:
            y_FCHW = block(y_FCHW, frames)
        return to_clips(y_FCHW, clips)


class TEA(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits, the mean of its frames'; any T, total spatial stride 32."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.trunk = Trunk(cfg.depths)
        self.head = FrameHead(WIDTHS[-1], cfg.classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        return self.head(to_frames(self.trunk(x_BCTHW)), x_BCTHW.shape[0])  # type: ignore[no-any-return]


FAMILY = Architecture(Config, TEA)
