"""R3D and MC3 (arXiv 1711.11248): a ResNet-18 whose 3x3x3 filters see time in every stage, or in the first alone."""

from collections import OrderedDict
from dataclasses import dataclass

from torch import nn

from vidbench.models.architecture import Architecture
from vidbench.models.layers import CUBE, SPATIAL, Residual, conv3d, relu
from vidbench.models.plain3d import WIDTHS, PlainResNet, two_filters


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Blocks of each stage, and how many stages, from the first, filter time as well as space."""

    depths: tuple[int, int, int, int]
    cubic_stages: int
    classes: int = 400


def cubic_block(c_in: int, c_out: int, stride: int) -> Residual:
    """Two 3x3x3 filters: (B, c_in, T, H, W) -> (B, c_out, T/s, H/s, W/s)."""
    strides = (stride, stride, stride)
    filters = conv3d(c_in, c_out, CUBE, strides), conv3d(c_out, c_out, CUBE)
    return Residual(two_filters(*filters, c_out), c_in, c_out, strides)


def flat_block(c_in: int, c_out: int, stride: int) -> Residual:
    """Two 1x3x3 filters: (B, c_in, T, H, W) -> (B, c_out, T, H/s, W/s)."""
    strides = (1, stride, stride)
    filters = conv3d(c_in, c_out, SPATIAL, strides), conv3d(c_out, c_out, SPATIAL)
    return Residual(two_filters(*filters, c_out), c_in, c_out, strides)


def build(cfg: Config) -> PlainResNet:
    """(B, 3, T, H, W) clip -> (B, classes) logits; total stride 16 in space, 2 in time for each cubic stage but one."""
    stem = OrderedDict(conv=conv3d(3, WIDTHS[0], (3, 7, 7), (1, 2, 2)), norm=nn.BatchNorm3d(WIDTHS[0]), relu=relu())
    blocks = [cubic_block if i < cfg.cubic_stages else flat_block for i in range(len(WIDTHS))]
    return PlainResNet(nn.Sequential(stem), blocks, cfg.depths, cfg.classes)


FAMILY = Architecture(Config, build)
