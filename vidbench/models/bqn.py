"""BQN (arXiv 2103.15584): a busy path that sees what moves, a quiet one that sees still frames; all blocks talk."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from vidbench.errors import InputError
from vidbench.models import x3d
from vidbench.models.architecture import Architecture
from vidbench.models.layers import conv2d
from vidbench.models.mbpm import FRAMES, MotionBandPass
from vidbench.models.resnet2d import FrameHead, Framewise, last_norm, stages, stem, to_frames
from vidbench.models.resnet3d import WIDTHS
from vidbench.models.shift import ShiftedBottleneck

UP, DOWN = 1.6, 0.625  # from the quiet X3D's size, 160, to the busy one's, 256, and back
TILE = 256  # multiples of it are what these factors fit at all five levels of an X3D


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Blocks of a ResNet's stages, or the expansion factors of X3D's width and depth.

    Without `quiet` it is the busy path of a ResNet alone.
    """

    depths: tuple[int, int, int, int] = (3, 4, 6, 3)
    expansion: tuple[float, float] | None = None
    quiet: bool = True
    classes: int = 400


def segments(x_BCTHW: Tensor) -> Tensor:
    """The first frame of every three in a row: (B, 3, 3S, H, W) -> (B, 3, S, H, W)."""
    return x_BCTHW[:, :, ::FRAMES]


def input_filter() -> MotionBandPass:
    """What the busy path sees of every three frames: (B, 3, 3S, H, W) -> (B, 3, S, H, W)."""
    return MotionBandPass(3, 9, 1.1, triples=True)


def resize(x_BCTHW: Tensor, factor: float) -> Tensor:
    """Every map by that factor, bilinearly: (B, C, T, H, W) -> (B, C, T, factor * H, factor * W)."""
    resized: Tensor = functional.interpolate(x_BCTHW.flatten(1, 2), scale_factor=factor, mode="bilinear")
    return resized.reshape(*x_BCTHW.shape[:3], *resized.shape[2:])


class Exchange(nn.Module):
    """What the paths add to each other after a block: quiet and busy maps of C channels -> the same.

    To the busy path goes what moves in the quiet one. Both are told of the maps as they come, but where the paths
    differ in size, with `resized`, the quiet path of the busy one's new maps.
    """

    def __init__(self, channels: int, kernel: int, *, resized: bool = False) -> None:
        super().__init__()
        self.resized = resized
        self.band_pass = MotionBandPass(channels, kernel, 0.9)
        self.to_busy, self.to_quiet = (Framewise(lateral(channels)) for _ in range(2))

    def forward(self, quiet_BCTHW: Tensor, busy_BCTHW: Tensor) -> tuple[Tensor, Tensor]:
        """Two (B, C, T, H, W), the quiet one 5/8 as large with `resized` -> new ones of the same sizes."""
        moving_BCTHW = self.band_pass(quiet_BCTHW)
        if self.resized:
            busy_BCTHW = busy_BCTHW + self.to_busy(resize(moving_BCTHW, UP))
            return quiet_BCTHW + self.to_quiet(resize(busy_BCTHW, DOWN)), busy_BCTHW
        return quiet_BCTHW + self.to_quiet(busy_BCTHW), busy_BCTHW + self.to_busy(moving_BCTHW)


def lateral(channels: int) -> nn.Sequential:
    """A 1x1 filter that starts silent: (N, channels, H, W) -> the same."""
    return nn.Sequential(OrderedDict(conv=conv2d(channels, channels, 1), norm=last_norm(channels)))


class ShiftedResNet(nn.Module):
    """TSM's trunk: (B, 3, S, H, W) -> (B, 2048, S, H/32, W/32)."""

    def __init__(self, depths: Sequence[int]) -> None:
        super().__init__()
        self.stem = Framewise(stem(64))
        self.stages = stages(ShiftedBottleneck, depths)

    def forward(self, x_BCSHW: Tensor) -> Tensor:
        """(B, 3, S, H, W) -> (B, 2048, S, H', W')."""
        return self.stages(self.stem(x_BCSHW))  # type: ignore[no-any-return]


def list_blocks(path: ShiftedResNet | x3d.X3D) -> list[nn.Module]:
    """Its residual blocks, stage after stage."""
    return [block for stage in path.stages.children() for block in stage.children()]


