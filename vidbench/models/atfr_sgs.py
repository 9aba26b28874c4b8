"""ATFR (arXiv 2011.08652): after the first stage, similarity-guided sampling sums like frames, so few may go on."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vidbench.errors import CountError, InputError
from vidbench.models import slowfast
from vidbench.models.architecture import Architecture
from vidbench.models.layers import PooledHead, classifier, relu
from vidbench.models.resnet3d import STRIDES, WIDTHS, stage, stem

LATENT = 8  # numbers that tell a frame from another
STEM_WIDTH = 8  # of the slim net; then the widths of its stages and the temporal kernels of their blocks
SLIM_WIDTHS = (32, 256, 512, 1024)
SLIM_KERNELS = (3, 1, 1, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A slim 3-D ResNet, or, where `alpha` is given, a SlowFast; the SlowFast is always sampled."""

    depths: tuple[int, int, int, int]
    sampled: bool = True
    alpha: int | None = None
    lateral_kernel: int = 7  # of SlowFast
    classes: int = 400


def positions(embedded_BDT: Tensor, bins: int) -> Tensor:
    """Each frame's distance from its clip's mean frame, the largest scaled to 2 * bins: (B, D, T) -> (B, T).

    Which frames share a bin hangs on the last digit: the order of operations is the authors'.
    """
    mean_BD1 = embedded_BDT.mean(2, keepdim=True)
    distances_BT = torch.linalg.vector_norm(mean_BD1 - embedded_BDT + 1e-6, dim=1)
    return distances_BT * (2 * bins / distances_BT.amax(1, keepdim=True))  # type: ignore[no-any-return]


def bin_weights(positions_BT: Tensor, bins: int) -> Tensor:
    """What each frame gives to each bin: 1 at the bin's centre, 1e-7 at its edge, 0 beyond: (B, T) -> (B, bins, T).

    Gradients reach the positions, not the bins that are laid over them.
    """
    # CUDA multiplies by a rounded 1 / bins where that is a plain number, and so loses the farthest frame of 25 or 31.
    width_B1 = positions_BT.detach().amax(1, keepdim=True) / torch.full_like(positions_BT[:1, :1], bins)
    centres_BN = torch.arange(bins, dtype=positions_BT.dtype, device=positions_BT.device) * width_B1 + width_B1 / 2
    return torch.relu(1 + 1e-7 - (positions_BT[:, None] - centres_BN[:, :, None]).abs())


