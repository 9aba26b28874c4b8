"""Counting on meta against a bare meta forward, and against fvcore on a real clip.

Run: python benchmarks/counting.py.
"""

import logging

import torch
from fvcore.nn import FlopCountAnalysis
from side_by_side import compare, show

import vidbench

CASES = (("x3d-m", 16), ("vov3d-l", 16), ("slowfast-8x8-r50", 32))
CONTRACTIONS = {"conv", "linear", "matmul", "addmm", "bmm", "einsum"}  # of what fvcore counts


def main() -> None:
    """One block a net: both ratios, and both counts of contractions."""
    logging.disable(logging.WARNING)
    torch.set_grad_enabled(False)
    for name, frames in CASES:
        clip = vidbench.Clip(frames=frames, size=224)
        with torch.device("meta"):
            meta = vidbench.build(name)
        shape = (1, 3, frames, 224, 224)
        empty = torch.empty(shape, device="meta")
        *_, ratios = compare(lambda: vidbench.count(meta, empty), lambda: meta(empty), rounds=20)
        show(f"{name}: counting / bare meta forward", ratios, "at most 1.4")

        net, real = vidbench.build(name), torch.randn(shape)
        counts = {}

        def fvcore() -> None:
            counts["fvcore"] = FlopCountAnalysis(net, real).by_operator()

        ours, theirs, ratios = compare(fvcore, lambda: vidbench.count(meta, clip), rounds=4)
        show(f"{name}: fvcore on a real clip / counting", ratios, f"medians {ours:.2f} s and {theirs:.3f} s")
        contractions = int(sum(n for operator, n in counts["fvcore"].items() if operator in CONTRACTIONS))
        counted = vidbench.count(meta, clip).macs
        print(
            f"{name}: MACs of contractions: fvcore {contractions:,}, vidbench {counted:,}, {contractions - counted:+,}"
        )


if __name__ == "__main__":
    main()
