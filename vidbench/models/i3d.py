"""I3D (arXiv 1705.07750): a ResNet inflated along time, every second block filtering over it; NLN adds attention."""

from vidbench.models.architecture import Architecture
from vidbench.models.resnet3d import Config, ResNet3D

FAMILY = Architecture(Config, ResNet3D)
