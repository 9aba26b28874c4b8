"""Temporally adaptive convolution (arXiv 2110.06178, 2308.05787): each frame has its own filters, which a route scales.

All the frames go through one convolution with the shared filters: scaling what goes in or what comes out of it, frame
by frame, is the same arithmetic as scaling the filters themselves.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from vidbench.models.layers import start_small


class QuickGELU(nn.Module):
    """CLIP's approximation of GELU, x * sigmoid(1.702 x), worked out as silu(1.702 x) / 1.702: any shape -> same."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape -> the same."""
        return functional.silu(1.702 * x, inplace=True).div_(1.702)


def average_over_time(x_BTNM: Tensor) -> Tensor:
    """Mean of each frame and its two neighbours, where those beyond the ends count as zeros: (B, T, N, M) -> the same.

    A 2D pool over M as its channels: torch's 3D pool takes twenty times as long on a CPU.
    """
    return functional.avg_pool2d(x_BTNM.permute(0, 3, 1, 2), (3, 1), 1, (1, 0)).permute(0, 2, 3, 1)


class TimeConv(nn.Module):
    """A convolution of three taps over time: (B, T, c_in) -> (B, T, c_out).

    It is one matrix product with the weights as they lie; a convolution would put them into another order at each call,
    which is more work than the few frames themselves.
    """

    bias: nn.Parameter | None

    def __init__(self, c_in: int, c_out: int, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.trunc_normal_(torch.empty(c_out, c_in, 3), std=0.02))
        self.bias = nn.Parameter(torch.zeros(c_out)) if bias else None

    def forward(self, x_BTC: Tensor) -> Tensor:
        """(B, T, c_in) -> (B, T, c_out)."""
        taps_BTN = functional.pad(x_BTC, (0, 0, 1, 1)).unfold(1, 3, 1).flatten(2)
        return functional.linear(taps_BTN, self.weight.flatten(1), self.bias)


class LocalRoute(nn.Module):
    """TAda2D's route: scales from each frame, its neighbours and the whole clip: (B, T, C) frame means -> (B, T, C)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = channels // 4
        self.context = nn.Linear(channels, channels)
        self.squeeze = TimeConv(channels, hidden)
        self.norm = nn.BatchNorm1d(hidden)
        self.scales = TimeConv(hidden, channels, bias=False)
        for layer in (self.context, self.squeeze):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(self.context.bias)
        nn.init.zeros_(self.scales.weight)

    def forward(self, means_BTC: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        hidden_BTD = self.squeeze(means_BTC + self.context(means_BTC.mean(1, keepdim=True)))
        return self.scales(self.norm(hidden_BTD.transpose(1, 2)).relu_().transpose(1, 2)) + 1  # type: ignore[no-any-return]


class TimeAttention(nn.Module):
    """Self-attention over the frames of the clip: (B, T, C) -> the same.

    As in the authors' code, a channel of the queries, keys and values is (place in the head, head), but one of what
    comes out is (head, place); and the products are scaled by the whole width, not by a head's.
    """

    def __init__(self, channels: int, head_width: int) -> None:
        super().__init__()
        self.packing = (3, head_width, channels // head_width)
        self.scale = channels**-0.5
        self.qkv = start_small(nn.Linear(channels, 3 * channels))
        self.out = start_small(nn.Linear(channels, channels))

    def forward(self, x_BTC: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        # (B, T, 3, place, head) -> (3, B, head, T, place)
        q_BNTD, k_BNTD, v_BNTD = self.qkv(x_BTC).unflatten(2, self.packing).permute(2, 0, 4, 1, 3)
        mixed_BNTD = functional.scaled_dot_product_attention(q_BNTD, k_BNTD, v_BNTD, scale=self.scale)
        return self.out(mixed_BNTD.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class FilterScales(nn.Module):
    """Scales of weights and of biases, by three taps over time each: (B, T, hidden) -> twice (B, T, C).

    With `from_one` they are one at first, so that training starts at the ordinary convolution.
    """

    def __init__(self, hidden: int, channels: int, *, from_one: bool) -> None:
        super().__init__()
        self.from_one = from_one
        self.weights = TimeConv(hidden, channels, bias=False)
        self.biases = TimeConv(hidden, channels, bias=False)
        if from_one:
            nn.init.zeros_(self.weights.weight)
            nn.init.zeros_(self.biases.weight)

    def forward(self, hidden_BTD: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, hidden) -> (B, T, C), (B, T, C)."""
        weights_BTC, biases_BTC = self.weights(hidden_BTD), self.biases(hidden_BTD)
        return (weights_BTC + 1, biases_BTC + 1) if self.from_one else (weights_BTC, biases_BTC)


