"""EAN (arXiv 2107.10771): between a ResNet's stages kernels that adapt to the event; latent motion codes beside it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn import functional

from vidbench.errors import InputError
from vidbench.models.architecture import Architecture
from vidbench.models.layers import CUBE, POINT, SPATIAL, classifier, conv2d, conv3d, relu
from vidbench.models.motion import MotionExcitation, TemporalFilter
from vidbench.models.resnet2d import ClipBottleneck, conv_norm, stages, stem, to_clips, to_frames
from vidbench.models.resnet3d import WIDTHS
from vidbench.models.transformer import attend

SHOTS = 5  # raw frames of a segment; the trunk sees the middle one, motion is between all
GROUPS = 4  # of the 1x1 convolutions in and out of an event adaptive block


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Segments are wired in; the net of 16 is another one than that of 8."""

    segments: int
    depths: tuple[int, int, int, int]
    stacked: bool = False  # stacked differences as a third input, and two more layers around the latent codes
    size: int = 224
    classes: int = 400


def take_differences(x_BCTHW: Tensor) -> Tensor:
    """Each raw frame less the one before, within segments, at half the size: (B, 3, 5S, H, W) -> (B*S, 3, 4, H/2, W/2).

    What is left of the frames are pixels 0, 2, 4, ... of every row and column.
    """
    shots_BCSJHW = torch.unflatten(x_BCTHW[..., ::2, ::2], 2, (-1, SHOTS))
    return (shots_BCSJHW[:, :, :, 1:] - shots_BCSJHW[:, :, :, :-1]).transpose(1, 2).flatten(0, 1)


class LatentMotion(nn.Module):
    """Patches of differences as codes, refined over time and space, unfolded to a map, four times as big.

    (F, 3, 4, H/2, W/2) differences of segments -> (F, 64, H/4, W/4); H and W are multiples of 32.

    Args:
        deep: one more layer into the codes and one more out of them.
    """

    patch = 16  # side of what one code stands for, in pixels of a difference
    cell = 8  # side of what one code becomes

    def __init__(self, *, deep: bool = False) -> None:
        super().__init__()
        width, values = 256, 3 * self.patch**2
        self.embed = nn.Sequential(
            conv3d(values, width, POINT), *([*_normed(width), conv3d(width, width, POINT)] if deep else [])
        )
        self.refine = nn.Sequential(
            conv3d(width, width, CUBE, groups=16),
            *_normed(width),
            conv3d(width, width, POINT),
            nn.BatchNorm3d(width),
        )
        self.refine_again = nn.Sequential(conv3d(width, width, CUBE, groups=16), nn.BatchNorm3d(width))
        self.unfold = nn.Sequential(
            *([conv3d(width, width, POINT), *_normed(width)] if deep else []),
            conv3d(width, 16 * self.cell**2, POINT),
        )
        _start_near_zero(self.unfold[0])
        if not deep:  # the authors' net has these, too, and runs them nowhere
            self.unused = nn.Sequential(conv3d(2 * width, width, POINT), nn.BatchNorm3d(width))

    def forward(self, x_FCJHW: Tensor) -> Tensor:
        """(F, 3, 4, H/2, W/2) -> (F, 64, H/4, W/4)."""
        # F, rgb, J, h, row, w, column
        patches = torch.unflatten(torch.unflatten(x_FCJHW, 4, (-1, self.patch)), 3, (-1, self.patch))
        codes_FDJhw = self.embed(patches.permute(0, 4, 6, 1, 2, 3, 5).flatten(1, 3))
        codes_FDJhw = codes_FDJhw + self.refine(codes_FDJhw)
        codes_FDJhw = codes_FDJhw + self.refine_again(codes_FDJhw)
        # F, row, column, K, J, h, w
        cells = torch.unflatten(self.unfold(codes_FDJhw), 1, (self.cell, self.cell, -1))
        return cells.permute(0, 3, 4, 5, 1, 6, 2).flatten(5, 6).flatten(3, 4).flatten(1, 2)


