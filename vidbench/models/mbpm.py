"""The motion band-pass module of BQN (arXiv 2103.15584): what of a clip changes in time, at the scale of edges."""

import math

import torch
from torch import Tensor, nn

from vidbench.errors import InputError
from vidbench.models.resnet2d import to_clips, to_frames

FRAMES = 3  # taps over time, and frames of a segment


def laplacian(kernel: int, sigma: float) -> Tensor:
    """(kernel, kernel): the Laplacian of a Gaussian, divided by its sum.

    That sum is nearly zero, so the division makes large kernels very large; so do the authors.
    """
    offsets_K = torch.arange(kernel) - kernel // 2
    squares_KK = (offsets_K[:, None].square() + offsets_K.square()) / (2 * sigma**2)
    filter_KK = -(1 - squares_KK) * torch.exp(-squares_KK) / (math.pi * sigma**4)
    return filter_KK / filter_KK.sum()


class MotionBandPass(nn.Module):
    """One filter of each channel in space, then one in time: (B, C, T, H, W) -> the same.

    With `triples` every three frames in a row become one, (B, C, 3S, H, W) -> (B, C, S, H, W), for raw frames; without,
    for maps within a net, the ends of the clip are repeated. The edges of frames are mirrored. It starts as the change
    in time of a Laplacian of a Gaussian.

    Args:
        channels: any number.
        kernel: of the filter in space, an odd number of pixels. Height and width must be above half of it.
        sigma: of that Gaussian, in pixels.
        triples: whether it takes three frames for one.
    """

    def __init__(self, channels: int, kernel: int, sigma: float, *, triples: bool = False) -> None:
        super().__init__()
        self.margin = kernel // 2
        self.triples = triples
        self.spatial = nn.Conv2d(
            channels, channels, kernel, padding=self.margin, padding_mode="reflect", groups=channels, bias=False
        )
        # In time it takes the clip as one image, T high and H * W wide.
        self.temporal = nn.Conv2d(
            channels,
            channels,
            (FRAMES, 1),
            stride=(FRAMES if triples else 1, 1),
            padding=(0 if triples else 1, 0),
            padding_mode="zeros" if triples else "replicate",
            groups=channels,
            bias=False,
        )
        with torch.no_grad():
            self.spatial.weight.copy_(laplacian(kernel, sigma))
            self.temporal.weight.copy_(torch.tensor([-1, 2, -1]).unsqueeze(1) / 3)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C, T, H, W), or with triples (B, C, T/3, H, W).

        Raises:
            InputError: the maps are too small to be mirrored, or the frames come in no threes.
        """
        clips, _, frames, height, width = x_BCTHW.shape
        if self.triples and frames % FRAMES:
            raise InputError(f"a segment is {FRAMES} frames in a row; give a multiple of {FRAMES} frames, not {frames}")
        if min(height, width) <= self.margin:
            raise InputError(
                f"the motion band-pass mirrors {self.margin} pixels at each edge, so it takes maps above "
                f"{self.margin} x {self.margin}, not {height} x {width}; give larger frames"
            )
        filtered_NCHW = self.spatial(to_frames(x_BCTHW))
        return self.temporal(to_clips(filtered_NCHW, clips).flatten(3)).unflatten(3, (height, width))  # type: ignore[no-any-return]
