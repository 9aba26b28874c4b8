"""What nets that tell frames apart by their motion share: differences of features, gates by them, taps over time."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from vidbench.models.layers import conv2d

REDUCTION = 16  # channels of a block for each channel that motion is measured on


class TemporalFilter(nn.Module):
    """Three taps a channel over the frames of a clip: (B * T, C, H, W) -> the same.

    Args:
        channels: C.
        starts: for each channel the frame that it passes on before training: -1 the one before, 0 this one (all
            channels, by default), 1 the next one; beyond the ends of the clip frames are zero.
    """

    def __init__(self, channels: int, starts: Sequence[int] | None = None) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, (3, 1), padding=(1, 0), groups=channels, bias=False)
        starts_C = torch.tensor([0] * channels if starts is None else starts)
        with torch.no_grad():
            self.conv.weight.copy_((starts_C[:, None] == torch.arange(-1, 2)).view(channels, 1, 3, 1))

    def forward(self, x_FCHW: Tensor, frames: int) -> Tensor:
        """(B * T, C, H, W), T -> (B * T, C, H, W)."""
        # The clip as one image, T high and H * W wide.
        x_BCTN = x_FCHW.reshape(-1, frames, *x_FCHW.shape[1:]).flatten(3).transpose(1, 2)
        return self.conv(x_BCTN).transpose(1, 2).reshape(x_FCHW.shape)  # type: ignore[no-any-return]


class MotionDifference(nn.Module):
    """The next frame, filtered, less this one, on few channels; zero in the last frame.

    (B * T, C, H, W) -> (B * T, R, H, W), or with `pooled` their means over space, (B * T, R, 1, 1); R is C / 16,
    rounded down.
    """

    def __init__(self, channels: int, *, pooled: bool = False) -> None:
        super().__init__()
        self.reduced = channels // REDUCTION
        self.pooled = pooled
        self.squeeze = nn.Sequential(
            OrderedDict(conv=conv2d(channels, self.reduced, 1), norm=nn.BatchNorm2d(self.reduced))
        )
        self.filter = conv2d(self.reduced, self.reduced, 3, groups=self.reduced)

    def forward(self, x_FCHW: Tensor, frames: int) -> Tensor:
        """(B * T, C, H, W), T -> (B * T, R, H, W) or (B * T, R, 1, 1)."""
        this_FRHW = self.squeeze(x_FCHW)
        next_FRHW = self.filter(this_FRHW)
        if self.pooled:  # before they are subtracted: the same value, without a difference of whole maps
            this_FRHW, next_FRHW = (y_FRHW.mean((2, 3), keepdim=True) for y_FRHW in (this_FRHW, next_FRHW))
        this_BTRHW, next_BTRHW = (y_FRHW.unflatten(0, (-1, frames)) for y_FRHW in (this_FRHW, next_FRHW))
        return functional.pad(next_BTRHW[:, 1:] - this_BTRHW[:, :-1], (0, 0, 0, 0, 0, 0, 0, 1)).flatten(0, 1)


class MotionExcitation(nn.Module):
    """x + x * gate, with a gate in (-1/2, 1/2) a channel and frame: (B * T, C, H, W) -> the same.

    The gate is of the motion's mean over space. The last frame has no motion, but a gate all the same: the norm shifts
    its zeros.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.motion = MotionDifference(channels, pooled=True)
        self.gate = nn.Sequential(
            OrderedDict(
                conv=conv2d(self.motion.reduced, channels, 1), norm=nn.BatchNorm2d(channels), sigmoid=nn.Sigmoid()
            )
        )

    def forward(self, x_FCHW: Tensor, frames: int) -> Tensor:
        """(B * T, C, H, W), T -> (B * T, C, H, W)."""
        return torch.addcmul(x_FCHW, x_FCHW, self.gate(self.motion(x_FCHW, frames)) - 0.5)
