"""A user's own net on meta: nothing of the net is changed or copied, and what cannot run there is told."""

import pytest
import torch
from nets import Calls
from torch import nn

import vidbench
from vidbench.errors import CountError
from vidbench.records import Case, Clip
from vidbench.run.nets import Nets
from vidbench.run.skeletons import copy_to_meta, find_skeleton

CLIP = Clip(frames=2, size=8)


def tied() -> nn.Module:
    """Two layers of one weight, with a norm, in training mode."""
    net = nn.Sequential(nn.Conv3d(3, 3, 1), nn.BatchNorm3d(3), nn.Conv3d(3, 3, 1))
    net[2].weight = net[0].weight
    net[0].bias.requires_grad_(requires_grad=False)
    return net


def test_copy():
    """Parameters and buffers are on meta, shared and frozen ones still so; the net stays where and as it was."""
    net = tied()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    copy = copy_to_meta(net)
    assert {tensor.device.type for tensor in copy.state_dict().values()} == {"meta"}
    assert copy[0].weight is copy[2].weight
    assert [p.requires_grad for p in copy.parameters()] == [p.requires_grad for p in net.parameters()]
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert net.training


def test_skeleton_counts_as_the_net():
    """The count is that of the net itself."""
    net = tied()
    skeleton, real = vidbench.count(find_skeleton(net, CLIP), CLIP), vidbench.count(net.eval(), CLIP)
    for figure in ("macs", "params", "activations", "by_module", "by_operator", "uncounted", "unknown"):
        assert getattr(skeleton, figure) == getattr(real, figure)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda conv, x: conv(x) if x.sum() > 0 else x, "RuntimeError on a clip (1, 3, 2, 8, 8): Tensor.item() cannot"),
        (lambda conv, x: conv(x[x > 0].view(1, 3, 1, 1, -1)), "on a clip (1, 3, 2, 8, 8): "),
        (lambda *_: {}["key"], "KeyError on a clip (1, 3, 2, 8, 8): 'key'"),
    ],
    ids=["item", "mask", "mistake"],
)
def test_what_does_not_run(function, reason):
    """The error that the net ran into is the reason."""
    with pytest.raises(CountError) as caught:
        find_skeleton(Calls(function, nn.Conv3d(3, 1, 1)), CLIP)
    assert reason in str(caught.value)


def test_modules_are_counted_without_computing():
    """A module that is handed over runs on meta alone to be counted, or on its device where it does not run there."""
    seen = []

    def note(conv, x):
        seen.append(x.device.type)
        return conv(x)

    def choose(conv, x):
        return note(conv, x) if x.sum() < 1e9 else x

    for function, where, cautions in ((note, "meta", 0), (choose, "cpu", 1)):
        seen.clear()
        nets = Nets(Calls(function, nn.Conv3d(3, 1, 1)))
        case = Case(model="Calls", classes=None, frames=2, size=8, weights="given")
        assert vidbench.count(nets.counted(case), CLIP).macs == 3 * 2 * 8 * 8
        assert set(seen) == {where}
        assert len(nets.cautions(case)) == cautions


def test_caveat_is_in_the_record():
    """MACs and activations that were counted on a real clip say so; others say nothing."""
    choosy = Calls(lambda conv, x: conv(x) if x.sum() < 1e9 else x, nn.Conv3d(3, 1, 1))
    for net, cautious in ((tied(), set()), (choosy, {"macs", "activations"})):
        (record,) = vidbench.profile(net, CLIP, device="cpu", metrics=["params", "macs", "activations"])
        assert {m.metric for m in record.measurements if m.caveats} == cautious
    (record,) = vidbench.profile(choosy, CLIP, device="meta")
    assert "--device cpu counts it on a real clip" in record.failure.message
