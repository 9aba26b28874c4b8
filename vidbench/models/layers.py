"""Pieces that several families share: convolutions with "same" padding, residual sum, gates, stems, heads."""

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from torch import Tensor, nn

Triple = tuple[int, int, int]

POINT: Triple = (1, 1, 1)
TEMPORAL: Triple = (3, 1, 1)
SPATIAL: Triple = (1, 3, 3)
CUBE: Triple = (3, 3, 3)

Layer = TypeVar("Layer", nn.Linear, nn.Conv2d, nn.Conv3d)


def round_width(width: float, divisor: int = 8) -> int:
    """Nearest multiple of `divisor`, at least one of them and never below 0.9 of `width` (MobileNet's rule)."""
    rounded = max(divisor, math.floor((width + divisor / 2) / divisor) * divisor)
    return rounded + divisor if rounded < 0.9 * width else rounded


def conv3d(
    c_in: int, c_out: int, kernel: Triple, stride: Triple = POINT, *, groups: int = 1, bias: bool = False
) -> nn.Conv3d:
    """A convolution padded by half its kernel: (B, c_in, T, H, W) -> (B, c_out, T/st, H/sh, W/sw), rounded up."""
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    conv = nn.Conv3d(c_in, c_out, kernel, stride, padding, groups=groups, bias=bias)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv


def conv2d(c_in: int, c_out: int, kernel: int, stride: int = 1, *, groups: int = 1) -> nn.Conv2d:
    """conv3d's likeness for frames folded into the batch: (F, c_in, H, W) -> (F, c_out, H/s, W/s), rounded up."""
    conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv


def depthwise3d(channels: int, kernel: Triple, stride: Triple = POINT) -> nn.Conv3d:
    """One filter a channel: (B, channels, T, H, W) -> (B, channels, T/st, H/sh, W/sw)."""
    return conv3d(channels, channels, kernel, stride, groups=channels)


def last_norm(channels: int) -> nn.BatchNorm3d:
    """The norm that ends a residual branch: its scale starts at zero, so that the block starts as its shortcut."""
    norm = nn.BatchNorm3d(channels)
    nn.init.zeros_(norm.weight)
    return norm


def start_small(layer: Layer) -> Layer:
    """The layer, with weights of a truncated normal of deviation 0.02 and no bias, as ViT and ConvNeXt start."""
    nn.init.trunc_normal_(layer.weight, std=0.02)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def relu() -> nn.ReLU:
    """In place: only ever put behind a norm or a sum, whose output nothing else reads."""
    return nn.ReLU(inplace=True)


def classifier(c_in: int, classes: int) -> nn.Linear:
    """(B, c_in) -> (B, classes)."""
    linear = nn.Linear(c_in, classes)
    nn.init.normal_(linear.weight, std=0.01)
    nn.init.zeros_(linear.bias)
    return linear


def projection(c_in: int, c_out: int, stride: Triple) -> nn.Module:
    """A strided 1x1x1 convolution with a norm: (B, c_in, T, H, W) -> (B, c_out, T/st, H/sh, W/sw)."""
    return nn.Sequential(OrderedDict(conv=conv3d(c_in, c_out, POINT, stride), norm=nn.BatchNorm3d(c_out)))


class Residual(nn.Module):
    """ReLU(shortcut(x) + branch(x)): (B, c_in, T, H, W) -> (B, c_out, T/st, H/sh, W/sw).

    The shortcut is the identity where branch and input agree in shape, otherwise what `project` makes.
    """

    def __init__(
        self,
        branch: nn.Module,
        c_in: int,
        c_out: int,
        stride: Triple,
        *,
        project: Callable[[int, int, Triple], nn.Module] = projection,
    ) -> None:
        super().__init__()
        self.branch = branch
        alike = c_in == c_out and stride == POINT
        self.shortcut = nn.Identity() if alike else project(c_in, c_out, stride)
        self.relu = relu()

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, c_in, T, H, W) -> (B, c_out, T', H', W')."""
        return self.relu(self.shortcut(x_BCTHW) + self.branch(x_BCTHW))  # type: ignore[no-any-return]


class StochasticDepth(nn.Module):
    """In training, a branch left out of whole clips at `rate`, and scaled up in the others (arXiv 1603.09382).

    (B, ...) -> the same.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """(B, ...) -> (B, ...)."""
        if not self.training or self.rate == 0:
            return x
        kept = x.new_empty((len(x), *[1] * (x.dim() - 1))).bernoulli_(1 - self.rate)
        return x * (kept / (1 - self.rate))


class SqueezeExcite(nn.Module):
    """A gate in (0, 1) a channel, from the channel means: (B, C, T, H, W) -> the same, scaled (arXiv 1709.01507)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            OrderedDict(
                squeeze=conv3d(channels, hidden, POINT, bias=True),
                relu=relu(),
                excite=conv3d(hidden, channels, POINT, bias=True),
                sigmoid=nn.Sigmoid(),
            )
        )

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C, T, H, W)."""
        return x_BCTHW * self.gate(x_BCTHW.mean((2, 3, 4), keepdim=True))  # type: ignore[no-any-return]


def factorised_stem(width: int) -> nn.Sequential:
    """X3D's stem, also VoV3D's, 1x3x3 then depthwise 5x1x1: (B, 3, T, H, W) -> (B, width, T, H/2, W/2)."""
    return nn.Sequential(
        OrderedDict(
            spatial=conv3d(3, width, SPATIAL, (1, 2, 2)),
            temporal=depthwise3d(width, (5, 1, 1)),
            norm=nn.BatchNorm3d(width),
            relu=relu(),
        )
    )


class WideHead(nn.Module):
    """X3D's head, also VoV3D's: the wide layer comes after the pooling. (B, c_in, T, H, W) -> (B, classes)."""

    def __init__(self, c_in: int, hidden: int, classes: int, wide: int = 2048) -> None:
        super().__init__()
        self.expand = nn.Sequential(
            OrderedDict(conv=conv3d(c_in, hidden, POINT), norm=nn.BatchNorm3d(hidden), relu=relu())
        )
        self.widen = nn.Sequential(
            OrderedDict(conv=conv3d(hidden, wide, POINT), relu=relu(), flat=nn.Flatten(), dropout=nn.Dropout(0.5))
        )
        self.classifier = classifier(wide, classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, c_in, T, H, W) -> (B, classes)."""
        pooled_BC111 = self.expand(x_BCTHW).mean((2, 3, 4), keepdim=True)
        return self.classifier(self.widen(pooled_BC111))  # type: ignore[no-any-return]


class PooledHead(nn.Module):
    """Global mean, dropout and one linear layer: (B, c_in, T, H, W) -> (B, classes)."""

    def __init__(self, c_in: int, classes: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.classifier = classifier(c_in, classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, c_in, T, H, W) -> (B, classes)."""
        return self.classifier(self.dropout(x_BCTHW.mean((2, 3, 4))))  # type: ignore[no-any-return]