class ContextRoute(nn.Module):
    """TAdaConvNeXt's route: scales from each frame, its neighbours and the whole clip.

    (B, T, C) frame means -> twice (B, T, C), of weights and of biases.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = channels // 4
        self.context = start_small(nn.Linear(channels, channels))
        self.squeeze = TimeConv(channels, hidden)
        self.norm = nn.LayerNorm(hidden, eps=1e-6)
        self.gelu = nn.GELU()
        self.scales = FilterScales(hidden, channels, from_one=True)

    def forward(self, means_BTC: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, C) -> (B, T, C), (B, T, C)."""
        context_B1C = self.context(means_BTC.mean(1, keepdim=True))
        hidden_BTD = self.gelu(self.norm(self.squeeze(means_BTC + context_B1C)))
        return self.scales(hidden_BTD)  # type: ignore[no-any-return]


class AttentiveRoute(nn.Module):
    """The second paper's route, with attention over the frames: (B, T, C) frame means -> twice (B, T, C)."""

    def __init__(self, channels: int, head_width: int, *, from_one: bool) -> None:
        super().__init__()
        hidden = channels // 2
        self.squeeze = TimeConv(channels, hidden)
        self.norm = nn.LayerNorm(hidden, eps=1e-6)
        self.gelu = QuickGELU()
        self.attention_norm = nn.LayerNorm(hidden, eps=1e-6)
        self.attention = TimeAttention(hidden, head_width)
        self.scales = FilterScales(hidden, channels, from_one=from_one)

    def forward(self, means_BTC: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, C) -> (B, T, C), (B, T, C)."""
        hidden_BTD = self.gelu(self.norm(self.squeeze(means_BTC)))
        hidden_BTD = hidden_BTD + self.attention(self.attention_norm(hidden_BTD))
        return self.scales(hidden_BTD)  # type: ignore[no-any-return]


class AdaptiveDepthwise(nn.Module):
    """One filter a channel and frame, out of a shared one and the frame's scales: (B, T, H, W, C) -> the same."""

    def __init__(self, channels: int, kernel: int, route: AttentiveRoute | ContextRoute) -> None:
        super().__init__()
        self.route = route
        self.weight = nn.Parameter(torch.empty(channels, 1, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(channels))
        # torch's own start of a convolution.
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        nn.init.uniform_(self.bias, -1 / kernel, 1 / kernel)

    def forward(self, x_BTHWC: Tensor) -> Tensor:
        """(B, T, H, W, C) -> (B, T, H, W, C)."""
        weight_scales_BTC, bias_scales_BTC = self.route(x_BTHWC.mean((2, 3)))
        frames_FCHW = x_BTHWC.flatten(0, 1).permute(0, 3, 1, 2)
        padding, channels = self.weight.shape[-1] // 2, len(self.weight)
        filtered_FCHW = functional.conv2d(frames_FCHW, self.weight, padding=padding, groups=channels)
        filtered_BTHWC = filtered_FCHW.permute(0, 2, 3, 1).view_as(x_BTHWC)
        bias_BTC = self.bias * bias_scales_BTC
        return torch.addcmul(bias_BTC[:, :, None, None], filtered_BTHWC, weight_scales_BTC[:, :, None, None])
