"""TSN (arXiv 1608.00859): an image ResNet on every frame, logits averaged; with TAM (arXiv 1912.00869), frames meet."""

from dataclasses import dataclass

from torch import Tensor, nn

from vidbench.models.architecture import Architecture
from vidbench.models.blvnet_tam import TemporalBottleneck
from vidbench.models.resnet2d import Bottleneck, FrameHead, stages, stem, to_clips, to_frames
from vidbench.models.resnet3d import WIDTHS


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Blocks of the stages, and whether each begins with a temporal aggregation module."""

    depths: tuple[int, int, int, int]
    temporal: bool = False
    classes: int = 400


class TSN(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits; any T, total spatial stride 32."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.temporal = cfg.temporal
        self.stem = stem(64)
        self.stages = stages(TemporalBottleneck if cfg.temporal else Bottleneck, cfg.depths)
        self.head = FrameHead(WIDTHS[-1], cfg.classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        clips = x_BCTHW.shape[0]
        x_NCHW = self.stem(to_frames(x_BCTHW))
        x_NCHW = to_frames(self.stages(to_clips(x_NCHW, clips))) if self.temporal else self.stages(x_NCHW)
        return self.head(x_NCHW, clips)  # type: ignore[no-any-return]


FAMILY = Architecture(Config, TSN)
