"""MViT (arXiv 2104.11227): a transformer whose blocks pool their queries now and then, and keys and values always."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from vidbench.models import multiscale
from vidbench.models.architecture import Architecture
from vidbench.models.layers import CUBE, StochasticDepth
from vidbench.models.multiscale import (
    MultiscaleTransformer,
    Plan,
    Pool,
    PoolingAttention,
    layer_norm,
    mlp,
    plan_blocks,
    skip,
    small,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(multiscale.Config):
    """A multiscale transformer's numbers, and the zoo's other form of pooling."""

    kernels_follow_strides: bool = False  # pooling filters one wider than their stride in space; none where that is 1


class Positions(nn.Module):
    """Learned positions, those of a token's place and of its frame added: (B, 1+L, C) -> the same."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        frames, height, width = plan.grid
        self.class_position = small(plan.width)
        self.spatial = small(height * width, plan.width)
        self.temporal = small(frames, plan.width)

    def forward(self, x_BNC: Tensor) -> Tensor:
        """(B, 1+L, C) -> (B, 1+L, C)."""
        grid_LC = (self.temporal[:, None] + self.spatial).flatten(0, 1)
        return x_BNC + torch.cat([self.class_position[None], grid_LC])


def attention(cfg: Config, plan: Plan) -> PoolingAttention:
    """(B, 1+L, C) -> (B, 1+Lq, C); keys and values are pooled at stride 1, too, where the filters are cubes."""

    def pool(stride: int) -> Pool:
        kernel = (1, stride + 1, stride + 1) if cfg.kernels_follow_strides else CUBE
        return Pool(plan.head_width, plan.grid, stride, kernel)

    def pool_keys() -> nn.Module:
        return nn.Identity() if plan.kv_stride == 1 and cfg.kernels_follow_strides else pool(plan.kv_stride)

    pool_queries = pool(plan.stride) if plan.stride > 1 else nn.Identity()
    return PoolingAttention(plan.width, plan, pool_queries, pool_keys(), pool_keys())


class Block(nn.Module):
    """Attention, then an MLP that widens for the next block: (B, 1+L, C) -> (B, 1+Lq, c_out)."""

    def __init__(self, cfg: Config, plan: Plan, c_out: int) -> None:
        super().__init__()
        self.attention_norm = layer_norm(plan.width)
        self.attention = attention(cfg, plan)
        self.skip = skip(plan)
        self.mlp_norm = layer_norm(plan.width)
        self.mlp = mlp(plan.width, c_out)
        self.widen = nn.Linear(plan.width, c_out) if c_out != plan.width else None
        self.drop = StochasticDepth(plan.drop)

    def forward(self, x_BNC: Tensor) -> Tensor:
        """(B, 1+L, C) -> (B, 1+Lq, c_out)."""
        x_BNC = self.skip(x_BNC) + self.drop(self.attention(self.attention_norm(x_BNC)))
        normed_BNC = self.mlp_norm(x_BNC)
        kept_BNC = x_BNC if self.widen is None else self.widen(normed_BNC)
        return kept_BNC + self.drop(self.mlp(normed_BNC))  # type: ignore[no-any-return]


class MViT(MultiscaleTransformer):
    """(B, 3, T, H, W) clip of the size it is built for -> (B, classes) logits; total stride 2 in time, 32 in space."""

    def __init__(self, cfg: Config) -> None:
        plans = plan_blocks(cfg)
        blocks = [Block(cfg, plan, following.width) for plan, following in pairwise([*plans, plans[-1]])]
        super().__init__(cfg, Positions(plans[0]), blocks, plans[-1].width)


FAMILY = Architecture(Config, MViT)
