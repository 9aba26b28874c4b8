"""Counting on meta, its time and memory, against a bare meta forward, and against fvcore on a real clip.

Run: python benchmarks/counting.py.
"""

import logging
import resource

import torch
from side_by_side import compare, seconds, show

import vidbench
from vidbench.catalog import variants
from vidbench.models.atfr_sgs import keeping

TORCH_KIB = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
CASES = (("x3d-m", 16), ("vov3d-l", 16), ("slowfast-8x8-r50", 32))
CONTRACTIONS = {"conv", "linear", "matmul", "addmm", "bmm", "einsum"}  # of what fvcore counts


def count_all() -> None:
    """The slowest variant, warm, and what counting all of them takes of memory beyond the import of torch."""
    taken = []
    for name, variant in variants().items():
        with torch.device("meta"):
            net = vidbench.build(name)
        clip = vidbench.Clip(frames=variant.frames, size=variant.size)
        with keeping(net, variant.frames):  # of nets that drop frames: none
            vidbench.count(net, clip)
            taken.append((seconds(lambda net=net, clip=clip: vidbench.count(net, clip)), name))
    longest, name = max(taken)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - TORCH_KIB) / 1024
    print(f"all {len(taken)} variants: slowest {name} {longest:.2f} s (under 1), {grown:.0f} MiB over torch's import")


def main() -> None:
    """All variants, then a block a net: both ratios, and both counts of contractions."""
    logging.disable(logging.WARNING)
    count_all()
    from fvcore.nn import FlopCountAnalysis  # its memory is not counting's

    torch.set_grad_enabled(False)
    for name, frames in CASES:
        clip = vidbench.Clip(frames=frames, size=224)
        with torch.device("meta"):
            meta = vidbench.build(name)
        shape = (1, 3, frames, 224, 224)
        empty = torch.empty(shape, device="meta")
        *_, ratios = compare(lambda: vidbench.count(meta, empty), lambda: meta(empty), rounds=20)
        show(f"{name}: counting / bare meta forward", ratios, "at most 1.6")

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