class SimilarityGuidedSampling(nn.Module):
    """Frames about as far from the clip's mean frame are summed into one: (B, C, T, H, W) -> (B, C, T', H, W).

    The frames that leave are in order of that distance. The clip of the batch that keeps most of them decides T';
    the others end in zero frames.

    Attributes:
        bins: into how many distances are sorted, so the most frames that can leave; None: T.
        keep: T', if possible, whatever the clips hold (the farther bins are lost, or zero frames added); None: as said.
        frames_kept: how many frames of each clip survived the last pass.
    """

    def __init__(self, channels: int, bins: int | None = None) -> None:
        super().__init__()
        self.embed = nn.Sequential(
            OrderedDict(
                squeeze=classifier(channels, channels // 2), relu=nn.ReLU(), latent=classifier(channels // 2, LATENT)
            )
        )
        self.norm = nn.BatchNorm1d(LATENT)
        self.bins = bins
        self.keep: int | None = None
        self.frames_kept: tuple[int, ...] = ()

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C, T', H, W), 1 <= T' <= T."""
        # Not mean(): this adds in the authors' order, so that even the last digit of a distance is theirs on a CPU.
        pooled_BCT = nn.functional.adaptive_avg_pool3d(x_BCTHW, (None, 1, 1)).flatten(2)
        embedded_BTD = self.embed(pooled_BCT.transpose(1, 2))
        return self.sample(x_BCTHW, self.norm(embedded_BTD.transpose(1, 2)))

    def sample(self, x_BCTHW: Tensor, embedded_BDT: Tensor) -> Tensor:
        """The frames summed by the distances of their embeddings: (B, C, T, H, W), (B, D, T) -> (B, C, T', H, W)."""
        frames = x_BCTHW.shape[2]
        bins = frames if self.bins is None else self.bins
        # In float32 whatever the net's precision, for a coarser one has no weight between 0 and a frame at the edge.
        weights_BNT = bin_weights(positions(embedded_BDT.float(), bins), bins)
        alive_BN = weights_BNT.sum(2) != 0
        self.frames_kept = self._survivors(alive_BN, min(frames, bins))
        nearest_BK = alive_BN.byte().argsort(dim=1, descending=True, stable=True)[:, : max(self.frames_kept)]
        weights_BKT = weights_BNT.gather(1, nearest_BK[:, :, None].expand(-1, -1, frames)).to(x_BCTHW.dtype)
        summed_BCKN = torch.matmul(weights_BKT[:, None], x_BCTHW.flatten(3))
        return summed_BCKN.view(*summed_BCKN.shape[:3], *x_BCTHW.shape[3:])

    def _survivors(self, alive_BN: Tensor, most: int) -> tuple[int, ...]:
        if self.keep is not None:
            return (min(self.keep, most),) * alive_BN.shape[0]
        if alive_BN.is_meta:
            raise CountError(
                "this net's work depends on its input: meta tensors cannot tell how many frames similarity-guided "
                "sampling keeps; give it a real clip on a real device, or a number of frames (atfr_sgs.keeping)"
            )
        return tuple(alive_BN.sum(1).tolist())


def samplers(net: nn.Module) -> dict[str, SimilarityGuidedSampling]:
    """The sampling layers of a net by their paths; of SlowFast, the slow pathway's first."""
    return {path: layer for path, layer in net.named_modules() if isinstance(layer, SimilarityGuidedSampling)}


@contextmanager
def keeping(net: nn.Module, *frames: int) -> Iterator[None]:
    """Inside, the net's sampling layers keep that many frames, or all they get if fewer, whatever the clip holds.

    One number is for every layer, several for one each in the order of `samplers`. With 1 the net does the least that
    any clip can ask of it, with the clip's own number of frames the most.
    """
    layers = list(samplers(net).values())
    numbers = frames * len(layers) if len(frames) == 1 else frames
    if len(numbers) != len(layers) or min(frames, default=1) < 1:
        raise InputError(f"cannot keep {frames} frames; give 1 or more, for all or each of {len(layers)} layers")
    before = [layer.keep for layer in layers]
    try:
        for layer, number in zip(layers, numbers, strict=True):
            layer.keep = number
        yield
    finally:
        for layer, keep in zip(layers, before, strict=True):
            layer.keep = keep


def sample_after(stage_: nn.Module, channels: int) -> None:
    """Put a sampling layer at the end of a stage of residual blocks, between the last sum and its ReLU."""
    *_, last = stage_.children()
    last.relu = nn.Sequential(OrderedDict(sampling=SimilarityGuidedSampling(channels), relu=relu()))


class SlimResNet3D(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits; any T, total spatial stride 32."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.stem = stem(STEM_WIDTH, 5)
        self.stages = nn.Sequential(
            *(
                stage(c_in, c_out, stride, [kernel] * depth)
                for c_in, c_out, stride, kernel, depth in zip(
                    (STEM_WIDTH, *SLIM_WIDTHS), SLIM_WIDTHS, STRIDES, SLIM_KERNELS, cfg.depths, strict=False
                )
            )
        )
        if cfg.sampled:
            sample_after(self.stages[0], SLIM_WIDTHS[0])
        self.head = PooledHead(SLIM_WIDTHS[-1], cfg.classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        return self.head(self.stages(self.stem(x_BCTHW)))  # type: ignore[no-any-return]


def pad_frames(x_BCTHW: Tensor, frames: int) -> Tensor:
    """Zero frames at both ends, an odd one behind: (B, C, T, H, W) -> (B, C, frames, H, W)."""
    missing = frames - x_BCTHW.shape[2]
    return nn.functional.pad(x_BCTHW, (0, 0, 0, 0, missing // 2, missing - missing // 2)) if missing else x_BCTHW


class SampledSlowFast(slowfast.SlowFast):
    """SlowFast whose pathways are each sampled after the first stage, before they meet."""

    def __init__(self, cfg: slowfast.Config) -> None:
        super().__init__(cfg)
        sample_after(self.slow_stages[0], WIDTHS[0])
        sample_after(self.fast_stages[0], WIDTHS[0] // slowfast.THIN)

    def join(self, slow_BCTHW: Tensor, side_BCTHW: Tensor) -> Tensor:
        """The shorter of the two is padded: (B, C, T, H, W), (B, D, T', H, W) -> (B, C + D, max(T, T'), H, W)."""
        frames = max(slow_BCTHW.shape[2], side_BCTHW.shape[2])
        return super().join(pad_frames(slow_BCTHW, frames), pad_frames(side_BCTHW, frames))


def build(cfg: Config) -> nn.Module:
    """The slim net, or SlowFast."""
    if cfg.alpha is None:
        return SlimResNet3D(cfg)
    return SampledSlowFast(
        slowfast.Config(alpha=cfg.alpha, lateral_kernel=cfg.lateral_kernel, depths=cfg.depths, classes=cfg.classes)
    )


FAMILY = Architecture(Config, build)
