"""Predicted against measured peak memory on the CPU: every family's default variant, forward and in training.

Run: python benchmarks/memory.py [--frames 8,32] [--size 224]. The measured peak is split: `tensors` outlive the
operator that makes them, and are what can be predicted; the rest is what kernels take for themselves.
"""

import argparse

import torch

import vidbench
from vidbench.catalog import families, variants
from vidbench.errors import InputError
from vidbench.measure import Workload
from vidbench.measure.memory import measure_peak_memory
from vidbench.models.atfr_sgs import keeping
from vidbench.records import TASKS, Case
from vidbench.run.static import predict_optimiser

GIB = 2**30


def compare(name: str, frames: int, size: int, task: str) -> None:
    """One line: the ratios of predicted to measured bytes, and whose the rest is."""
    with torch.device("meta"):
        meta, clip = vidbench.build(name, frames=frames), torch.empty(1, 3, frames, size, size)
    with keeping(meta, frames):  # of nets that drop frames: none, on both sides
        peak = vidbench.count(meta, clip, train=task == "train").peak
    net, clip = vidbench.build(name, frames=frames), torch.randn(1, 3, frames, size, size)
    with keeping(net, frames):
        measured = measure_peak_memory(Workload(net, clip, clip.device, task=task))
    case = Case(model=name, classes=None, frames=frames, size=size, task=task)
    predicted = peak.bytes + predict_optimiser(meta, case)
    held = ("tensors", "weights_and_input", "optimiser")
    tensors = sum(measured.details.get(part, 0) for part in held)
    rest = ", ".join(f"{operator} {size / 2**20:.1f} MiB" for operator, size in measured.details["temporaries"].items())
    print(
        f"{name} {frames}x{size} {task}: measured {measured.value / GIB:.3f} GiB, predicted {predicted / GIB:.3f}, "
        f"predicted / measured {predicted / measured.value:.4f}, / tensors {predicted / tensors:.4f} "
        f"(peak in {peak.module or 'the net'}: {peak.operator}); kernels' own: {rest or 'nothing'}",
        flush=True,
    )


def main() -> None:
    """A line a case."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", default="8,32")
    parser.add_argument("--size", type=int)
    options = parser.parse_args()
    for family in families().values():
        variant = variants()[family.default]
        for frames in map(int, options.frames.split(",")):
            for task in TASKS:
                size = options.size if options.size and not variant.size_fixed else variant.size
                try:
                    compare(variant.name, frames, size, task)
                except InputError as error:
                    print(error)


if __name__ == "__main__":
    main()
