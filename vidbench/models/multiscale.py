"""Multiscale vision transformers' pieces (arXiv 2104.11227, 2112.01526): attention among tokens pooled on their grid.

Tokens are (B, 1+L, C): the class's, then those of a grid of T x H x W, W fastest. A net is built for one clip, so each
block knows its grid.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vidbench.errors import InputError
from vidbench.models.layers import CUBE, Triple

PATCH: Triple = (2, 4, 4)  # what the stem strides


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Width and heads of the first block, the blocks that halve the grid, and the clip that the net is built for."""

    depth: int
    width: int
    heads: int
    strided: tuple[int, ...]
    drop: float  # stochastic depth's rate in the last block
    frames: int
    size: int
    classes: int = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one block is made for.

    Attributes:
        width: channels of its attention.
        heads: of its attention.
        stride: of its queries in space.
        kv_stride: of its keys and values in space.
        grid: T, H, W of the tokens that it is given.
        nominal: H and W by the authors' reckoning, which halves rounding down where the poolings round up.
        drop: how often a branch is left out in training.
    """

    width: int
    heads: int
    stride: int
    kv_stride: int
    grid: Triple
    nominal: int
    drop: float

    @property
    def head_width(self) -> int:
        """Channels of one head."""
        return self.width // self.heads

    @property
    def queries(self) -> Triple:
        """The grid of its queries, and of the tokens that it gives."""
        return pooled(self.grid, self.stride)

    @property
    def keys(self) -> Triple:
        """The grid of its keys and values."""
        return pooled(self.grid, self.kv_stride)


def pooled(grid: Triple, stride: int) -> Triple:
    """What a grid becomes by a stride in space, rounded up."""
    return grid[0], -(-grid[1] // stride), -(-grid[2] // stride)


def plan_blocks(cfg: Config) -> list[Plan]:
    """Each block's plan: a strided one doubles heads and width, and halves the keys' stride, which starts at 8."""
    plans = []
    head_width, heads, kv_stride = cfg.width // cfg.heads, cfg.heads, 8
    nominal = cfg.size // PATCH[1]
    grid: Triple = (cfg.frames // PATCH[0], nominal, nominal)
    for i in range(cfg.depth):
        stride = 2 if i in cfg.strided else 1
        heads, kv_stride = heads * stride, max(kv_stride // stride, 1)
        plan = Plan(
            width=heads * head_width, heads=heads, stride=stride, kv_stride=kv_stride, grid=grid, nominal=nominal,
            drop=cfg.drop * i / (cfg.depth - 1),
        )  # fmt: skip
        plans.append(plan)
        grid, nominal = plan.queries, nominal // stride
    return plans


def small(*shape: int) -> nn.Parameter:
    """A table or a token, of a truncated normal of deviation 0.02."""
    return nn.Parameter(nn.init.trunc_normal_(torch.empty(shape), std=0.02))


def layer_norm(width: int) -> nn.LayerNorm:
    """Over the last axis, with the authors' epsilon."""
    return nn.LayerNorm(width, eps=1e-6)


