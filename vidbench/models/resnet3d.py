"""The bottleneck ResNet over clips that Slow-only, I3D, C2D and both pathways of SlowFast are made of."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import torch
from torch import Tensor, nn

from vidbench.models.layers import POINT, SPATIAL, PooledHead, Residual, conv3d, last_norm, relu

WIDTHS = (256, 512, 1024, 2048)  # of the stages; the inner width of a block is a quarter of it
STRIDES = (1, 2, 2, 2)  # spatial, of the first block of each stage


def stem(width: int, kernel: int) -> nn.Sequential:
    """A kernel x7x7 convolution and a spatial max pool: (B, 3, T, H, W) -> (B, width, T, H/4, W/4)."""
    return nn.Sequential(
        OrderedDict(
            conv=conv3d(3, width, (kernel, 7, 7), (1, 2, 2)),
            norm=nn.BatchNorm3d(width),
            relu=relu(),
            pool=nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
        )
    )


def bottleneck(c_in: int, c_out: int, stride: int, kernel: int) -> Residual:
    """Narrow with a kernel x1x1 filter over time, filter in space, widen.

    (B, c_in, T, H, W) -> (B, c_out, T, H/s, W/s); the stride sits on the 1x3x3 convolution.
    """
    mid = c_out // 4
    branch = nn.Sequential(
        OrderedDict(
            temporal=conv3d(c_in, mid, (kernel, 1, 1)),
            temporal_norm=nn.BatchNorm3d(mid),
            temporal_relu=relu(),
            spatial=conv3d(mid, mid, SPATIAL, (1, stride, stride)),
            spatial_norm=nn.BatchNorm3d(mid),
            spatial_relu=relu(),
            widen=conv3d(mid, c_out, POINT),
            norm=last_norm(c_out),
        )
    )
    return Residual(branch, c_in, c_out, (1, stride, stride))


class NonLocal(nn.Module):
    """Every position attends to all spatially pooled ones: (B, C, T, H, W) -> the same (arXiv 1711.07971).

    With `softmax` the weights are a softmax of the scaled products; without it, the products over their number.
    """

    def __init__(self, channels: int, *, softmax: bool) -> None:
        super().__init__()
        inner = channels // 2
        self.softmax = softmax
        self.pool = nn.MaxPool3d((1, 2, 2), (1, 2, 2))
        self.theta = conv3d(channels, inner, POINT, bias=True)
        self.phi = conv3d(channels, inner, POINT, bias=True)
        self.g = conv3d(channels, inner, POINT, bias=True)
        self.out = conv3d(inner, channels, POINT, bias=True)
        self.norm = last_norm(channels)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C, T, H, W)."""
        pooled_BCThw = self.pool(x_BCTHW)
        theta_BDTHW = self.theta(x_BCTHW)
        queries_BDN, keys_BDM, values_BDM = (
            y.flatten(2) for y in (theta_BDTHW, self.phi(pooled_BCThw), self.g(pooled_BCThw))
        )
        weights_BNM = torch.bmm(queries_BDN.transpose(1, 2), keys_BDM)
        if self.softmax:
            weights_BNM = (weights_BNM * queries_BDN.shape[1] ** -0.5).softmax(-1)
        else:
            weights_BNM = weights_BNM / keys_BDM.shape[2]
        mixed_BDN = torch.bmm(values_BDM, weights_BNM.transpose(1, 2))
        return x_BCTHW + self.norm(self.out(mixed_BDN.view_as(theta_BDTHW)))  # type: ignore[no-any-return]


def kernels(pattern: Sequence[int], depth: int, first: int | None = None) -> list[int]:
    """Temporal kernels of a stage's blocks: the pattern repeated over the `first` blocks (default: all), then 1."""
    first = depth if first is None else first
    return [*islice(cycle(pattern), first), *[1] * (depth - first)]


def stage(
    c_in: int,
    c_out: int,
    stride: int,
    temporal: Sequence[int],
    attend_after: Collection[int] = (),
    *,
    softmax: bool = False,
) -> nn.Sequential:
    """One bottleneck a temporal kernel, the first strided, a non-local block after those named.

    (B, c_in, T, H, W) -> (B, c_out, T, H/s, W/s).
    """
    blocks: OrderedDict[str, nn.Module] = OrderedDict()
    for i, kernel in enumerate(temporal):
        blocks[f"block{i}"] = bottleneck(c_in if i == 0 else c_out, c_out, stride if i == 0 else 1, kernel)
        if i in attend_after:
            blocks[f"attend{i}"] = NonLocal(c_out, softmax=softmax)
    return nn.Sequential(blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One pathway: which blocks filter over time is all that Slow-only, I3D and C2D differ in."""

    depths: tuple[int, int, int, int]
    stem_kernel: int
    kernels: tuple[tuple[int, ...], ...]  # of each stage, a pattern repeated over its blocks
    pool_time: bool = False  # halve the frames after the first stage
    attend_after: tuple[tuple[int, ...], ...] = ((), (), (), ())  # blocks of each stage that a non-local block follows
    classes: int = 400


class ResNet3D(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits; total spatial stride 32."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.stem = stem(64, cfg.stem_kernel)
        stages = [
            stage(c_in, c_out, stride, kernels(pattern, depth), attend, softmax=True)
            for c_in, c_out, stride, pattern, depth, attend in zip(
                (64, *WIDTHS), WIDTHS, STRIDES, cfg.kernels, cfg.depths, cfg.attend_after, strict=False
            )
        ]
        if cfg.pool_time:
            stages[0].add_module("pool", nn.MaxPool3d((2, 1, 1), (2, 1, 1)))
        self.stages = nn.Sequential(*stages)
        self.head = PooledHead(WIDTHS[-1], cfg.classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        return self.head(self.stages(self.stem(x_BCTHW)))  # type: ignore[no-any-return]