class BusyResNet(nn.Module):
    """The busy path alone: (B, 3, 3S, H, W) clip -> (B, classes) logits; total spatial stride 32."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.band_pass = input_filter()
        self.busy = ShiftedResNet(cfg.depths)
        self.head = FrameHead(WIDTHS[-1], cfg.classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, 3S, H, W) -> (B, classes)."""
        return self.head(to_frames(self.busy(self.band_pass(x_BCTHW))), x_BCTHW.shape[0])  # type: ignore[no-any-return]


class TwoPaths(nn.Module):
    """Two nets of as many blocks, with an exchange after each; from frames to the maps of both before their heads."""

    def __init__(
        self, quiet: ShiftedResNet | x3d.X3D, busy: ShiftedResNet | x3d.X3D, exchanges: Iterable[Exchange]
    ) -> None:
        super().__init__()
        self.band_pass = input_filter()
        self.quiet = quiet
        self.busy = busy
        self.exchanges = nn.ModuleList(exchanges)

    def run_blocks(self, quiet_BCSHW: Tensor, busy_BCSHW: Tensor) -> tuple[Tensor, Tensor]:
        """Two (B, 3, S, H, W) -> the paths' last maps, (B, C, S, H/32, W/32) each."""
        quiet, busy = self.quiet.stem(quiet_BCSHW), self.busy.stem(busy_BCSHW)
        for quiet_block, busy_block, exchange in zip(
            list_blocks(self.quiet), list_blocks(self.busy), self.exchanges, strict=True
        ):
            quiet, busy = exchange(quiet_block(quiet), busy_block(busy))
        return quiet, busy


class BusyQuietResNet(TwoPaths):
    """(B, 3, 3S, H, W) clip of frames above 48 -> (B, classes) logits; both paths at full size, with one classifier."""

    def __init__(self, cfg: Config) -> None:
        exchanges = (
            Exchange(width, 3 if width == WIDTHS[-1] else 7)
            for width, depth in zip(WIDTHS, cfg.depths, strict=True)
            for _ in range(depth)
        )
        super().__init__(ShiftedResNet(cfg.depths), ShiftedResNet(cfg.depths), exchanges)
        self.head = FrameHead(WIDTHS[-1], cfg.classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, 3S, H, W) -> (B, classes)."""
        quiet, busy = self.run_blocks(segments(x_BCTHW), self.band_pass(x_BCTHW))
        clips = x_BCTHW.shape[0]
        return (self.head(to_frames(quiet), clips) + self.head(to_frames(busy), clips)) / 2  # type: ignore[no-any-return]


class BusyQuietX3D(TwoPaths):
    """(B, 3, 3S, H, W) clip, H and W multiples of 256 -> (B, classes) logits; the quiet X3D at 5/8 of the size."""

    def __init__(self, cfg: Config, width: float, depth: float) -> None:
        own = x3d.Config(width=width, depth=depth, norm_strided=False, classes=cfg.classes)
        quiet, busy = x3d.X3D(own), x3d.X3D(own)
        exchanges = (
            Exchange(channels, 7 if channels < 192 else 3, resized=True)
            for channels, stage in zip(quiet.widths, quiet.stages, strict=True)
            for _ in stage.children()
        )
        super().__init__(quiet, busy, exchanges)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, 3S, H, W) -> (B, classes).

        Raises:
            InputError: height or width is no multiple of 256.
        """
        height, width = x_BCTHW.shape[3:]
        if height % TILE or width % TILE:
            raise InputError(
                f"the quiet path's maps are 5/8 of the busy path's at every level where height and width are multiples "
                f"of {TILE} alone, not {height} x {width}"
            )
        quiet, busy = self.run_blocks(resize(segments(x_BCTHW), DOWN), self.band_pass(x_BCTHW))
        return (self.quiet.head(quiet) + self.busy.head(busy)) / 2  # type: ignore[no-any-return, operator]


def build(cfg: Config) -> nn.Module:
    """The net that the row tells of."""
    if cfg.expansion:
        return BusyQuietX3D(cfg, *cfg.expansion)
    return BusyQuietResNet(cfg) if cfg.quiet else BusyResNet(cfg)


FAMILY = Architecture(Config, build)
