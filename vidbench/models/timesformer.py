"""TimeSformer (arXiv 2102.05095): a vision transformer whose attention goes over time, then over space."""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vidbench.errors import InputError
from vidbench.models.architecture import Architecture
from vidbench.models.layers import StochasticDepth, start_small
from vidbench.models.resnet2d import to_frames
from vidbench.models.transformer import attend, mlp

EPS = 1e-6  # of all norms


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """ViT-B/16's numbers, how its attention meets time, and the clip that its tables of positions are for."""

    divided: bool = True  # attention over time, then over space; otherwise over whatever is in a sequence
    over_time: bool = True  # otherwise each frame is a sequence of its own
    width: int = 768
    depth: int = 12
    heads: int = 12
    patch: int = 16
    drop: float = 0.1  # stochastic depth of the last block
    frames: int = 8
    size: int = 224
    classes: int = 400


class Attention(nn.Module):
    """The branch of a block that lets the tokens of a sequence meet: (F, N, D) -> the same."""

    def __init__(self, cfg: Config, drop: float) -> None:
        super().__init__()
        self.heads = cfg.heads
        self.norm = nn.LayerNorm(cfg.width, EPS)
        self.qkv = start_small(nn.Linear(cfg.width, 3 * cfg.width))
        self.out = start_small(nn.Linear(cfg.width, cfg.width))
        self.drop = StochasticDepth(drop)

    def forward(self, x_FND: Tensor) -> Tensor:
        """(F, N, D) -> (F, N, D)."""
        return self.drop(self.out(attend(self.qkv(self.norm(x_FND)), self.heads)))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention among all the tokens of a sequence, then each on its own: (F, N, D) -> the same."""

    def __init__(self, cfg: Config, drop: float) -> None:
        super().__init__()
        self.attention = Attention(cfg, drop)
        self.mlp = mlp(nn.LayerNorm(cfg.width, EPS), nn.GELU())
        self.drop = StochasticDepth(drop)

    def forward(self, x_FND: Tensor, _frames: int) -> Tensor:
        """(F, N, D) -> (F, N, D)."""
        x_FND = x_FND + self.attention(x_FND)
        return x_FND + self.drop(self.mlp(x_FND))  # type: ignore[no-any-return]


class DividedBlock(nn.Module):
    """Attention over time at each place, over space in each frame, then each token on its own: (B, N, D) -> the same.

    The N = 1 + P T tokens are the clip's class token and its patches, place by place and of each place frame by frame.
    The class token takes no part over time; over space it goes into every frame, and what comes back is averaged.

    Args:
        cfg: the net's numbers.
        drop: stochastic depth of each branch.
        starts_at_zero: whether training starts without attention over time.
    """

    def __init__(self, cfg: Config, drop: float, *, starts_at_zero: bool) -> None:
        super().__init__()
        fit = start_small(nn.Linear(cfg.width, cfg.width))
        if starts_at_zero:
            nn.init.zeros_(fit.weight)
        self.time = nn.Sequential(OrderedDict(attention=Attention(cfg, drop), fit=fit))
        self.space = Attention(cfg, drop)
        self.mlp = mlp(nn.LayerNorm(cfg.width, EPS), nn.GELU())
        self.drop = StochasticDepth(drop)

    def forward(self, x_BND: Tensor, frames: int) -> Tensor:
        """(B, 1 + P frames, D) -> (B, 1 + P frames, D)."""
        class_B1D, patches_BPTD = x_BND[:, :1], x_BND[:, 1:].view(len(x_BND), -1, frames, x_BND.shape[2])
        patches_BPTD = patches_BPTD + self.time(patches_BPTD.flatten(0, 1)).view_as(patches_BPTD)
        class_BT1D = class_B1D.unsqueeze(1).expand(-1, frames, -1, -1)
        tokens_BTND = torch.cat([class_BT1D, patches_BPTD.transpose(1, 2)], 2)
        mixed_BTND = self.space(tokens_BTND.flatten(0, 1)).view_as(tokens_BTND)
        class_B1D = class_B1D + mixed_BTND[:, :, :1].mean(1)
        patches_BPTD = patches_BPTD + mixed_BTND[:, :, 1:].transpose(1, 2)
        x_BND = torch.cat([class_B1D, patches_BPTD.flatten(1, 2)], 1)
        return x_BND + self.drop(self.mlp(x_BND))  # type: ignore[no-any-return]


class Embedding(nn.Module):
    """Patches with their positions, behind a class token: (B, 3, T, H, W) -> (F, N, D).

    Over time the F = B sequences are as DividedBlock has them; otherwise each of the F = B T frames has its own 1 + P
    tokens, and there are no positions in time. Positions for other numbers of patches or frames are resized.
    """

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.patch, self.side = cfg.patch, cfg.size // cfg.patch
        self.conv = nn.Conv2d(3, cfg.width, cfg.patch, cfg.patch)
        self.class_token = nn.Parameter(torch.empty(cfg.width))
        self.places = nn.Parameter(torch.empty(1 + self.side**2, cfg.width))  # first the class token's
        self.times = nn.Parameter(torch.zeros(cfg.frames, cfg.width)) if cfg.over_time else None
        for parameter in (self.class_token, self.places):
            nn.init.trunc_normal_(parameter, std=0.02)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (F, N, D)."""
        clips, _, frames, height, width = x_BCTHW.shape
        if height < self.patch or width < 2 * self.patch:
            raise InputError(
                f"TimeSformer takes frames from {self.patch} x {2 * self.patch} (height x width) on, "
                f"not {height} x {width}: it needs two columns of patches; give larger ones"
            )
        patches_FDHW = self.conv(to_frames(x_BCTHW))
        rows, columns = patches_FDHW.shape[2:]
        places_PD = self.places[1:]
        if rows * columns != self.side**2:
            places_PD = resize_table(places_PD, (self.side, self.side), (rows, columns))
        patches_FPD = patches_FDHW.flatten(2).transpose(1, 2) + places_PD
        class_D = self.class_token + self.places[0]
        if self.times is None:
            return torch.cat([class_D.expand(len(patches_FPD), 1, -1), patches_FPD], 1)
        times_TD = resize_table(self.times, self.times.shape[:1], (frames,))
        patches_BPTD = patches_FPD.view(clips, frames, *patches_FPD.shape[1:]).transpose(1, 2) + times_TD
        return torch.cat([class_D.expand(clips, 1, -1), patches_BPTD.flatten(1, 2)], 1)


