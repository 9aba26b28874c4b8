"""MViTv2 (arXiv 2112.01526): MViT with relative positions, pooled queries added to what they take, and wider sooner."""

from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from vidbench.models.architecture import Architecture
from vidbench.models.layers import StochasticDepth
from vidbench.models.multiscale import (
    Config,
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


def relative_rows(queries: int, keys: int) -> Tensor:
    """The row of an axis's table for each query and key on it: (queries, keys) int64, on the CPU.

    In the authors' float32, which where the longer grid is no multiple of the shorter picks other rows than exact
    arithmetic would; a GPU might fuse a product with a sum and pick others again.
    """
    of_query, of_key = max(keys / queries, 1.0), max(queries / keys, 1.0)
    at_query = torch.arange(queries, dtype=torch.float32, device="cpu")[:, None] * of_query
    at_key = torch.arange(keys, dtype=torch.float32, device="cpu") * of_key
    return (at_query - at_key + (keys - 1) * of_key).long()


class RelativeTable(nn.Module):
    """A learned row for each distance along one axis: () -> (queries, keys, D).

    Its length follows the nominal grid; where the real one needs another, it is resized.
    """

    rows: Tensor

    def __init__(self, length: int, queries: int, keys: int, width: int) -> None:
        super().__init__()
        self.needed = 2 * max(queries, keys) - 1
        self.table = small(length, width)
        self.register_buffer("rows", relative_rows(queries, keys).to(self.table.device), persistent=False)

    def forward(self) -> Tensor:
        """() -> (queries, keys, D)."""
        table_RD: Tensor = self.table
        if len(table_RD) != self.needed:
            table_RD = functional.interpolate(table_RD.T[None], self.needed, mode="linear")[0].T
        return table_RD[self.rows]


class RelativePositions(nn.Module):
    """What queries score with the places of keys: (B, heads, Lq, D) -> (B, heads, 1+Lq, 1+Lk), 0 for the class token.

    It is the sum over the three axes of the queries' products with that axis's rows.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.queries, self.keys = plan.queries, plan.keys
        (frames, height, width), (_, key_height, key_width) = plan.queries, plan.keys
        length = 2 * max(plan.nominal // plan.stride, plan.nominal // plan.kv_stride) - 1
        self.time = RelativeTable(2 * frames - 1, frames, frames, plan.head_width)
        self.height = RelativeTable(length, height, key_height, plan.head_width)
        self.width = RelativeTable(length, width, key_width, plan.head_width)

    def forward(self, q_BhLD: Tensor) -> Tensor:
        """(B, heads, Lq, D) -> (B, heads, 1+Lq, 1+Lk)."""
        q_BhTHWD = q_BhLD.view(*q_BhLD.shape[:2], *self.queries, -1)
        t_BhTHWt = torch.einsum("bnthwd,tkd->bnthwk", q_BhTHWD, self.time())
        h_BhTHWh = torch.einsum("bnthwd,hkd->bnthwk", q_BhTHWD, self.height())
        w_BhTHWw = torch.einsum("bnthwd,wkd->bnthwk", q_BhTHWD, self.width())
        # Written into place, for this is the largest tensor of the net by far.
        scores_BhNM = t_BhTHWt.new_empty(*q_BhLD.shape[:2], 1 + prod(self.queries), 1 + prod(self.keys))
        scores_BhNM[:, :, 0] = 0
        scores_BhNM[:, :, 1:, 0] = 0
        scores_BhTHWthw = scores_BhNM[:, :, 1:, 1:].view(*q_BhTHWD.shape[:5], *self.keys)
        scores_BhTHWthw.copy_(t_BhTHWt[..., None, None])
        scores_BhTHWthw += h_BhTHWh[..., None, :, None] + w_BhTHWw[..., None, None, :]
        return scores_BhNM


class Attention(PoolingAttention):
    """Pooling attention that knows where keys lie, and keeps its queries: (B, 1+L, c_in) -> (B, 1+Lq, width)."""

    def __init__(self, c_in: int, plan: Plan) -> None:
        strides = (plan.stride, plan.kv_stride, plan.kv_stride)
        super().__init__(c_in, plan, *(Pool(plan.head_width, plan.grid, stride) for stride in strides))
        self.positions = RelativePositions(plan)

    def mix(self, q_BhND: Tensor, k_BhMD: Tensor, v_BhMD: Tensor) -> Tensor:
        """What each query takes from the values and, but for the class token, the query itself; shapes as above."""
        grid_BhLD = q_BhND[:, :, 1:]
        mixed_BhND = functional.scaled_dot_product_attention(q_BhND, k_BhMD, v_BhMD, self.positions(grid_BhLD))
        return torch.cat([mixed_BhND[:, :, :1], mixed_BhND[:, :, 1:] + grid_BhLD], 2)


class Block(nn.Module):
    """Attention, which widens, then an MLP: (B, 1+L, c_in) -> (B, 1+Lq, width)."""

    def __init__(self, c_in: int, plan: Plan) -> None:
        super().__init__()
        self.attention_norm = layer_norm(c_in)
        self.attention = Attention(c_in, plan)
        self.widen = nn.Linear(c_in, plan.width) if c_in != plan.width else None
        self.skip = skip(plan)
        self.mlp_norm = layer_norm(plan.width)
        self.mlp = mlp(plan.width, plan.width)
        self.drop = StochasticDepth(plan.drop)

    def forward(self, x_BNC: Tensor) -> Tensor:
        """(B, 1+L, c_in) -> (B, 1+Lq, width)."""
        normed_BNC = self.attention_norm(x_BNC)
        kept_BNC = x_BNC if self.widen is None else self.widen(normed_BNC)
        x_BNC = self.skip(kept_BNC) + self.drop(self.attention(normed_BNC))
        return x_BNC + self.drop(self.mlp(self.mlp_norm(x_BNC)))  # type: ignore[no-any-return]


class MViTv2(MultiscaleTransformer):
    """(B, 3, T, H, W) clip of the size it is built for -> (B, classes) logits; total stride 2 in time, 32 in space."""

    def __init__(self, cfg: Config) -> None:
        plans = plan_blocks(cfg)
        widths = [cfg.width, *(plan.width for plan in plans)]
        blocks = map(Block, widths, plans)
        super().__init__(cfg, nn.Identity(), blocks, widths[-1])


FAMILY = Architecture(Config, MViTv2)
