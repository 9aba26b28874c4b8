"""A GPU's time goes to the operators that launched its kernels; the rest, up to the last kernel, it was idle."""

from vidbench.measure.kernels import device_times
from vidbench.measure.matching import Claim
from vidbench.measure.profiler import CALL, Event, Kernel

CONV = Event("aten::convolution", 10, 20, 2, works=True, children=[Event("aten::cudnn_convolution", 12, 18, 3)])
FUSED = Event("aten::_fused", 30, 40, 4, works=True, children=[Event("aten::mm", 32, 38, 5, works=True)])
MODULE = Event("module a", 5, 50, 1, children=[CONV, FUSED])
ROOT = Event(CALL, 0, 60, 0, children=[MODULE])
CLAIMS = [
    Claim(CONV, "aten.convolution", "a", 0),
    Claim(FUSED, "aten._fused", "a", None, own=True),
    Claim(FUSED.children[0], "aten.mm", "a", 1),
]


def times(*kernels: Kernel) -> tuple[dict[object, int], int]:
    busy, idle = device_times(ROOT, CLAIMS, kernels, {"module a": "a"})
    return dict(busy), idle


def test_launchers():
    """A kernel belongs to the operator around its launch; one that is launched by no operator, to itself."""
    kernels = [Kernel("k", 100 * at, 100 * at + 10 + at, launcher) for at, launcher in enumerate((3, 2, 4, 5, 1, 99))]
    busy, idle = times(*kernels)
    assert busy == {0: 10 + 11, ("aten._fused", "a"): 12, 1: 13, ("k", "a"): 14, ("k", ""): 15}
    assert idle + sum(busy.values()) == 515


def test_idle_between():
    """From the first kernel's start to the last one's end; what comes before and after is none of the device's."""
    assert times(Kernel("k", 1000, 1010, 3), Kernel("k", 1050, 1060, 5)) == ({0: 10, 1: 10}, 40)


def test_overlap():
    """Where kernels run side by side the time is that of the one which began first, and is counted once."""
    assert times(Kernel("k", 0, 100, 3), Kernel("k", 50, 80, 5), Kernel("k", 90, 120, 5)) == ({0: 100, 1: 20}, 0)
    assert times(Kernel("k", 50, 80, 5), Kernel("k", 0, 60, 3)) == ({0: 60, 1: 20}, 0)
