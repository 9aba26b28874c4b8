"""The ResNet of plain blocks, two filters each, over clips: R(2+1)D-18 and -34, R3D and MC3 by what its filters are."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from vidbench.models.layers import PooledHead, Residual, relu

WIDTHS = (64, 128, 256, 512)  # of the stages; the first is the stem's
STRIDES = (1, 2, 2, 2)  # of the first block of each stage

MakeBlock = Callable[[int, int, int], Residual]  # of c_in, c_out and stride


def two_filters(first: nn.Module, second: nn.Module, c_out: int, eps: float = 1e-5) -> nn.Sequential:
    """Two filters with a norm each, a ReLU between: (B, c_in, T, H, W) -> (B, c_out, T/st, H/s, W/s).

    `first` widens and has the stride; both bring c_out channels to norms with that epsilon.
    """
    return nn.Sequential(
        OrderedDict(
            first=first,
            first_norm=nn.BatchNorm3d(c_out, eps),
            first_relu=relu(),
            second=second,
            norm=nn.BatchNorm3d(c_out, eps),
        )
    )


def stage(block: MakeBlock, c_in: int, c_out: int, stride: int, depth: int) -> nn.Sequential:
    """`depth` blocks, the first strided: (B, c_in, T, H, W) -> (B, c_out, T/st, H/s, W/s)."""
    return nn.Sequential(block(c_in, c_out, stride), *(block(c_out, c_out, 1) for _ in range(1, depth)))


class PlainResNet(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits, for any T; space is halved three times behind the stem.

    Args:
        stem: (B, 3, T, H, W) -> (B, 64, T, h, w).
        blocks: what makes a block, for each stage.
        depths: blocks of each stage.
        classes: width of the logits.
        dropout: rate before the classifier.
    """

    def __init__(
        self, stem: nn.Module, blocks: Sequence[MakeBlock], depths: Sequence[int], classes: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.stem = stem
        self.stages = nn.Sequential(*map(stage, blocks, (WIDTHS[0], *WIDTHS), WIDTHS, STRIDES, depths))
        self.head = PooledHead(WIDTHS[-1], classes, dropout)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        return self.head(self.stages(self.stem(x_BCTHW)))  # type: ignore[no-any-return]
