"""What becomes of memory that a net frees: it stays with this process, or goes back to the kernel and is zeroed anew.

glibc hands large blocks back when they are freed and trims its heap, so that a net on the CPU has the kernel zero its
activations, a page fault for every 4 KiB, in every call. See `benchmarks/heap.py`.
"""

import ctypes
import os
import sys
from pathlib import Path

VARIABLE = "VIDBENCH_HEAP"  # `system`: as the C library does by itself
OTHERS = ("jemalloc", "tcmalloc", "mimalloc")  # allocators that stand in for glibc's where they are preloaded
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of mallopt(3)
NEVER = -1

_kept = False


def keep_freed_memory() -> None:
    """From now on, let this process keep what is freed; nothing where the user or the C library does otherwise."""
    global _kept  # noqa: PLW0603  # what mallopt set cannot be asked for
    if os.environ.get(VARIABLE) == "system" or not sys.platform.startswith("linux") or _find_other():
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        _kept = bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, NEVER))


def describe_heap() -> str:
    """`kept`, the name of an allocator that stands in for the C library's, or `system`."""
    return "kept" if _kept else _find_other() or "system"


def _find_other() -> str | None:
    try:
        mapped = Path("/proc/self/maps").read_text("utf-8", "replace")
    except OSError:
        return None
    return next((name for name in OTHERS if name in mapped), None)
