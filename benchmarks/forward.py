"""The eager forward of three nets against the same nets in plain modules (plain.py).

Run: python benchmarks/forward.py [SIZE].
"""

import sys

import plain
import torch
from side_by_side import compare, show

import vidbench

CASES = (("vov3d-l", 16, plain.vov3d_l), ("x3d-m", 16, plain.x3d_m), ("slowfast-8x8-r50", 32, plain.SlowFast))


def main() -> None:
    """A line a net; logits of both are compared first."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 224
    for name, frames, build in CASES:
        ours, theirs = vidbench.build(name), build().eval()
        with torch.inference_mode():
            for parameter in ours.parameters():
                parameter.normal_(std=0.05)
            plain.copy_weights(ours, theirs)
            clip = torch.randn(1, 3, frames, size, size)
            given = plain.two_clips(clip) if name.startswith("slowfast") else clip
            expected = theirs(given)
            difference = float((ours(clip) - expected).abs().max() / expected.abs().max())
            *_, ratios = compare(lambda: ours(clip), lambda: theirs(given), rounds=25)  # called at once
        show(
            f"{name} {frames}x{size}: vidbench / plain modules", ratios, f"at most 1; logits differ by {difference:.1e}"
        )


if __name__ == "__main__":
    main()
