"""TSN (arXiv 1608.00859): an image ResNet on every frame, logits averaged; with TAM (arXiv 1912.00869), frames meet."""

from collections import OrderedDict
from dataclasses import dataclass

from torch import Tensor, nn

from vidbench.models.architecture import Architecture
from vidbench.models.blvnet_tam import TemporalBottleneck
from vidbench.models.resnet2d import Bottleneck, FrameHead, conv_norm, to_clips, to_frames
from vidbench.models.resnet3d import STRIDES, WIDTHS


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Blocks of the stages, and whether each begins with a temporal aggregation module."""

    depths: tuple[int, int, int, int]
    temporal: bool = False
    classes: int = 400


def stem(width: int) -> nn.Sequential:
    """A 7x7 convolution and a max pool: (N, 3, H, W) -> (N, width, H/4, W/4)."""
    return nn.Sequential(
        OrderedDict(filter=conv_norm(3, width, 7, 2, rectify=True), pool=nn.MaxPool2d(3, 2, padding=1))
    )


def stage(c_in: int, c_out: int, stride: int, depth: int, *, temporal: bool) -> nn.Sequential:
    """Blocks, the first strided, on frames (N, C, H, W) or, if temporal, on clips (B, C, T, H, W)."""
    block = TemporalBottleneck if temporal else Bottleneck
    return nn.Sequential(
        block(c_in, c_out, stride, conv_norm(c_in, c_out, 1, stride)),
        *(block(c_out, c_out, 1, nn.Identity()) for _ in range(1, depth)),
    )


class TSN(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits; any T, total spatial stride 32."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.temporal = cfg.temporal
        self.stem = stem(64)
        self.stages = nn.Sequential(
            *(
                stage(c_in, c_out, stride, depth, temporal=cfg.temporal)
                for c_in, c_out, stride, depth in zip((64, *WIDTHS), WIDTHS, STRIDES, cfg.depths, strict=False)
            )
        )
        self.head = FrameHead(WIDTHS[-1], cfg.classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        clips = x_BCTHW.shape[0]
        x_NCHW = self.stem(to_frames(x_BCTHW))
        x_NCHW = to_frames(self.stages(to_clips(x_NCHW, clips))) if self.temporal else self.stages(x_NCHW)
        return self.head(x_NCHW, clips)  # type: ignore[no-any-return]


FAMILY = Architecture(Config, TSN)
