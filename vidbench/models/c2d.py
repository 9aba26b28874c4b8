"""C2D (arXiv 1711.07971): a frame-wise ResNet; one pool over time and the last mean are all that joins its frames."""

from vidbench.models.architecture import Architecture
from vidbench.models.resnet3d import Config, ResNet3D

FAMILY = Architecture(Config, ResNet3D)
