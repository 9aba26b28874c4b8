"""ConvNeXt over the frames of a clip, as both TAdaConvNeXts have it around blocks of their own."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from vidbench.models.layers import start_small

MakeBlock = Callable[[int, float], nn.Module]  # of the width, and the rate of its stochastic depth


class Stem(nn.Module):
    """Cells of 3x4x4 pixels, which overlap in time: (B, 3, T, H, W) -> (B, T/2, H/4, W/4, width), T/2 rounded up."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = start_small(nn.Conv3d(3, width, (3, 4, 4), (2, 4, 4), (1, 0, 0)))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, T/2, H/4, W/4, width)."""
        return self.norm(self.conv(x_BCTHW).permute(0, 2, 3, 4, 1))  # type: ignore[no-any-return]


class Halve(nn.Module):
    """A norm and a 2x2 convolution of stride 2: (B, T, H, W, c_in) -> (B, T, H/2, W/2, c_out), rounded down."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(c_in, eps=1e-6)
        self.conv = start_small(nn.Conv2d(c_in, c_out, 2, 2))

    def forward(self, x_BTHWC: Tensor) -> Tensor:
        """(B, T, H, W, c_in) -> (B, T, H/2, W/2, c_out)."""
        frames_FCHW = self.norm(x_BTHWC).flatten(0, 1).permute(0, 3, 1, 2)
        return self.conv(frames_FCHW).permute(0, 2, 3, 1).unflatten(0, x_BTHWC.shape[:2])  # type: ignore[no-any-return]


def mlp(width: int, gelu: nn.Module) -> nn.Sequential:
    """Four times as wide in between: (..., width) -> the same."""
    return nn.Sequential(
        OrderedDict(
            widen=start_small(nn.Linear(width, 4 * width)),
            gelu=gelu,
            narrow=start_small(nn.Linear(4 * width, width)),
        )
    )


class ConvNeXt(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits; any T, total stride 2 in time and 32 in space.

    Channels are kept last from the stem on, as norms and linear layers want them.

    Args:
        depths: blocks of each stage.
        widths: channels of each stage.
        block: makes a block, (B, T, H, W, width) -> the same.
        drop: the last block's rate of stochastic depth; the first has none, and it grows evenly.
        classes: of the logits.
    """

    def __init__(
        self, depths: Sequence[int], widths: Sequence[int], block: MakeBlock, *, drop: float, classes: int
    ) -> None:
        super().__init__()
        blocks = sum(depths)
        drops = (drop * i / (blocks - 1) for i in range(blocks))
        modules: list[nn.Module] = []
        for i, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            modules.append(Stem(width) if i == 0 else Halve(widths[i - 1], width))
            modules += [block(width, next(drops)) for _ in range(depth)]
        self.features = nn.Sequential(*modules)
        self.norm = nn.LayerNorm(widths[-1], eps=1e-6)
        self.dropout = nn.Dropout(0.5)
        self.classifier = start_small(nn.Linear(widths[-1], classes))

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        pooled_BC = self.features(x_BCTHW).mean((1, 2, 3))
        return self.classifier(self.dropout(self.norm(pooled_BC)))  # type: ignore[no-any-return]