class Stem(nn.Module):
    """Overlapping cells of 3x7x7 pixels, behind a token for the class: (B, 3, T, H, W) -> (B, 1+L, C).

    L is T/2 x H/4 x W/4.
    """

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.clip = (cfg.frames, cfg.size, cfg.size)
        self.conv = nn.Conv3d(3, cfg.width, (3, 7, 7), PATCH, (1, 3, 3))
        self.class_token = small(cfg.width)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, 1+L, C); InputError for another clip than the net is built for."""
        if tuple(x_BCTHW.shape[2:]) != self.clip:
            (frames, size, _), (given, height, width) = self.clip, x_BCTHW.shape[2:]
            raise InputError(
                f"this net is built for {frames} frames of {size} x {size}, as its tables of positions are, not for "
                f"{given} of {height} x {width}; give build() the frames and the size of the clip"
            )
        cells_BLC = self.conv(x_BCTHW).flatten(2).transpose(1, 2)
        return torch.cat([self.class_token.expand(len(x_BCTHW), 1, -1), cells_BLC], 1)


class Pool(nn.Module):
    """A depthwise filter over the grid, one for all heads, and a norm: (B, heads, 1+L, D) -> (B, heads, 1+L', D).

    The class token takes part in the norm alone.
    """

    def __init__(self, width: int, grid: Triple, stride: int, kernel: Triple = CUBE) -> None:
        super().__init__()
        self.grid = grid
        padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
        self.conv = nn.Conv3d(width, width, kernel, (1, stride, stride), padding, groups=width, bias=False)
        self.norm = layer_norm(width)

    def forward(self, x_BhND: Tensor) -> Tensor:
        """(B, heads, 1+L, D) -> (B, heads, 1+L', D)."""
        batch, heads, _, width = x_BhND.shape
        maps_FTHWD = x_BhND[:, :, 1:].contiguous().view(-1, *self.grid, width)  # or CPUs filter ten times slower
        filtered_FTHWD = self.conv(maps_FTHWD.permute(0, 4, 1, 2, 3)).permute(0, 2, 3, 4, 1)
        filtered_BhLD = filtered_FTHWD.reshape(batch, heads, -1, width)
        return self.norm(torch.cat([x_BhND[:, :, :1], filtered_BhLD], 2))  # type: ignore[no-any-return]


class PoolingAttention(nn.Module):
    """Self-attention whose queries, keys and values are pooled before they meet: (B, 1+L, c_in) -> (B, 1+Lq, width)."""

    def __init__(self, c_in: int, plan: Plan, pool_q: nn.Module, pool_k: nn.Module, pool_v: nn.Module) -> None:
        super().__init__()
        self.heads = plan.heads
        self.qkv = nn.Linear(c_in, 3 * plan.width)
        self.pool_q, self.pool_k, self.pool_v = pool_q, pool_k, pool_v
        self.out = nn.Linear(plan.width, plan.width)

    def forward(self, x_BNC: Tensor) -> Tensor:
        """(B, 1+L, c_in) -> (B, 1+Lq, width)."""
        q_BhND, k_BhND, v_BhND = self.qkv(x_BNC).view(*x_BNC.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed_BhND = self.mix(self.pool_q(q_BhND), self.pool_k(k_BhND), self.pool_v(v_BhND))
        return self.out(mixed_BhND.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def mix(self, q_BhND: Tensor, k_BhMD: Tensor, v_BhMD: Tensor) -> Tensor:
        """What each query takes from the values: (B, heads, 1+Lq, D) and twice (B, heads, 1+Lk, D) -> as queries."""
        return functional.scaled_dot_product_attention(q_BhND, k_BhMD, v_BhMD)


class SkipPool(nn.Module):
    """The greatest of each 3x3 places, two apart, passing the class token: (B, 1+L, C) -> (B, 1+L', C).

    Frame by frame, channels last: torch's 3D pool is much slower on a CPU.
    """

    def __init__(self, grid: Triple) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, x_BNC: Tensor) -> Tensor:
        """(B, 1+L, C) -> (B, 1+L', C)."""
        batch, _, width = x_BNC.shape
        frames_FHWC = x_BNC[:, 1:].reshape(-1, *self.grid[1:], width)
        greatest_FHWC = functional.max_pool2d(frames_FHWC.permute(0, 3, 1, 2), 3, 2, 1).permute(0, 2, 3, 1)
        return torch.cat([x_BNC[:, :1], greatest_FHWC.reshape(batch, -1, width)], 1)


def skip(plan: Plan) -> nn.Module:
    """What stands beside a block's attention: (B, 1+L, C) -> (B, 1+Lq, C)."""
    return SkipPool(plan.grid) if plan.stride > 1 else nn.Identity()


def mlp(c_in: int, c_out: int) -> nn.Sequential:
    """(B, N, c_in) -> (B, N, c_out), four times `c_in` wide in between."""
    return nn.Sequential(
        OrderedDict(widen=nn.Linear(c_in, 4 * c_in), gelu=nn.GELU(), narrow=nn.Linear(4 * c_in, c_out))
    )


class MultiscaleTransformer(nn.Module):
    """(B, 3, T, H, W) clip of the size it is built for -> (B, classes) logits.

    Args:
        cfg: what stem and classifier are made for.
        positions: (B, 1+L, C) -> the same, before the first block.
        blocks: the last one gives `c_out` channels.
        c_out: as many as the classifier takes.
    """

    def __init__(self, cfg: Config, positions: nn.Module, blocks: Iterable[nn.Module], c_out: int) -> None:
        super().__init__()
        self.stem = Stem(cfg)
        self.positions = positions
        self.blocks = nn.Sequential(*blocks)
        self.norm = layer_norm(c_out)
        self.dropout = nn.Dropout(0.5)
        self.classifier = nn.Linear(c_out, cfg.classes)
        self.apply(_start)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        tokens_BNC = self.blocks(self.positions(self.stem(x_BCTHW)))
        return self.classifier(self.dropout(self.norm(tokens_BNC)[:, 0]))  # type: ignore[no-any-return]


def _start(module: nn.Module) -> None:
    """The authors' initialisation; the stem's bias keeps torch's."""
    if isinstance(module, nn.Linear | nn.Conv3d):
        nn.init.trunc_normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear | nn.LayerNorm):
        nn.init.constant_(module.bias, 0.02)
