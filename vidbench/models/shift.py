"""The temporal shift of TSM (arXiv 1811.08383), which costs no MAC, and the bottleneck whose branch begins with it."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from vidbench.models.resnet2d import Bottleneck, to_clips, to_frames


def shift(x_BCTHW: Tensor, share: int = 8) -> Tensor:
    """The first C // share channels come from the next frame, as many from the last, the others stay.

    (B, C, T, H, W) -> the same; beyond the ends of the clip is zero. Where the frames of a clip lie one after the other
    (`to_clips`), they do so afterwards.
    """
    x_BTCHW = x_BCTHW.transpose(1, 2)
    moved = x_BTCHW.shape[2] // share
    next_BTCHW, last_BTCHW, still_BTCHW = x_BTCHW.tensor_split((moved, 2 * moved), 2)
    space = (0, 0) * 3
    parts = [pad(next_BTCHW[:, 1:], (*space, 0, 1)), pad(last_BTCHW[:, :-1], (*space, 1, 0)), still_BTCHW]
    return torch.cat(parts, 2).transpose(1, 2)


class ShiftedBottleneck(nn.Module):
    """A bottleneck whose branch takes the shifted clip, its shortcut the raw one.

    (B, c_in, T, H, W) -> (B, c_out, T, H/s, W/s).
    """

    def __init__(self, c_in: int, c_out: int, stride: int, shortcut: nn.Module) -> None:
        super().__init__()
        self.block = Bottleneck(c_in, c_out, stride, shortcut)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, c_in, T, H, W) -> (B, c_out, T, H', W')."""
        return to_clips(self.block(to_frames(shift(x_BCTHW)), to_frames(x_BCTHW)), x_BCTHW.shape[0])