def resize_table(table_ND: Tensor, made_for: tuple[int, ...], wanted: tuple[int, ...]) -> Tensor:
    """Positions along so many axes, of each the nearest that there is: (N, D) -> (N', D)."""
    if made_for == wanted:
        return table_ND
    table_DN = table_ND.T.view(-1, *made_for)
    return functional.interpolate(table_DN[None], wanted, mode="nearest")[0].flatten(1).T


class TimeSformer(nn.Module):
    """(B, 3, T, H, W) clip of any length and size -> (B, classes) logits; what fills no patch is left out."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.embedding = Embedding(cfg)
        drops = [cfg.drop * i / max(cfg.depth - 1, 1) for i in range(cfg.depth)]
        self.blocks = nn.ModuleList(
            DividedBlock(cfg, drop, starts_at_zero=i > 0) if cfg.divided else Block(cfg, drop)
            for i, drop in enumerate(drops)
        )
        self.norm = nn.LayerNorm(cfg.width, EPS)
        self.classifier = start_small(nn.Linear(cfg.width, cfg.classes))

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        clips, frames = x_BCTHW.shape[0], x_BCTHW.shape[2]
        x_FND = self.embedding(x_BCTHW)
        for block in self.blocks:
            x_FND = block(x_FND, frames)
        class_BD = x_FND[:, 0].view(clips, -1, x_FND.shape[2]).mean(1)  # over frames, where each has one
        return self.classifier(self.norm(class_BD))  # type: ignore[no-any-return]


FAMILY = Architecture(Config, TimeSformer)
