"""Slow-only: SlowFast's slow pathway alone (arXiv 1812.03982); only its last two stages filter over time."""

from vidbench.models.architecture import Architecture
from vidbench.models.resnet3d import Config, ResNet3D

FAMILY = Architecture(Config, ResNet3D)
