"""TAda2D (arXiv 2110.06178): a 2D ResNet whose 3x3 convolutions have other filters for each frame of the clip."""

from collections import OrderedDict
from dataclasses import dataclass

from torch import Tensor, nn

from vidbench.models.architecture import Architecture
from vidbench.models.layers import conv2d, relu
from vidbench.models.resnet3d import WIDTHS
from vidbench.models.tada import LocalRoute, average_over_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A ResNet's depths; everything else is fixed."""

    depths: tuple[int, int, int, int]
    classes: int = 400


class AdaptiveConv(nn.Module):
    """3x3 filters that a route scales along their input channels, frame by frame; what it scales here is the input.

    (B, T, C, H, W) -> (B, T, C, H/s, W/s).
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.route = LocalRoute(channels)
        self.conv = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)  # starts as torch's convolutions do

    def forward(self, x_BTCHW: Tensor) -> Tensor:
        """(B, T, C, H, W) -> (B, T, C, H/s, W/s)."""
        scales_BTC = self.route(x_BTCHW.mean((3, 4)))
        scaled_FCHW = (x_BTCHW * scales_BTC[..., None, None]).flatten(0, 1)
        return self.conv(scaled_FCHW).unflatten(0, x_BTCHW.shape[:2])  # type: ignore[no-any-return]


class Bottleneck(nn.Module):
    """Narrow, filter each frame by its own filters, mix neighbouring frames, widen.

    (B, T, c_in, H, W) -> (B, T, c_out, H/s, W/s).
    """

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        mid = c_out // 4
        self.narrow = nn.Sequential(OrderedDict(conv=conv2d(c_in, mid, 1), norm=nn.BatchNorm2d(mid), relu=relu()))
        self.filter = AdaptiveConv(mid, stride)
        self.norm = nn.BatchNorm2d(mid)
        self.mixed_norm = nn.BatchNorm2d(mid)
        nn.init.zeros_(self.mixed_norm.weight)
        self.relu = relu()
        self.widen = nn.Sequential(OrderedDict(conv=conv2d(mid, c_out, 1), norm=nn.BatchNorm2d(c_out)))
        self.shortcut = (
            nn.Identity()
            if c_in == c_out
            else nn.Sequential(OrderedDict(conv=conv2d(c_in, c_out, 1, stride), norm=nn.BatchNorm2d(c_out)))
        )

    def forward(self, x_BTCHW: Tensor) -> Tensor:
        """(B, T, c_in, H, W) -> (B, T, c_out, H/s, W/s)."""
        clip = x_BTCHW.shape[:2]
        x_FCHW = x_BTCHW.flatten(0, 1)
        filtered_BTCHW = self.filter(self.narrow(x_FCHW).unflatten(0, clip))
        mixed_BTCN = average_over_time(filtered_BTCHW.flatten(3))
        filtered_FCHW = filtered_BTCHW.flatten(0, 1)
        normed_FCHW = self.norm(filtered_FCHW)
        normed_FCHW += self.mixed_norm(mixed_BTCN.reshape(filtered_FCHW.shape))
        y_FCHW = self.widen(self.relu(normed_FCHW))
        y_FCHW += self.shortcut(x_FCHW)
        return self.relu(y_FCHW).unflatten(0, clip)  # type: ignore[no-any-return]


class TAda2D(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits; any T, total spatial stride 32.

    No max pool in the stem: the first block of every stage halves the frames, the first stage included.
    """

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.stem = nn.Sequential(OrderedDict(conv=conv2d(3, 64, 7, 2), norm=nn.BatchNorm2d(64), relu=relu()))
        self.stages = nn.Sequential(
            *(
                nn.Sequential(*(Bottleneck(*((c_in, c_out, 2) if i == 0 else (c_out, c_out, 1))) for i in range(depth)))
                for c_in, c_out, depth in zip((64, *WIDTHS), WIDTHS, cfg.depths, strict=False)
            )
        )
        self.dropout = nn.Dropout(0.5)
        self.classifier = nn.Linear(WIDTHS[-1], cfg.classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        frames_BTCHW = x_BCTHW.transpose(1, 2)
        stem_FCHW = self.stem(frames_BTCHW.flatten(0, 1))
        features_BTCHW = self.stages(stem_FCHW.unflatten(0, frames_BTCHW.shape[:2]))
        return self.classifier(self.dropout(features_BTCHW.mean((1, 3, 4))))  # type: ignore[no-any-return]


FAMILY = Architecture(Config, TAda2D)
