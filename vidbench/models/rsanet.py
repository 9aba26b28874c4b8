"""RSANet (arXiv 2111.01673): some 3x3 convolutions of a ResNet become relational self-attention, over time as well."""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vidbench.models.architecture import Architecture
from vidbench.models.layers import conv2d, relu
from vidbench.models.resnet2d import ClipBottleneck, FrameHead, Framewise, conv_norm, stages, stem, to_clips, to_frames
from vidbench.models.resnet3d import WIDTHS

HEADS = 8  # of the queries
WINDOW = (5, 7, 7)  # places around one that it relates to, in time, height and width
DROP = 0.2  # stochastic depth of the last block


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A ResNet's depths, and which blocks of each stage, counted from 0, relate instead of convolving."""

    depths: tuple[int, int, int, int]
    relational: tuple[tuple[int, ...], ...]
    classes: int = 400


class RelationalSelfAttention(nn.Module):
    """The RSA operator, from C channels to as many: (B, C, T, H, W) -> the same; C is a multiple of 8.

    Each place filters its window of values by a kernel made of its query and the keys there, and the window's features
    are related to each other before. Neither the window's correlations nor its kernels are ever held: both are
    projected on D = C / 8 latent channels by filters as big as the window, and meet there,

        out[h] = (q[h] (H1 * k + P)) (B^T A)^T  with  A[c] = H2 * v[c]  and  B[c] = G * v[c] + I[c],

    q, k and v being unit vectors of d = C / 8 channels, q one for each of 8 heads h, * a convolution over the window.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = channels // HEADS
        self.project = conv2d(channels, (HEADS + 2) * width, 1)
        self.key_filters = _filters(width**2)  # H1: for key channel i its own, from i * D to (i + 1) * D
        self.value_filters = _filters(width)  # H2, the same for all channels of the values, as is G
        self.context_filters = _filters(width)  # G
        self.position = nn.Parameter(torch.randn(width, width) * (245 * width) ** -0.5)  # P
        self.identity = nn.Parameter(torch.eye(width))  # I

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C, T, H, W)."""
        projected_BTHWgd = self.project(to_frames(x_BCTHW)).permute(0, 2, 3, 1).unflatten(0, (len(x_BCTHW), -1))
        z = projected_BTHWgd.unflatten(4, (HEADS + 2, -1))
        z = z * (z.square().sum(5, keepdim=True) + 1e-6).rsqrt()
        width = z.shape[5]
        basis_Pie = _relate(z[..., HEADS, :], self.key_filters, self.position)
        kernels_Phe = z[..., :HEADS, :].flatten(0, 3) @ basis_Pie
        # Every channel of the values meets the same filters: a group a channel, all with the same weights.
        filters = torch.cat([self.value_filters, self.context_filters]).repeat(width, 1, 1, 1, 1)
        offsets = torch.cat([torch.zeros_like(self.identity), self.identity], 1)
        values_Pce, contexts_Pcv = _relate(z[..., HEADS + 1, :], filters, offsets).chunk(2, 2)
        features_Pve = contexts_Pcv.transpose(1, 2) @ values_Pce
        y_Pvh = features_Pve @ kernels_Phe.transpose(1, 2)
        y_NHWC = y_Pvh.view(-1, *z.shape[2:4], x_BCTHW.shape[1])
        return to_clips(y_NHWC.permute(0, 3, 1, 2).contiguous(), len(x_BCTHW))


def _filters(count: int) -> nn.Parameter:
    weight = nn.Parameter(torch.empty(count, 1, *WINDOW))
    nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu")
    return weight


def _relate(x_BTHWd: Tensor, filters: Tensor, offsets_de: Tensor) -> Tensor:
    """Filter the windows of each channel by as many filters, add offsets: (B, T, H, W, d) -> (B * T * H * W, d, e)."""
    width, reach = x_BTHWd.shape[4], WINDOW[0] // 2
    padded = functional.pad(x_BTHWd, (0, 0, 0, 0, 0, 0, reach, reach))
    # A channel's five frames are channels of its group: the same products as of a 3-D convolution, on images.
    stacked_NKHW = padded.unfold(1, WINDOW[0], 1).flatten(4).flatten(0, 1).permute(0, 3, 1, 2)
    y_NEHW = functional.conv2d(stacked_NKHW, filters.flatten(1, 2), offsets_de.flatten(), 1, 3, 1, width)
    return y_NEHW.permute(0, 2, 3, 1).reshape(-1, *offsets_de.shape)


class RSANet(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits, the mean of its frames'; any T, total spatial stride 32."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        relates = iter(
            [i in places for depth, places in zip(cfg.depths, cfg.relational, strict=True) for i in range(depth)]
        )
        drops = iter([DROP * i / (sum(cfg.depths) - 1) for i in range(sum(cfg.depths))])

        def bottleneck(c_in: int, c_out: int, stride: int, shortcut: nn.Module) -> ClipBottleneck:
            filtering = relational(c_out // 4) if next(relates) else convolutional(c_out // 4, stride)
            return ClipBottleneck(c_in, c_out, filtering, shortcut, drop=next(drops))

        self.stem = stem(64)
        self.stages = stages(bottleneck, cfg.depths)
        self.head = FrameHead(WIDTHS[-1], cfg.classes, dropout=0.3)
        nn.init.xavier_uniform_(self.head.classifier.weight)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        clips = x_BCTHW.shape[0]
        features_BCTHW = self.stages(to_clips(self.stem(to_frames(x_BCTHW)), clips))
        return self.head(to_frames(features_BCTHW), clips)  # type: ignore[no-any-return]


def relational(channels: int) -> nn.Sequential:
    """Relational self-attention, norm, ReLU: (B, C, T, H, W) -> the same."""
    normed = Framewise(nn.Sequential(OrderedDict(norm=nn.BatchNorm2d(channels), relu=relu())))
    return nn.Sequential(OrderedDict(relate=RelationalSelfAttention(channels), normed=normed))


def convolutional(channels: int, stride: int) -> Framewise:
    """A 3x3 convolution of frames, norm, ReLU: (B, C, T, H, W) -> (B, C, T, H/s, W/s)."""
    return Framewise(conv_norm(channels, channels, 3, stride, rectify=True))


FAMILY = Architecture(Config, RSANet)
