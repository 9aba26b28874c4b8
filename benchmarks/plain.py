"""VoV3D-L, X3D-M and SlowFast-8x8-R50 again, straight from their papers' tables in plain modules, to time ours against.

Nothing is shared with vidbench.models; weights are copied over in order, so that equal logits prove them the same nets.
"""

import math

import torch
from torch import Tensor, nn


def conv(
    c_in: int, c_out: int, kernel: tuple, stride: tuple = (1, 1, 1), groups: int = 1, bias: bool = False
) -> nn.Conv3d:
    return nn.Conv3d(c_in, c_out, kernel, stride, tuple(k // 2 for k in kernel), groups=groups, bias=bias)


def round8(width: float) -> int:
    rounded = max(8, int((width + 4) / 8) * 8)
    return rounded + 8 if rounded < 0.9 * width else rounded


class Gate(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool3d(1)
        self.fc1, self.relu = nn.Conv3d(c, round8(c / 16), 1), nn.ReLU(inplace=True)
        self.fc2, self.sigmoid = nn.Conv3d(round8(c / 16), c, 1), nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.sigmoid(self.fc2(self.relu(self.fc1(self.pool(x)))))


class Head(nn.Module):
    def __init__(self, c: int, hidden: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(conv(c, hidden, (1, 1, 1)), nn.BatchNorm3d(hidden), nn.ReLU(inplace=True))
        self.pool = nn.AdaptiveAvgPool3d(1)
        self.wide, self.relu = conv(hidden, 2048, (1, 1, 1)), nn.ReLU(inplace=True)
        self.fc = nn.Linear(2048, 400)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.relu(self.wide(self.pool(self.conv(x)))).flatten(1))


def stem(c: int) -> nn.Sequential:
    return nn.Sequential(
        conv(3, c, (1, 3, 3), (1, 2, 2)), conv(c, c, (5, 1, 1), groups=c), nn.BatchNorm3d(c), nn.ReLU(inplace=True)
    )


class Block(nn.Module):
    """Any branch with its shortcut."""

    def __init__(self, branch: nn.Module, c_in: int, c_out: int, s: int) -> None:
        super().__init__()
        self.branch = branch
        self.short = None
        if s > 1 or c_in != c_out:
            self.short = nn.Sequential(conv(c_in, c_out, (1, 1, 1), (1, s, s)), nn.BatchNorm3d(c_out))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu((x if self.short is None else self.short(x)) + self.branch(x))


def x3d_m() -> nn.Module:
    layers, c_in = [stem(24)], 24
    for c, depth in zip((24, 48, 96, 192), (3, 5, 11, 7), strict=True):
        for i in range(depth):
            s, m = (2 if i == 0 else 1), int(2.25 * c)
            branch = [conv(c_in, m, (1, 1, 1)), nn.BatchNorm3d(m), nn.ReLU(inplace=True)]
            branch += [conv(m, m, (3, 3, 3), (1, s, s), m), nn.BatchNorm3d(m)]
            branch += [*([Gate(m)] if i % 2 == 0 else []), nn.SiLU(), conv(m, c, (1, 1, 1)), nn.BatchNorm3d(c)]
            layers.append(Block(nn.Sequential(*branch), c_in, c, s))
            c_in = c
    return nn.Sequential(*layers, Head(192, 432))


class Unit(nn.Module):
    def __init__(self, p: int, m: int, s: int, gated: bool) -> None:
        super().__init__()
        layers = [conv(p, m, (1, 1, 1)), nn.BatchNorm3d(m), nn.ReLU(inplace=True)]
        layers += [conv(m, m, (1, 3, 3), (1, s, s), m), conv(m, m, (3, 1, 1), groups=m), nn.BatchNorm3d(m)]
        layers += [*([Gate(m)] if gated else []), nn.SiLU(), conv(m, m // 2, (1, 1, 1)), nn.BatchNorm3d(m // 2)]
        self.layers, self.relu = nn.Sequential(*layers), nn.ReLU(inplace=True)
        self.residual = p == m // 2 and s == 1

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        return self.relu(y + x if self.residual else y)


class Aggregation(nn.Module):
    def __init__(self, c_in: int, m: int, s: int) -> None:
        super().__init__()
        self.units = nn.ModuleList(
            Unit(c_in if i == 0 else m // 2, m, s if i == 0 else 1, i % 2 == 0) for i in range(5)
        )
        self.mix = conv(5 * m // 2 + (c_in if s == 1 else 0), m // 2, (1, 1, 1))
        self.norm = nn.BatchNorm3d(m // 2)
        self.s = s

    def forward(self, x: Tensor) -> Tensor:
        kept = [x] if self.s == 1 else []
        for unit in self.units:
            x = unit(x)
            kept.append(x)
        return self.norm(self.mix(torch.cat(kept, 1)))


def vov3d_l() -> nn.Module:
    layers, c_in = [stem(24)], 24
    for m, depth in zip((48, 96, 192, 384), (1, 2, 5, 3), strict=True):
        for i in range(depth):
            s = 2 if i == 0 else 1
            layers.append(Block(Aggregation(c_in, m, s), c_in, m // 2, s))
            c_in = m // 2
    return nn.Sequential(*layers, Head(192, 384))


def res_stage(c_in: int, c: int, s: int, k: list[int]) -> nn.Sequential:
    blocks, m = [], c // 4
    for i, kernel in enumerate(k):
        stride = s if i == 0 else 1
        branch = [conv(c_in, m, (kernel, 1, 1)), nn.BatchNorm3d(m), nn.ReLU(inplace=True)]
        branch += [conv(m, m, (1, 3, 3), (1, stride, stride)), nn.BatchNorm3d(m), nn.ReLU(inplace=True)]
        blocks.append(Block(nn.Sequential(*branch, conv(m, c, (1, 1, 1)), nn.BatchNorm3d(c)), c_in, c, stride))
        c_in = c
    return nn.Sequential(*blocks)


def res_stem(c: int, k: int) -> nn.Sequential:
    pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))
    return nn.Sequential(conv(3, c, (k, 7, 7), (1, 2, 2)), nn.BatchNorm3d(c), nn.ReLU(inplace=True), pool)


class SlowFast(nn.Module):
    """Takes its two clips ready made, as the authors' loader hands them over."""

    def __init__(self) -> None:
        super().__init__()
        widths, depths, strides, entering = (256, 512, 1024, 2048), (3, 4, 6, 3), (1, 2, 2, 2), (64, 256, 512, 1024)
        self.slow_stem, self.fast_stem = res_stem(64, 1), res_stem(8, 5)
        self.laterals = nn.ModuleList(
            nn.Sequential(conv(c // 8, c // 4, (7, 1, 1), (4, 1, 1)), nn.BatchNorm3d(c // 4), nn.ReLU(inplace=True))
            for c in entering
        )
        slow = zip(entering, widths, strides, depths, (1, 1, 3, 3), strict=True)
        fast = zip(entering, widths, strides, depths, strict=True)
        self.slow = nn.ModuleList(res_stage(e + e // 4, w, s, [k] * d) for e, w, s, d, k in slow)
        self.fast = nn.ModuleList(res_stage(e // 8, w // 8, s, [3] * d) for e, w, s, d in fast)
        self.pool, self.fc = nn.AdaptiveAvgPool3d(1), nn.Linear(2304, 400)

    def forward(self, paths: list[Tensor]) -> Tensor:
        slow, fast = self.slow_stem(paths[0]), self.fast_stem(paths[1])
        for lateral, slow_stage, fast_stage in zip(self.laterals, self.slow, self.fast, strict=True):
            slow, fast = slow_stage(torch.cat([slow, lateral(fast)], 1)), fast_stage(fast)
        return self.fc(torch.cat([self.pool(slow), self.pool(fast)], 1).flatten(1))


def two_clips(clip: Tensor) -> list[Tensor]:
    positions = torch.linspace(0, clip.shape[2] - 1, clip.shape[2] // 4).long()
    return [clip.index_select(2, positions), clip]


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """By shape and order: both nets are written in the order of their papers' tables."""
    waiting: dict[tuple, list[Tensor]] = {}
    for tensor in source.state_dict().values():
        waiting.setdefault(tuple(tensor.shape), []).append(tensor)
    for tensor in target.state_dict().values():
        tensor.copy_(waiting[tuple(tensor.shape)].pop(0))
    assert math.prod(len(rest) + 1 for rest in waiting.values()) == 1
