"""STM (arXiv 1908.02486): the 3x3 of every ResNet block becomes a filter over time and space beside one of motion."""

from dataclasses import dataclass

from torch import Tensor, nn

from vidbench.errors import InputError
from vidbench.models.architecture import Architecture
from vidbench.models.layers import conv2d
from vidbench.models.motion import MotionDifference, TemporalFilter
from vidbench.models.resnet2d import ClipBottleneck, FrameHead, conv_norm, stages, stem, to_clips, to_frames
from vidbench.models.resnet3d import WIDTHS

STRIDE = 32  # of the whole net in space


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A ResNet's depths; everything else is fixed."""

    depths: tuple[int, int, int, int]
    classes: int = 400


class SpatioTemporal(nn.Module):
    """CSTM, three taps a channel over time, then a dense 3x3: (B * T, C, H, W) -> (B * T, C, H/s, W/s).

    Before training a quarter of the channels is moved a frame back, another a frame on.
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        moved = channels // 4
        starts = [-1] * moved + [0] * (channels - 2 * moved) + [1] * moved
        self.temporal = TemporalFilter(channels, starts)
        self.spatial = conv_norm(channels, channels, 3, stride, rectify=True)

    def forward(self, x_FCHW: Tensor, frames: int) -> Tensor:
        """(B * T, C, H, W), T -> (B * T, C, H/s, W/s)."""
        return self.spatial(self.temporal(x_FCHW, frames))  # type: ignore[no-any-return]


class ChannelwiseMotion(nn.Module):
    """CMM, the difference to the next frame on few channels, widened: (B * T, C, H, W) -> (B * T, C, H/s, W/s).

    No norm follows, so the last frame of a clip gets zeros.
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.motion = MotionDifference(channels)
        self.widen = conv2d(self.motion.reduced, channels, 1)
        for module in self.modules():  # torch's own start
            if isinstance(module, nn.Conv2d):
                module.reset_parameters()
        self.pool = nn.Identity() if stride == 1 else nn.MaxPool2d(stride)

    def forward(self, x_FCHW: Tensor, frames: int) -> Tensor:
        """(B * T, C, H, W), T -> (B * T, C, H/s, W/s)."""
        return self.pool(self.widen(self.motion(x_FCHW, frames)))  # type: ignore[no-any-return]


class SpatioTemporalMotion(nn.Module):
    """The STM block, CSTM + CMM, in place of a 3x3 with its norm and ReLU: (B, C, T, H, W) -> (B, C, T, H/s, W/s).

    Args:
        channels: C, 16 at least.
        stride: s, in space; it has to divide H and W, for the two branches round them differently.
    """

    def __init__(self, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.spatiotemporal = SpatioTemporal(channels, stride)
        self.motion = ChannelwiseMotion(channels, stride)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C, T, H/s, W/s)."""
        clips, _, frames = x_BCTHW.shape[:3]
        x_FCHW = to_frames(x_BCTHW)
        return to_clips(self.spatiotemporal(x_FCHW, frames) + self.motion(x_FCHW, frames), clips)


def bottleneck(c_in: int, c_out: int, stride: int, shortcut: nn.Module) -> ClipBottleneck:
    """Narrow, filter time, space and motion, widen: (B, c_in, T, H, W) -> (B, c_out, T, H/s, W/s)."""
    return ClipBottleneck(c_in, c_out, SpatioTemporalMotion(c_out // 4, stride), shortcut)


class STM(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits, the mean of its frames'; any T, total spatial stride 32."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.stem = stem(64)
        self.stages = stages(bottleneck, cfg.depths)
        self.head = FrameHead(WIDTHS[-1], cfg.classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        clips, *_, height, width = x_BCTHW.shape
        if height % STRIDE or width % STRIDE:
            raise InputError(
                f"STM takes frames whose height and width are multiples of {STRIDE}, not {height} x {width}: "
                "the branches of its strided blocks round odd maps differently"
            )
        features_BCTHW = self.stages(to_clips(self.stem(to_frames(x_BCTHW)), clips))
        return self.head(to_frames(features_BCTHW), clips)  # type: ignore[no-any-return]


FAMILY = Architecture(Config, STM)