def _normed(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm3d(channels), relu()


def _start_near_zero(conv: nn.Module) -> None:
    """Torch's own start, times 0.01."""
    weight = conv.get_parameter("weight")
    nn.init.kaiming_uniform_(weight, math.sqrt(5))
    with torch.no_grad():
        weight.mul_(0.01)


def stacked_differences() -> nn.Sequential:
    """All differences of a segment as one image, its norms behind the ReLUs: (F, 12, H/2, W/2) -> (F, 64, H/4, W/4)."""
    return nn.Sequential(
        conv2d(12, 24, 3, 2),
        relu(),
        nn.BatchNorm2d(24),
        conv2d(24, 64, 3, groups=4),
        relu(),
        nn.BatchNorm2d(64),
        nn.Conv2d(64, 64, 1),
        conv2d(64, 64, 3, groups=16),
    )


class MotionFilter(nn.Module):
    """Excite by motion, filter in time, then in space: (B, C, T, H, W) -> (B, C, T, H/s, W/s)."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        moved = channels // 8
        self.excite = MotionExcitation(channels)
        self.temporal = TemporalFilter(channels, [1] * moved + [-1] * moved + [0] * (channels - 2 * moved))
        self.spatial = conv_norm(channels, channels, 3, stride, rectify=True)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C, T, H/s, W/s)."""
        clips, _, frames = x_BCTHW.shape[:3]
        excited_FCHW = self.excite(to_frames(x_BCTHW), frames)
        return to_clips(self.spatial(self.temporal(excited_FCHW, frames)), clips)


def bottleneck(c_in: int, c_out: int, stride: int, shortcut: nn.Module) -> ClipBottleneck:
    """Narrow, filter motion, time and space, widen: (B, c_in, T, H, W) -> (B, c_out, T, H/s, W/s)."""
    block = ClipBottleneck(c_in, c_out, MotionFilter(c_out // 4, stride), shortcut)
    nn.init.ones_(block.widen.get_parameter("norm.weight"))
    return block


class Thirds(nn.Module):
    """A third of the channels as it is, one filtered, one filtered with dilation 2: (N, C, H, W) -> the same."""

    def __init__(self, channels: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        third = channels // 3
        self.widths = [third, third, channels - 2 * third]
        self.near, self.far = (
            nn.Conv2d(
                width, width, kernel, padding=(d * (kernel[0] // 2), d * (kernel[1] // 2)), dilation=d, bias=False
            )
            for d, width in zip((1, 2), self.widths[1:], strict=True)
        )
        for conv in (self.near, self.far):
            nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        still, near, far = torch.split(x_NCHW, self.widths, 1)
        return torch.cat([still, self.near(near), self.far(far)], 1)


class MixingMatrix(nn.Module):
    """A matrix over channels for each clip, from what happens in it: (B, C, T, H, W) -> (B, C, C), its rows outputs."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = channels // 16
        cubes = [(width, width), (width, width), (width, 2 * width), *[(2 * width, 2 * width)] * 2]
        self.perceive = nn.Sequential(
            conv3d(channels, width, POINT),
            *_normed(width),
            *chain.from_iterable(_cube(*cube) for cube in [*cubes, (2 * width, 4 * width)]),
        )
        self.matrix = nn.Linear(4 * width, channels**2)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C, C)."""
        return self.matrix(self.perceive(x_BCTHW).mean((2, 3, 4))).unflatten(1, (x_BCTHW.shape[1], -1))  # type: ignore[no-any-return]


def _cube(c_in: int, c_out: int) -> Iterator[nn.Module]:
    """3x3x3, norm and ReLU: (B, c_in, T, H, W) -> the same but for channels or, if those grow, T/2+1, H/2+1, W/2+1."""
    step = 1 if c_in == c_out else 2
    conv = nn.Conv3d(c_in, c_out, 3, step, step)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    yield from (conv, *_normed(c_out))


class EventAdaptive(nn.Module):
    """The event adaptive block, x + expand(filters of several sizes in time, then space): (B, C, T, H, W) -> the same.

    Between time and space the clip's own matrix mixes channels, so each clip weighs the sizes of filters anew. C is a
    multiple of 64; a new block gives nearly what goes in.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = channels // 4
        self.compress = conv2d(channels, width, 1, groups=GROUPS)
        self.mixing = MixingMatrix(width)
        self.pooled = conv2d(width, width, 1)
        self.temporal = Thirds(width, (3, 1))
        self.norm = nn.BatchNorm2d(width)
        self.relu = relu()
        self.spatial = Thirds(width, (3, 3))
        self.expand = nn.Conv2d(width, channels, 1, groups=GROUPS, bias=False)
        _start_near_zero(self.expand)
        self.unused = nn.BatchNorm3d(channels)  # of the authors' net, which runs it nowhere

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C, T, H, W)."""
        clips = x_BCTHW.shape[0]
        u_BDTHW = to_clips(self.compress(to_frames(x_BCTHW)), clips).contiguous()
        pooled_NDHW = self.pooled(to_frames(functional.max_pool3d(u_BDTHW, 3, 1, 1)))
        # The clip as one image, T high and H * W wide.
        filtered_BDTP = self.relu(self.norm(self.temporal(u_BDTHW.flatten(3))))
        mixed_BDTHW = torch.bmm(self.mixing(u_BDTHW), filtered_BDTP.flatten(2)).view_as(u_BDTHW)
        y_NDHW = self.spatial(to_frames(mixed_BDTHW)) + pooled_NDHW
        return x_BCTHW + to_clips(self.expand(y_NDHW), clips)


class TokenLayer(nn.Module):
    """Self-attention and an MLP, normed over all tokens of the batch: (B, N, D) -> the same."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.BatchNorm1d(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)
        hidden = ((nn.Linear(width, width), nn.BatchNorm1d(width), relu()) for _ in range(2))
        self.mlp = nn.Sequential(nn.BatchNorm1d(width), *chain.from_iterable(hidden), nn.Linear(width, width))

    def forward(self, x_BND: Tensor) -> Tensor:
        """(B, N, D) -> (B, N, D)."""
        packed_BNC = self.qkv(self.norm(x_BND.flatten(0, 1))).unflatten(0, x_BND.shape[:2])
        x_BND = x_BND + self.out(attend(packed_BNC, self.heads))
        return x_BND + self.mlp(x_BND.flatten(0, 1)).view_as(x_BND)  # type: ignore[no-any-return]


class SparseTransformer(nn.Module):
    """What a transformer over few tokens adds to the global mean: (B, 2048, T, H, W) of one shape -> (B, 2048).

    Four maps of attention over each frame pick four tokens out of it. At first nothing is added.
    """

    def __init__(self, channels: int, frames: int, side: int) -> None:
        super().__init__()
        width, hidden, maps = 512, 128, 4
        self.squeeze = conv3d(channels, width, POINT)
        kernels = ((width, POINT), (hidden, CUBE), (hidden, SPATIAL))
        layers = ((conv3d(c, hidden, k, bias=True), relu(), nn.BatchNorm3d(hidden)) for c, k in kernels)
        self.score = nn.Sequential(*chain.from_iterable(layers), conv3d(hidden, maps, SPATIAL, bias=True))
        self.position = nn.Parameter(torch.randn(width, frames * side**2))
        self.layers = nn.Sequential(*(TokenLayer(width, 8) for _ in range(2)))
        self.widen = nn.Linear(width, channels, bias=False)
        self.norm = nn.BatchNorm1d(channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 2048, T, H, W) -> (B, 2048)."""
        if self.training and len(x_BCTHW) == 1:
            raise InputError("EAN trains on two clips or more at once, its head normalises over them; give --batch 2")
        z_BDTHW = self.squeeze(x_BCTHW)
        picked_BMTP = self.score(z_BDTHW).flatten(3).softmax(3)
        placed_BDTP = (z_BDTHW.flatten(2) + self.position).unflatten(2, picked_BMTP.shape[2:])
        # By elements, as the authors weigh places: by the convention no multiply-accumulates.
        tokens_BMDT = (placed_BDTP.unsqueeze(1) * picked_BMTP.unsqueeze(2)).sum(4)
        tokens_BND = self.layers(tokens_BMDT.transpose(2, 3).flatten(1, 2))
        return self.norm(self.widen(tokens_BND.mean(1))) + x_BCTHW.mean((2, 3, 4))  # type: ignore[no-any-return]


class EAN(nn.Module):
    """(B, 3, T, H, W) clip of one length and size -> (B, classes) logits; five raw frames a segment, one after another.

    The trunk sees one frame a segment and what moves around it.
    """

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.clip = (SHOTS * cfg.segments, cfg.size, cfg.size)
        self.stem = stem(64)
        self.unused = nn.BatchNorm2d(128)  # of the authors' stem, which runs it nowhere
        self.motion = LatentMotion(deep=cfg.stacked)
        self.stacked = stacked_differences() if cfg.stacked else None
        self.adaptive = nn.ModuleList(EventAdaptive(width) for width in (64, *WIDTHS[:-1]))
        self.stages = stages(bottleneck, cfg.depths)
        self.head = SparseTransformer(WIDTHS[-1], cfg.segments, cfg.size // 32)
        self.dropout = nn.Dropout(0.3)
        self.classifier = classifier(WIDTHS[-1], cfg.classes)
        nn.init.normal_(self.classifier.weight, std=0.001)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        if x_BCTHW.shape[2:] != self.clip:
            told, given = ("{} frames of {} x {}".format(*clip) for clip in (self.clip, x_BCTHW.shape[2:]))
            raise InputError(
                f"this EAN takes clips of {told} alone, not {given}: "
                f"segments of {SHOTS} raw frames and a table of positions are wired in"
            )
        clips = x_BCTHW.shape[0]
        middle_BCSHW = x_BCTHW[:, :, SHOTS // 2 :: SHOTS]
        y_BCSHW = to_clips(self._add_motion(self.stem(to_frames(middle_BCSHW)), take_differences(x_BCTHW)), clips)
        for adaptive, stage in zip(self.adaptive, self.stages, strict=True):
            y_BCSHW = stage(adaptive(y_BCSHW))
        return self.classifier(self.dropout(self.head(y_BCSHW)))  # type: ignore[no-any-return]

    def _add_motion(self, x_FCHW: Tensor, differences_FCJHW: Tensor) -> Tensor:
        """The stem's maps with those of motion: (F, 64, H/4, W/4), (F, 3, 4, H/2, W/2) -> (F, 64, H/4, W/4)."""
        latent_FCHW = self.motion(differences_FCJHW)
        if self.stacked is None:
            return x_FCHW + latent_FCHW  # type: ignore[no-any-return]
        return 0.6 * x_FCHW + 0.2 * latent_FCHW + 0.2 * self.stacked(differences_FCJHW.flatten(1, 2))  # type: ignore[no-any-return]


FAMILY = Architecture(Config, EAN)
