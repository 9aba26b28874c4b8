"""S3D (arXiv 1712.04851): Inception over clips, its filters split into space, then time; S3D-G gates the channels."""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vidbench.errors import InputError
from vidbench.models.architecture import Architecture
from vidbench.models.layers import POINT, Triple, relu

# Channels that the four branches of each block put out and, of the second and third, of their 1x1x1 units before:
# b0, then b1a and b1, b2a and b2, b3.
STAGES = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)
WINDOW: Triple = (2, 7, 7)  # of the last map: what the head classifies
SMALLEST: Triple = (13, 209, 209)  # the smallest clip whose last map holds a window


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Whether channels are gated, which is S3D-G."""

    gated: bool = False
    classes: int = 400


class SelfGate(nn.Module):
    """Each channel times a gate in (0, 1) that the means of all decide: (B, C, T, H, W) -> the same.

    x * sigmoid(W mean(x) + b), the mean over T, H and W, W being C x C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Linear(channels, channels)
        nn.init.trunc_normal_(self.gate.weight, std=0.01)
        nn.init.zeros_(self.gate.bias)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C, T, H, W)."""
        gate_BC: Tensor = self.gate(x_BCTHW.mean((2, 3, 4))).sigmoid()
        return x_BCTHW * gate_BC[:, :, None, None, None]


def unit(c_in: int, c_out: int, kernel: Triple = POINT, stride: Triple = POINT) -> nn.Sequential:
    """Filter, norm, ReLU: (B, c_in, T, H, W) -> (B, c_out, T/st, H/sh, W/sw), rounded up."""
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv3d(c_in, c_out, kernel, stride, padding, bias=False),
            norm=nn.BatchNorm3d(c_out, eps=1e-3, momentum=0.001),
            relu=relu(),
        )
    )


def separable(c_in: int, c_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A unit over space, then one over time: (B, c_in, T, H, W) -> (B, c_out, T/s, H/s, W/s), rounded up."""
    return nn.Sequential(
        OrderedDict(
            spatial=unit(c_in, c_out, (1, kernel, kernel), (1, stride, stride)),
            temporal=unit(c_out, c_out, (kernel, 1, 1), (stride, 1, 1)),
        )
    )


def pool(kernel: Triple, stride: int, padding: Triple) -> nn.MaxPool3d:
    """(B, C, T, H, W) -> (B, C, T', H/s, W/s); frames stay where the kernel has one."""
    return nn.MaxPool3d(kernel, (stride if kernel[0] > 1 else 1, stride, stride), padding)


class Mix(nn.Module):
    """Four branches side by side, each gated where asked: (B, c_in, T, H, W) -> (B, b0 + b1 + b2 + b3, T, H, W)."""

    def __init__(self, c_in: int, widths: tuple[int, ...], *, gated: bool) -> None:
        super().__init__()
        b0, b1a, b1, b2a, b2, b3 = widths
        branches: tuple[list[nn.Module], ...] = (
            [unit(c_in, b0)],
            [unit(c_in, b1a), separable(b1a, b1, 3)],
            [unit(c_in, b2a), separable(b2a, b2, 3)],
            [pool((3, 3, 3), 1, (1, 1, 1)), unit(c_in, b3)],
        )
        if gated:
            for branch, width in zip(branches, (b0, b1, b2, b3), strict=True):
                branch.append(SelfGate(width))
        self.branches = nn.ModuleList(nn.Sequential(*branch) for branch in branches)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, c_in, T, H, W) -> (B, b0 + b1 + b2 + b3, T, H, W)."""
        return torch.cat([branch(x_BCTHW) for branch in self.branches], 1)


def stage(c_in: int, blocks: tuple[tuple[int, ...], ...], *, gated: bool) -> nn.Sequential:
    """Mixes one behind the other: (B, c_in, T, H, W) -> (B, c_out, T, H, W)."""
    widths_in = [c_in, *(b0 + b1 + b2 + b3 for b0, _, b1, _, b2, b3 in blocks)]
    return nn.Sequential(*(Mix(width, block, gated=gated) for width, block in zip(widths_in, blocks, strict=False)))


class WindowHead(nn.Module):
    """The mean of the logits of all windows of the last map: (B, c_in, T, H, W) -> (B, classes).

    Windows overlap, so that positions within the map weigh more than those at its edges.
    """

    def __init__(self, c_in: int, classes: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool3d(WINDOW, stride=1)
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Conv3d(c_in, classes, POINT)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, c_in, T, H, W) -> (B, classes)."""
        return self.classifier(self.dropout(self.pool(x_BCTHW))).mean((2, 3, 4))  # type: ignore[no-any-return]


class S3D(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits; T >= 13, H and W >= 209, total stride 32 in space, 8 in time."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            separable(3, 64, 7, 2),
            pool((1, 3, 3), 2, (0, 1, 1)),
            unit(64, 64),
            separable(64, 192, 3),
            SelfGate(192) if cfg.gated else nn.Identity(),
        )
        self.stages = nn.Sequential(
            pool((1, 3, 3), 2, (0, 1, 1)),
            stage(192, STAGES[0], gated=cfg.gated),
            pool((3, 3, 3), 2, (1, 1, 1)),
            stage(480, STAGES[1], gated=cfg.gated),
            pool((2, 2, 2), 2, (0, 0, 0)),
            stage(832, STAGES[2], gated=cfg.gated),
        )
        self.head = WindowHead(1024, cfg.classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes).

        Raises:
            InputError: the clip is too small for one window of the head.
        """
        clip = tuple(x_BCTHW.shape[2:])
        if any(given < least for given, least in zip(clip, SMALLEST, strict=True)):
            frames, height, width = SMALLEST
            raise InputError(
                f"S3D cannot take {clip[0]} frames of {clip[1]} x {clip[2]}: its head averages over windows of 2x7x7 "
                f"of the last map; give {frames} frames or more, of {height} x {width} or more"
            )
        return self.head(self.stages(self.stem(x_BCTHW)))  # type: ignore[no-any-return]


FAMILY = Architecture(Config, S3D)
