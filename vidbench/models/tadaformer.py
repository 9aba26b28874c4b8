"""TAdaFormer (arXiv 2308.05787): CLIP's vision transformer over frames, with adaptive convolutions in its blocks."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vidbench.errors import InputError
from vidbench.models.architecture import Architecture
from vidbench.models.layers import start_small
from vidbench.models.tada import AdaptiveDepthwise, AttentiveRoute, QuickGELU, average_over_time
from vidbench.models.transformer import attend, mlp


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A vision transformer's numbers; `filter_time` and `twice` make the form for Something-Something."""

    width: int
    depth: int
    heads: int
    patch: int
    filter_time: bool = False  # three taps over time lead into each adaptive convolution
    twice: bool = False  # a second adaptive convolution, after attention
    size: int = 224
    classes: int = 400


class Attention(nn.Module):
    """Multi-head self-attention among the tokens of a frame: (F, N, D) -> the same."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = start_small(nn.Linear(width, width))
        nn.init.trunc_normal_(self.in_proj_weight, std=0.02)

    def forward(self, x_FND: Tensor) -> Tensor:
        """(F, N, D) -> (F, N, D)."""
        packed_FNC = functional.linear(x_FND, self.in_proj_weight, self.in_proj_bias)
        return self.out_proj(attend(packed_FNC, self.heads))  # type: ignore[no-any-return]


class TimeFilter(nn.Module):
    """Three taps over time at each place: (B, T, N, c_in) -> (B, T, N, c_out)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.conv = start_small(nn.Conv2d(c_in, c_out, (3, 1), padding=(1, 0)))

    def forward(self, x_BTNC: Tensor) -> Tensor:
        """(B, T, N, c_in) -> (B, T, N, c_out)."""
        return self.conv(x_BTNC.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)  # type: ignore[no-any-return]


class Adapter(nn.Module):
    """Narrow, filter each frame by its own 3x3 filters, mix neighbouring frames, widen: (B, T, N, D) -> the same.

    N is H x W patches of a square frame. The last layer starts at zero, so training starts at the plain transformer.
    """

    def __init__(self, width: int, side: int, *, filter_time: bool) -> None:
        super().__init__()
        mid = width // 2
        self.grid = (side, side)
        self.narrow = TimeFilter(width, mid) if filter_time else start_small(nn.Linear(width, mid))
        self.filter = AdaptiveDepthwise(mid, 3, AttentiveRoute(mid, 64, from_one=False))
        self.norm = nn.BatchNorm2d(mid)
        self.mixed_norm = nn.BatchNorm2d(mid)
        nn.init.zeros_(self.mixed_norm.weight)
        self.gelu = QuickGELU()
        self.widen = nn.Linear(mid, width)
        nn.init.zeros_(self.widen.weight)
        nn.init.zeros_(self.widen.bias)

    def forward(self, x_BTND: Tensor) -> Tensor:
        """(B, T, N, D) -> (B, T, N, D)."""
        filtered_BTNC = self.filter(self.narrow(x_BTND).unflatten(2, self.grid)).flatten(2, 3)
        normed_BCTN = self.norm(filtered_BTNC.permute(0, 3, 1, 2))
        normed_BCTN += self.mixed_norm(average_over_time(filtered_BTNC).permute(0, 3, 1, 2))
        return self.widen(self.gelu(normed_BCTN.permute(0, 2, 3, 1)))  # type: ignore[no-any-return]


class Block(nn.Module):
    """A transformer's block with adapters, which leave the class token alone: (B, T, 1+N, D) -> the same."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        width, side = cfg.width, cfg.size // cfg.patch
        self.adapter = Adapter(width, side, filter_time=cfg.filter_time)
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, cfg.heads)
        self.second_adapter = Adapter(width, side, filter_time=cfg.filter_time) if cfg.twice else None
        self.mlp = mlp(nn.LayerNorm(width), QuickGELU())

    def forward(self, x_BTND: Tensor) -> Tensor:
        """(B, T, 1+N, D) -> (B, T, 1+N, D)."""
        x_BTND = x_BTND + _behind_class(self.adapter(x_BTND[:, :, 1:]))
        attended_FND = self.attention(self.attention_norm(x_BTND).flatten(0, 1))
        x_BTND = x_BTND + attended_FND.view_as(x_BTND)
        if self.second_adapter is not None:
            x_BTND = x_BTND + _behind_class(self.second_adapter(x_BTND[:, :, 1:]))
        return x_BTND + self.mlp(x_BTND)  # type: ignore[no-any-return]


def _behind_class(x_BTND: Tensor) -> Tensor:
    """Zeros for the class token, then the patches: (B, T, N, D) -> (B, T, 1+N, D)."""
    return functional.pad(x_BTND, (0, 0, 1, 0))


class Embedding(nn.Module):
    """Tubelets of 3 frames, two apart, and a class token in every frame: (B, 3, T, H, W) -> (B, T/2, 1+N, D)."""

    def __init__(self, width: int, patch: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.conv = start_small(nn.Conv3d(3, width, (3, patch, patch), (2, patch, patch), (1, 0, 0), bias=False))
        self.class_token = nn.Parameter(torch.empty(width))
        self.position = nn.Parameter(torch.empty((size // patch) ** 2 + 1, width))
        self.norm = nn.LayerNorm(width)
        for parameter in (self.class_token, self.position):
            nn.init.trunc_normal_(parameter, std=0.02)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, T/2, 1+N, D)."""
        height, width = x_BCTHW.shape[3:]
        if (height, width) != (self.size, self.size):
            raise InputError(f"this TAdaFormer takes frames of {self.size} x {self.size} alone, not {height} x {width}")
        patches_BTND = self.conv(x_BCTHW).flatten(3).permute(0, 2, 3, 1)
        class_BT1D = self.class_token.expand(*patches_BTND.shape[:2], 1, -1)
        return self.norm(torch.cat([class_BT1D, patches_BTND], 2) + self.position)  # type: ignore[no-any-return]


class TAdaFormer(nn.Module):
    """(B, 3, T, H, W) clip of one size -> (B, classes) logits; total stride 2 in time."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.embedding = Embedding(cfg.width, cfg.patch, cfg.size)
        self.blocks = nn.Sequential(*(Block(cfg) for _ in range(cfg.depth)))
        self.norm = nn.LayerNorm(cfg.width)
        self.dropout = nn.Dropout(0.5)
        self.classifier = start_small(nn.Linear(cfg.width, cfg.classes))

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        tokens_BTND = self.blocks(self.embedding(x_BCTHW))
        return self.classifier(self.dropout(self.norm(tokens_BTND[:, :, 0].mean(1))))  # type: ignore[no-any-return]


FAMILY = Architecture(Config, TAdaFormer)
