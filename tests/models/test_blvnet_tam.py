"""The temporal aggregation module by itself, with taps that the fingerprint would make equal, and pairs of frames."""

from pathlib import Path

import fingerprint
import numpy as np
import pytest
import torch
from torch import nn

import vidbench
from vidbench.errors import InputError
from vidbench.models.blvnet_tam import TemporalAggregation, TemporalBottleneck
from vidbench.models.resnet2d import conv_norm, to_clips, to_frames

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "unit-tam-3.npz"


def test_unequal_taps():
    """Previous, current and next frame meet their own weights, and clips of one batch do not meet."""
    golden = np.load(GOLDEN)
    frames, expected = torch.from_numpy(golden["input"]), torch.from_numpy(golden["output"])
    tam = TemporalAggregation(frames.shape[1])
    for ours, theirs in (("previous", "prev"), ("current", "curr"), ("next", "next")):
        tam.get_parameter(ours).data = torch.from_numpy(golden[f"{theirs}_weight"])
    clips = len(frames) // int(golden["duration"])
    with torch.inference_mode():
        output = to_frames(tam(to_clips(frames, clips)))
    assert output.shape == expected.shape
    assert (output - expected).abs().max() <= 1e-6 * expected.abs().max()


def test_three_products_a_position():
    """The three filters of 1x1 are counted, also where they reach beyond the clip."""
    counted = vidbench.count(TemporalAggregation(6), torch.empty(2, 6, 4, 5, 3))
    assert counted.macs == 3 * 2 * 6 * 4 * 5 * 3
    assert counted.params == 3 * 6
    assert not counted.unknown


def test_share_of_the_aggregation():
    """At 16 x 224 all modules of either net together take the products the authors' code takes."""
    for name in ("blvnet-tam-50", "blvnet-tam-101"):
        with torch.device("meta"):
            net = vidbench.build(name)
        by_module = vidbench.count(net, vidbench.Clip(frames=16, size=224)).by_module
        modules = [path for path, module in net.named_modules() if isinstance(module, TemporalAggregation)]
        assert sum(by_module[path] for path in modules) == 72_253_440


@pytest.mark.parametrize("projects", [True, False])
def test_what_the_shortcut_takes(projects):
    """Where the blend is all zero, a projection sees nothing of the clip, an identity the raw frames."""
    shortcut = conv_norm(8, 8, 1) if projects else nn.Identity()
    block = fingerprint.fill(TemporalBottleneck(8, 8, 1, shortcut)).eval()
    for weight in block.aggregation.parameters():
        nn.init.zeros_(weight)
    x, y = torch.rand(2, 1, 8, 4, 3, 3)
    with torch.inference_mode():
        assert torch.equal(block(x), block(y)) is projects


def test_clips_do_not_meet():
    """A batch of two is two batches of one, at sizes no stage divides evenly."""
    net = fingerprint.fill(vidbench.build("blvnet-tam-50", classes=10))
    clips = torch.randn(2, 3, 6, 75, 90)
    with torch.inference_mode():
        both = net(clips)
        alone = torch.cat([net(clip[None]) for clip in clips])
    torch.testing.assert_close(both, alone, rtol=1e-5, atol=1e-5 * float(both.abs().max()))
    assert not torch.allclose(both[0], both[1])


def test_odd_frames():
    """Frames come in pairs."""
    with torch.device("meta"):
        net = vidbench.build("blvnet-tam")
    with pytest.raises(InputError, match="even number"):
        net(torch.empty(1, 3, 7, 64, 64, device="meta"))


def test_gradients_reach_every_parameter():
    """Nothing written in place is needed again on the way back."""
    net = vidbench.build("blvnet-tam-50", classes=10).train()
    net(torch.randn(2, 3, 4, 64, 64)).sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
