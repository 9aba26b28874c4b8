"""Counts and times join without loss: every tree, table and share adds up to the whole."""

import math

import pytest
import torch
from torch import nn

from vidbench import count
from vidbench.counting.kinds import CONTRACTIONS, UNKNOWN
from vidbench.explain.explanation import add
from vidbench.explain.joining import Module, by_kind, by_operator, grow, loose, pair

COUNTED = frozenset(CONTRACTIONS)


class Net(nn.Module):
    """Work of its own, of children, and of a child that holds two filters of one kind."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv3d(3, 8, (1, 3, 3))
        self.body = nn.Sequential(nn.Conv3d(8, 8, 3, groups=8), nn.BatchNorm3d(8), nn.Conv3d(8, 8, (3, 1, 1), groups=8))
        self.head = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(self.stem(x)).mean((2, 3, 4)).relu())


@pytest.fixture(scope="module")
def joined():
    net = Net().eval()
    calls = count(net, torch.ones(1, 3, 8, 16, 16)).calls
    seconds = [index + 1.0 for index in range(len(calls))]
    timed = [*pair(calls, seconds), loose("aten.fused", "body", 0.5)]
    modules = [
        Module(path, type(module).__name__, sum(p.numel() for p in module.parameters()))
        for path, module in net.named_modules()
    ]
    return net, calls, seconds, timed, grow(modules, timed)


def test_tree_adds_up(joined):
    net, calls, seconds, _, root = joined
    assert root.work.seconds == pytest.approx(sum(seconds) + 0.5)
    assert root.work.macs == sum(call.macs for call in calls) == count(net, torch.ones(1, 3, 8, 16, 16)).macs
    assert root.work.bytes == sum(call.read + call.written for call in calls)
    assert root.params == sum(p.numel() for p in net.parameters())

    def check(part):
        whole = add(part.own, *(child.work for child in part.children))
        assert (whole.macs, whole.bytes) == (part.work.macs, part.work.bytes)
        assert math.isclose(whole.seconds, part.work.seconds)
        for child in part.children:
            check(child)

    check(root)


def test_tree_follows_the_net(joined):
    root = joined[-1]
    assert [child.path for child in root.children] == ["stem", "body", "head"]
    assert [child.path for child in root.children[1].children] == ["body.0", "body.1", "body.2"]
    assert root.own.seconds > 0  # the mean and the activation are the net's own
    assert root.children[1].own.seconds == 0.5  # what no counted call stands for


@pytest.mark.parametrize("kernels", [False, True])
def test_kinds_add_up(joined, kernels: bool):
    _, calls, seconds, timed, _ = joined
    rows = by_kind(timed, COUNTED, kernels=kernels)
    assert sum(row.work.seconds for row in rows) == pytest.approx(sum(seconds) + 0.5)
    assert sum(row.work.macs for row in rows if row.counted) == sum(call.macs for call in calls)
    assert [row.work.seconds for row in rows] == sorted((row.work.seconds for row in rows), reverse=True)
    filters = {row.kernel for row in rows if row.name == "depthwise convolution"}
    assert filters == ({"3x3x3", "3x1x1"} if kernels else {""})


def test_operators(joined):
    rows = by_operator(joined[3], COUNTED, frozenset({UNKNOWN}))
    assert {row.name for row in rows if row.counted} == {"aten.convolution", "aten.addmm"}
    assert all(row.known for row in rows)


def test_untimed():
    """Without times nothing has seconds, and nothing is taken for zero."""
    net = Net().eval()
    timed = pair(count(net, torch.ones(1, 3, 8, 16, 16)).calls, None)
    assert all(row.work.seconds is None for row in by_kind(timed, COUNTED, kernels=False))
