"""SlowFast (arXiv 1812.03982): a wide pathway over few frames, fed at four places by a thin one over all frames."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from vidbench.errors import InputError
from vidbench.models.architecture import Architecture
from vidbench.models.layers import classifier, conv3d, relu
from vidbench.models.resnet3d import STRIDES, WIDTHS, kernels, stage, stem

THIN = 8  # the fast pathway is this many times narrower


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """`alpha` frames of the clip for each frame of the slow pathway."""

    alpha: int
    lateral_kernel: int
    depths: tuple[int, int, int, int] = (3, 4, 6, 3)
    slow_temporal: int = 6  # blocks of the slow stage 3 that filter over time
    fast_temporal: int = 6  # and of the fast one
    attend_after: tuple[int, ...] = ()  # blocks of the slow stage 3 that a non-local block follows
    classes: int = 400


@cache
def slow_frames(frames: int, alpha: int) -> tuple[int, ...]:
    """Which frames the slow pathway sees: frames/alpha of them, both ends included, truncated to whole numbers.

    The authors truncate torch.linspace in float32, where rounding can decide the frame (frame 52 of 160, not 53, at
    alpha 4); this is its arithmetic, without an operator in the middle of the net.
    """
    if frames < alpha or frames % alpha:
        raise InputError(f"this SlowFast takes a multiple of alpha = {alpha} frames, not {frames}")
    count = frames // alpha
    if count == 1:
        return (0,)
    steps = np.arange(count, dtype=np.float32)
    last = np.float32(frames - 1)
    step = last / np.float32(count - 1)
    positions = np.where(steps < count // 2, step * steps, last - step * (count - 1 - steps))
    return tuple(int(position) for position in positions)


def lateral(c_fast: int, kernel: int, alpha: int) -> nn.Sequential:
    """Fast features at the slow frame rate, twice as wide: (B, C, T, H, W) -> (B, 2C, T/alpha, H, W)."""
    return nn.Sequential(
        OrderedDict(
            conv=conv3d(c_fast, 2 * c_fast, (kernel, 1, 1), (alpha, 1, 1)),
            norm=nn.BatchNorm3d(2 * c_fast),
            relu=relu(),
        )
    )


class SlowFast(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits; T a multiple of alpha, total spatial stride 32."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.alpha = cfg.alpha
        fast_widths = [width // THIN for width in WIDTHS]
        entering = (64, *WIDTHS[:-1])  # slow widths before each stage, without the lateral features
        d1, d2, d3, d4 = cfg.depths
        slow_kernels = [[1] * d1, [1] * d2, kernels((3,), d3, cfg.slow_temporal), [3] * d4]
        fast_kernels = [[3] * d1, [3] * d2, kernels((3,), d3, cfg.fast_temporal), [3] * d4]
        attend: list[tuple[int, ...]] = [(), (), cfg.attend_after, ()]

        self.slow_stem = stem(64, 1)
        self.fast_stem = stem(64 // THIN, 5)
        self.laterals = nn.ModuleList(lateral(c // THIN, cfg.lateral_kernel, cfg.alpha) for c in entering)
        self.slow_stages = nn.ModuleList(
            stage(entering[i] + 2 * (entering[i] // THIN), WIDTHS[i], STRIDES[i], slow_kernels[i], attend[i])
            for i in range(len(WIDTHS))
        )
        self.fast_stages = nn.ModuleList(
            stage(entering[i] // THIN, fast_widths[i], STRIDES[i], fast_kernels[i]) for i in range(len(WIDTHS))
        )
        self.dropout = nn.Dropout(0.5)
        self.classifier = classifier(WIDTHS[-1] + fast_widths[-1], cfg.classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        kept = slow_frames(int(x_BCTHW.shape[2]), self.alpha)
        slow = self.slow_stem(torch.cat([x_BCTHW[:, :, t : t + 1] for t in kept], 2))
        fast = self.fast_stem(x_BCTHW)
        for lateral_, slow_stage, fast_stage in zip(self.laterals, self.slow_stages, self.fast_stages, strict=True):
            slow = slow_stage(self.join(slow, lateral_(fast)))
            fast = fast_stage(fast)
        pooled_BC = torch.cat([slow.mean((2, 3, 4)), fast.mean((2, 3, 4))], 1)
        return self.classifier(self.dropout(pooled_BC))  # type: ignore[no-any-return]

    def join(self, slow_BCTHW: Tensor, side_BCTHW: Tensor) -> Tensor:
        """What the fast pathway adds to the slow one: (B, C, T, H, W), (B, D, T, H, W) -> (B, C + D, T, H, W)."""
        return torch.cat([slow_BCTHW, side_BCTHW], 1)


FAMILY = Architecture(Config, SlowFast)
