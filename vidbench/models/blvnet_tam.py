"""bLVNet-TAM (arXiv 1912.00869): pairs of frames, one small and wide, one large and thin; 1x1 filters blend in time."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vidbench.errors import InputError
from vidbench.models.architecture import Architecture
from vidbench.models.layers import relu
from vidbench.models.resnet2d import Bottleneck, FrameHead, conv_norm, to_clips, to_frames
from vidbench.models.resnet3d import WIDTHS

THIN = 2  # the paper's alpha: the little branch is this many times narrower
SHALLOW = 4  # the paper's beta: and has about this many times fewer blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """`depths` of stages 1 to 3 are of the big branch with its fusion block; that of stage 4 is of plain blocks."""

    depths: tuple[int, int, int, int]
    classes: int = 400


class TemporalAggregation(nn.Module):
    """TAM: ReLU(p * the frame before + c * the frame + n * the frame after), three weights a channel.

    (B, C, T, H, W) -> the same; beyond the ends of the clip is zero.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.previous, self.current, self.next = (nn.Parameter(torch.empty(channels, 1, 1, 1)) for _ in range(3))
        for weight in (self.previous, self.current, self.next):
            nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu")
        self.relu = relu()

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C, T, H, W)."""
        # The same products as the authors' three depthwise 1x1 filters on shifted frames, as one filter along the first
        # axis of a (T, H*W) plane: 2 to 60 times as fast on a CPU, and up to 7 times as fast as a depthwise Conv3d.
        taps_C131 = torch.cat([self.previous, self.current, self.next], 2)
        blended = functional.conv2d(x_BCTHW.flatten(3), taps_C131, padding=(1, 0), groups=x_BCTHW.shape[1])
        return self.relu(blended).view(x_BCTHW.shape)  # type: ignore[no-any-return]


class TemporalBottleneck(nn.Module):
    """A bottleneck that filters what TAM has blended: (B, c_in, T, H, W) -> (B, c_out, T, H/s, W/s).

    A projection shortcut takes the blended frames too, an identity the raw ones.
    """

    def __init__(self, c_in: int, c_out: int, stride: int, shortcut: nn.Module) -> None:
        super().__init__()
        self.aggregation = TemporalAggregation(c_in)
        self.block = Bottleneck(c_in, c_out, stride, shortcut)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, c_in, T, H, W) -> (B, c_out, T, H', W')."""
        blended_NCHW = to_frames(self.aggregation(x_BCTHW))
        raw = isinstance(self.block.shortcut, nn.Identity)
        return to_clips(self.block(blended_NCHW, to_frames(x_BCTHW) if raw else blended_NCHW), x_BCTHW.shape[0])


def shortcut(c_in: int, c_out: int, stride: int) -> nn.Module:
    """A mean pool where strided, then a 1x1 filter where the width changes: (N, c_in, H, W) -> (N, c_out, H/s, W/s)."""
    layers: list[nn.Module] = [nn.AvgPool2d(3, 2, 1)] if stride != 1 else []
    if c_in != c_out:
        layers.append(conv_norm(c_in, c_out, 1))
    return nn.Sequential(*layers) if layers else nn.Identity()


def bottleneck(c_in: int, c_out: int, stride: int = 1, *, rectify: bool = True) -> Bottleneck:
    """(N, c_in, H, W) -> (N, c_out, H/s, W/s)."""
    return Bottleneck(c_in, c_out, stride, shortcut(c_in, c_out, stride), rectify=rectify)


class Pairs(nn.Module):
    """TAM, a big and a little branch whose sizes meet, fusion: (B, c_in, 2P, H, W) -> (B*P, c_out, H', W').

    The second frame of each pair is the big one: half the size, full width. The branches end without a ReLU, for it
    follows their sum.
    """

    def __init__(self, channels: int, big: nn.Module, little: nn.Module, fusion: nn.Module) -> None:
        super().__init__()
        self.aggregation = TemporalAggregation(channels)
        self.big = big
        self.little = little
        self.relu = relu()
        self.fusion = fusion

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, c_in, 2P, H, W) -> (B*P, c_out, H', W')."""
        blended_BCTHW = self.aggregation(x_BCTHW)
        big = self.big(to_frames(blended_BCTHW[:, :, 1::2]))
        little = self.little(to_frames(blended_BCTHW[:, :, ::2]))
        if big.shape[-2:] != little.shape[-2:]:
            big = functional.interpolate(big, little.shape[-2:], mode="nearest")
        return self.fusion(self.relu(big + little))  # type: ignore[no-any-return]


def stem_pairs(width: int) -> Pairs:
    """(B, width, 2P, H, W) -> (B*P, width, H/2, W/2)."""
    thin = width // THIN
    little = nn.Sequential(
        conv_norm(width, thin, 3, rectify=True), conv_norm(thin, thin, 3, 2, rectify=True), conv_norm(thin, width, 1)
    )
    return Pairs(width, conv_norm(width, width, 3, 2), little, conv_norm(width, width, 1, rectify=True))


def stage_pairs(c_in: int, c_out: int, depth: int, stride: int) -> Pairs:
    """(B, c_in, 2P, H, W) -> (B*P, c_out, H/s, W/s): depth - 1 big blocks and about depth / 4 little ones, then one."""
    last = depth - 2
    big = [bottleneck(c_in if i == 0 else c_out, c_out, 2 if i == 0 else 1, rectify=i < last) for i in range(last + 1)]
    thin = c_out // THIN
    shallow = max(1, depth // SHALLOW - 1)
    little = [bottleneck(c_in if i == 0 else thin, thin) for i in range(shallow)]
    return Pairs(
        c_in,
        nn.Sequential(*big),
        nn.Sequential(*little, conv_norm(thin, c_out, 1)),
        bottleneck(c_out, c_out, stride),
    )


class BLVNetTAM(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits; T even, total spatial stride 32."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        d1, d2, d3, d4 = cfg.depths
        w1, w2, w3, w4 = WIDTHS
        self.stem = conv_norm(3, 64, 7, 2, rectify=True)
        self.pairs = nn.ModuleList(
            [stem_pairs(64), stage_pairs(64, w1, d1, 2), stage_pairs(w1, w2, d2, 2), stage_pairs(w2, w3, d3, 1)]
        )
        self.last = nn.Sequential(
            TemporalBottleneck(w3, w4, 2, shortcut(w3, w4, 2)),
            *(TemporalBottleneck(w4, w4, 1, nn.Identity()) for _ in range(1, d4)),
        )
        self.head = FrameHead(w4, cfg.classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        clips, frames = x_BCTHW.shape[0], x_BCTHW.shape[2]
        if frames % 2:
            raise InputError(f"bLVNet-TAM takes pairs of frames, so an even number of them, not {frames}")
        x = to_clips(self.stem(to_frames(x_BCTHW)), clips)
        for i, pairs in enumerate(self.pairs):
            # Each map that came of a pair stands for both of its frames.
            x = to_clips(pairs(x if i == 0 else x.repeat_interleave(2, 2)), clips)
        return self.head(to_frames(self.last(x)), clips)  # type: ignore[no-any-return]


FAMILY = Architecture(Config, BLVNetTAM)
