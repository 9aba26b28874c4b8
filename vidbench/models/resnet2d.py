"""The bottleneck ResNet over single frames: what frame-wise nets, and nets that mix time in between, are made of."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from vidbench.models.layers import StochasticDepth, classifier, conv2d, relu
from vidbench.models.resnet3d import STRIDES, WIDTHS

MakeBlock = Callable[[int, int, int, nn.Module], nn.Module]  # of c_in, c_out, stride and shortcut


def to_frames(x_BCTHW: Tensor) -> Tensor:
    """Fold time into the batch: (B, C, T, H, W) -> (B*T, C, H, W); no copy of what `to_clips` gave."""
    return x_BCTHW.transpose(1, 2).flatten(0, 1)


def to_clips(x_NCHW: Tensor, clips: int) -> Tensor:
    """View the frames of so many clips as clips: (B*T, C, H, W) -> (B, C, T, H, W)."""
    return x_NCHW.view(clips, -1, *x_NCHW.shape[1:]).transpose(1, 2)


def last_norm(channels: int) -> nn.BatchNorm2d:
    """The norm that ends a residual branch: its scale starts at zero, so that the block starts as its shortcut."""
    norm = nn.BatchNorm2d(channels)
    nn.init.zeros_(norm.weight)
    return norm


def conv_norm(c_in: int, c_out: int, kernel: int, stride: int = 1, *, rectify: bool = False) -> nn.Sequential:
    """A convolution, its norm and, with `rectify`, a ReLU: (N, c_in, H, W) -> (N, c_out, H/s, W/s)."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv=conv2d(c_in, c_out, kernel, stride), norm=nn.BatchNorm2d(c_out)
    )
    if rectify:
        layers["relu"] = relu()
    return nn.Sequential(layers)


class Bottleneck(nn.Module):
    """Narrow, filter, widen, beside a shortcut: (N, c_in, H, W) -> (N, c_out, H/s, W/s); the 3x3 has the stride.

    The last ReLU is left out without `rectify`.
    """

    def __init__(self, c_in: int, c_out: int, stride: int, shortcut: nn.Module, *, rectify: bool = True) -> None:
        super().__init__()
        mid = c_out // 4
        self.narrow = conv_norm(c_in, mid, 1, rectify=True)
        self.filter = conv_norm(mid, mid, 3, stride, rectify=True)
        self.widen = nn.Sequential(OrderedDict(conv=conv2d(mid, c_out, 1), norm=last_norm(c_out)))
        self.shortcut = shortcut
        self.relu = relu() if rectify else nn.Identity()

    def forward(self, x_NCHW: Tensor, beside_NCHW: Tensor | None = None) -> Tensor:
        """(N, c_in, H, W) -> (N, c_out, H', W'); the shortcut takes `beside` where it is given, else x."""
        shortcut = self.shortcut(x_NCHW if beside_NCHW is None else beside_NCHW)
        return self.relu(shortcut + self.widen(self.filter(self.narrow(x_NCHW))))  # type: ignore[no-any-return]


class Framewise(nn.Module):
    """Runs a module of frames on those of clips: (B, c_in, T, H, W) -> (B, c_out, T, H', W')."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, c_in, T, H, W) -> (B, c_out, T, H', W')."""
        return to_clips(self.module(to_frames(x_BCTHW)), x_BCTHW.shape[0])


class ClipBottleneck(nn.Module):
    """A bottleneck in whose middle frames meet: (B, c_in, T, H, W) -> (B, c_out, T, H/s, W/s).

    Args:
        filtering: what filters in time and space, (B, mid, T, H, W) -> (B, mid, T, H/s, W/s), with its norm and ReLU.
        shortcut: of frames.
        mid: the inner width, by default a quarter of `c_out`.
        drop: at which rate training leaves the branch of a clip out.
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        filtering: nn.Module,
        shortcut: nn.Module,
        *,
        mid: int | None = None,
        drop: float = 0,
    ) -> None:
        super().__init__()
        mid = c_out // 4 if mid is None else mid
        self.narrow = conv_norm(c_in, mid, 1, rectify=True)
        self.filter = filtering
        self.widen = nn.Sequential(OrderedDict(conv=conv2d(mid, c_out, 1), norm=last_norm(c_out)))
        self.shortcut = shortcut
        self.drop = StochasticDepth(drop)
        self.relu = relu()

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, c_in, T, H, W) -> (B, c_out, T, H', W')."""
        clips, x_NCHW = x_BCTHW.shape[0], to_frames(x_BCTHW)
        filtered_NCHW = to_frames(self.filter(to_clips(self.narrow(x_NCHW), clips)))
        branch_BCTHW = self.drop(to_clips(self.widen(filtered_NCHW), clips))
        return self.relu(to_clips(self.shortcut(x_NCHW), clips) + branch_BCTHW)  # type: ignore[no-any-return]


def stem(width: int) -> nn.Sequential:
    """A 7x7 convolution and a max pool: (N, 3, H, W) -> (N, width, H/4, W/4)."""
    return nn.Sequential(
        OrderedDict(filter=conv_norm(3, width, 7, 2, rectify=True), pool=nn.MaxPool2d(3, 2, padding=1))
    )


def stage(block: MakeBlock, c_in: int, c_out: int, stride: int, depth: int) -> nn.Sequential:
    """Blocks of frames (N, C, H, W) or of clips (B, C, T, H, W), the first strided, with a projection as shortcut."""
    return nn.Sequential(
        block(c_in, c_out, stride, conv_norm(c_in, c_out, 1, stride)),
        *(block(c_out, c_out, 1, nn.Identity()) for _ in range(1, depth)),
    )


def stages(block: MakeBlock, depths: Sequence[int], strides: Sequence[int] = STRIDES) -> nn.Sequential:
    """A ResNet's four stages of such blocks: 64 channels, H and W -> 2048 channels, H/8 and W/8."""
    sizes = zip((64, *WIDTHS), WIDTHS, strides, depths, strict=False)
    return nn.Sequential(*(stage(block, *size) for size in sizes))


class FrameHead(nn.Module):
    """Logits of every frame, then their mean over the clip: (B*T, c_in, H, W) -> (B, classes)."""

    def __init__(self, c_in: int, classes: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.classifier = classifier(c_in, classes)
        nn.init.normal_(self.classifier.weight, std=0.001)

    def forward(self, x_NCHW: Tensor, clips: int) -> Tensor:
        """(B*T, c_in, H, W), of so many clips -> (B, classes)."""
        logits: Tensor = self.classifier(self.dropout(x_NCHW.mean((2, 3))))
        return logits.view(clips, -1, logits.shape[1]).mean(1)
