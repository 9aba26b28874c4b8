"""TCPNet (arXiv 2110.14381): the covariance of what a clip's places hold stands where other nets have a mean."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vidbench.errors import InputError
from vidbench.models import tea
from vidbench.models.architecture import Architecture
from vidbench.models.layers import classifier, relu
from vidbench.models.resnet2d import Bottleneck, Framewise, conv_norm, stages, stem, to_clips, to_frames
from vidbench.models.resnet3d import STRIDES, WIDTHS

LAGS = (1, 2)  # frames back that a frame is held against


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Blocks of the stages, and whether they are TEA's, not a plain ResNet's; the frames that it is built for."""

    depths: tuple[int, int, int, int]
    motion: bool = False
    frames: int = 8
    classes: int = 400


def earlier(x_BTNC: Tensor, frames: int) -> Tensor:
    """What was there so many frames before, or in the first frame where there is none: (B, T, N, C) -> the same."""
    first_BTNC = x_BTNC[:, :1].expand(-1, frames, -1, -1)
    return torch.cat([first_BTNC, x_BTNC[:, :-frames]], 1)


class SpatialAttention(nn.Module):
    """Places of a frame, weighted by how those of the frames before resemble each other: (B, T, N, C) -> the same.

    A place's question is put one frame earlier, and answered two frames earlier. The last norm starts at zero.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(channels, channels) for _ in range(3))
        self.norm = nn.BatchNorm1d(channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x_BTNC: Tensor) -> Tensor:
        """(B, T, N, C) -> (B, T, N, C)."""
        q_BTNC, k_BTNC = earlier(self.query(x_BTNC), 1), earlier(self.key(x_BTNC), 2)
        # One head a frame: fused kernels want four axes, and give back what can be flattened without a copy.
        q_F1NC, k_F1NC, v_F1NC = (y_BTNC.flatten(0, 1).unsqueeze(1) for y_BTNC in (q_BTNC, k_BTNC, self.value(x_BTNC)))
        mixed_F1NC = functional.scaled_dot_product_attention(q_F1NC, k_F1NC, v_F1NC)
        return self.norm(mixed_F1NC.flatten(0, 2)).view_as(x_BTNC)  # type: ignore[no-any-return]


class MotionGate(nn.Module):
    """A gate in (0, 1) a channel and frame, by how its mean differs from earlier ones: (B, T, C) means -> (B, T, C).

    The clip is taken as a ring: its first frames are held against its last ones.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = 4 * channels
        self.gate = nn.Sequential(nn.Linear(channels, hidden), relu(), nn.Linear(hidden, channels), nn.Sigmoid())

    def forward(self, means_BTC: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        differences = [(means_BTC - means_BTC.roll(lag, 1)) / lag for lag in LAGS]
        return self.gate(torch.stack(differences)).mean(0)  # type: ignore[no-any-return]


def covariance(x_BCM: Tensor) -> Tensor:
    """Of the channels over the places: (B, C, M) -> (B, C, C).

    The authors centre by a product with an M x M matrix; subtracting the mean gives the same, without M * M * C MACs.
    """
    # Scaled before the product, not after it, which half precision could not hold.
    centred_BCM = (x_BCM - x_BCM.mean(2, keepdim=True)) / math.sqrt(x_BCM.shape[2])
    return centred_BCM @ centred_BCM.mT


def square_root(matrix_BCC: Tensor) -> Tensor:
    """Square roots of covariances, nearly: three steps of Newton and Schulz. (B, C, C) -> the same."""
    trace_B11 = matrix_BCC.diagonal(dim1=1, dim2=2).sum(1)[:, None, None]
    three_CC = 3 * torch.eye(matrix_BCC.shape[1], dtype=matrix_BCC.dtype, device=matrix_BCC.device)
    scaled_BCC = matrix_BCC / (trace_B11 + 1e-5)
    inverse_BCC = (three_CC - scaled_BCC) / 2
    root_BCC = scaled_BCC @ inverse_BCC
    step_BCC = (three_CC - inverse_BCC @ root_BCC) / 2
    root_BCC, inverse_BCC = root_BCC @ step_BCC, step_BCC @ inverse_BCC
    return root_BCC @ (three_CC - inverse_BCC @ root_BCC) / 2 * trace_B11.sqrt()


class CovariancePooling(nn.Module):
    """Temporal-attentive covariance pooling, the head of any net: (B, c_in, T, H, W) -> (B, classes) logits.

    Args:
        c_in: channels of the maps that it is put on.
        classes: of the logits.
        frames: T of those maps, a multiple of 4; the filter over time spans half of them and one.
        width: channels whose covariance is taken.

    Raises:
        InputError: `frames` is no multiple of 4, or a clip has another number of them.
    """

    def __init__(self, c_in: int, classes: int, frames: int, *, width: int = 128) -> None:
        super().__init__()
        if frames < 1 or frames % 4:
            raise InputError(
                f"covariance pooling cannot take {frames} frames: its filter over time spans half of them and one, "
                "which has to be odd; give a multiple of 4"
            )
        self.frames = frames
        self.reduce = nn.Sequential(
            conv_norm(c_in, 2 * width, 1, rectify=True), conv_norm(2 * width, width, 1, rectify=True)
        )
        self.attention = SpatialAttention(width)
        self.gate = MotionGate(width)
        self.temporal = nn.Conv2d(width, width, (frames // 2 + 1, 1), padding=(frames // 4, 0), padding_mode="circular")
        nn.init.zeros_(self.temporal.weight)
        nn.init.zeros_(self.temporal.bias)  # type: ignore[arg-type]
        self.relu = relu()
        self.dropout = nn.Dropout(0.5)
        self.classifier = classifier(width * (width + 1) // 2, classes)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, c_in, T, H, W) -> (B, classes)."""
        if x_BCTHW.shape[2] != self.frames:
            raise InputError(
                f"it is built for clips of {self.frames} frames (its filter over time spans half of them and one), "
                f"not for {x_BCTHW.shape[2]}; build it for those"
            )
        x_BCTN = to_clips(self.reduce(to_frames(x_BCTHW)), x_BCTHW.shape[0]).flatten(3)
        attended_BCTN = self.attention(x_BCTN.permute(0, 2, 3, 1).contiguous()).permute(0, 3, 1, 2)
        gate_BCT1 = self.gate(x_BCTN.mean(3).transpose(1, 2)).transpose(1, 2).unsqueeze(3)
        # The clip as one image, T high and H * W wide.
        filtered_BCTN = self.temporal((x_BCTN + attended_BCTN) * gate_BCT1)
        root_BCC = square_root(covariance(self.relu(filtered_BCTN + x_BCTN).flatten(2)))
        rows, columns = torch.triu_indices(*root_BCC.shape[1:], device=root_BCC.device)
        return self.classifier(self.dropout(root_BCC[:, rows, columns]))  # type: ignore[no-any-return]


def plain_trunk(depths: Sequence[int]) -> Framewise:
    """An image ResNet whose last stage keeps the size: (B, 3, T, H, W) -> (B, 2048, T, H/16, W/16)."""
    return Framewise(nn.Sequential(stem(64), stages(Bottleneck, depths, (*STRIDES[:-1], 1))))


class TCPNet(nn.Module):
    """(B, 3, T, H, W) clip -> (B, classes) logits; T as it is built for, total spatial stride 16."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.trunk = tea.Trunk(cfg.depths, fine=True) if cfg.motion else plain_trunk(cfg.depths)
        self.head = CovariancePooling(WIDTHS[-1], cfg.classes, cfg.frames)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        return self.head(self.trunk(x_BCTHW))  # type: ignore[no-any-return]


FAMILY = Architecture(Config, TCPNet)
