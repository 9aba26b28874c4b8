"""TAda2D against the same ResNet with ordinary convolutions and no calibration: what "negligible overhead" takes.

Run: python benchmarks/calibration.py [THREADS ...].
"""

import sys

import torch
from side_by_side import compare, show

import vidbench
from vidbench.models.tada2d import AdaptiveConv


class Ordinary(torch.nn.Module):
    """An adaptive convolution's own filters, the same for every frame: (B, T, C, H, W) -> (B, T, C, H/s, W/s)."""

    def __init__(self, adaptive: AdaptiveConv) -> None:
        super().__init__()
        self.conv = adaptive.conv

    def forward(self, x_BTCHW: torch.Tensor) -> torch.Tensor:
        """Every frame through the same filters."""
        return self.conv(x_BTCHW.flatten(0, 1)).unflatten(0, x_BTCHW.shape[:2])


def without_calibration() -> torch.nn.Module:
    """TAda2D whose routes are gone; the mean over neighbouring frames stays, for it is no calibration."""
    net = vidbench.build("tada2d-r50")
    for module in list(net.modules()):
        for name, child in module.named_children():
            if isinstance(child, AdaptiveConv):
                setattr(module, name, Ordinary(child))
    return net


def main() -> None:
    """A line a thread count."""
    adaptive, ordinary = vidbench.build("tada2d-r50"), without_calibration()
    clip = torch.randn(1, 3, 8, 224, 224)
    for threads in map(int, sys.argv[1:] or ("1", "2")):
        torch.set_num_threads(threads)
        with torch.inference_mode():
            *_, ratios = compare(lambda: adaptive(clip), lambda: ordinary(clip), rounds=15)
        show(f"tada2d-r50 8x224, {threads} threads: calibrated / not", ratios, "at most 1.35")


if __name__ == "__main__":
    main()
