"""STM's blocks do what their formulas say, and its clips have to be of sizes that all its branches agree on."""

import pytest
import torch
from nets import normed, scramble
from torch.nn import functional

import vidbench
from vidbench.errors import InputError
from vidbench.models.stm import STM, Config, SpatioTemporalMotion

SMALL = Config(depths=(1, 1, 1, 1), classes=5)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("stride", [1, 2])
@torch.no_grad()
def test_the_block_by_its_formulas(stride):
    """Frame by frame: taps over time then 3x3, norm and ReLU; to which the widened difference is added, pooled."""
    block = scramble(SpatioTemporalMotion(32, stride))
    x_BCTHW = torch.randn(2, 32, 4, 6, 8)
    y_BCTHW = block(x_BCTHW)
    space, motion = block.spatiotemporal, block.motion
    before, this, after = (taps_C.view(-1, 1, 1) for taps_C in space.temporal.conv.weight.flatten(1).unbind(1))
    for t in range(4):
        x = x_BCTHW[:, :, t]
        filtered = this * x
        if t > 0:
            filtered = filtered + before * x_BCTHW[:, :, t - 1]
        if t < 3:
            filtered = filtered + after * x_BCTHW[:, :, t + 1]
        filtered = functional.conv2d(filtered, space.spatial.conv.weight, None, stride, 1)
        expected = normed(filtered, space.spatial.norm).relu()
        if t < 3:
            squeeze, following = motion.motion.squeeze, x_BCTHW[:, :, t + 1]
            now, then = (normed(functional.conv2d(y, squeeze.conv.weight), squeeze.norm) for y in (x, following))
            difference = functional.conv2d(then, motion.motion.filter.weight, None, 1, 1, 1, 2) - now
            widened = functional.conv2d(difference, motion.widen.weight)
            expected = expected + (functional.max_pool2d(widened, 2, 2) if stride == 2 else widened)
        torch.testing.assert_close(y_BCTHW[:, :, t], expected, rtol=1e-4, atol=1e-5)


def test_the_start():
    """Before training a quarter of the channels comes from the frame before, a quarter from the next one."""
    taps = SpatioTemporalMotion(16).spatiotemporal.temporal.conv.weight.flatten(1).tolist()
    assert taps == [[1, 0, 0]] * 4 + [[0, 1, 0]] * 8 + [[0, 0, 1]] * 4


def test_every_parameter_is_used():
    """Each gets a gradient, whatever is left out of a block at its start; the clip is left alone."""
    net = scramble(STM(SMALL)).train()
    clip = torch.randn(2, 3, 3, 64, 32)
    before = clip.clone()
    net(clip).square().sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []
    assert torch.equal(clip, before)


def test_clips_do_not_mix_and_frames_have_an_order():
    """Each clip of a batch has its own logits, of one frame, too; backwards they are others."""
    net = scramble(STM(SMALL))
    with torch.inference_mode():
        for frames in (1, 5):
            clips = torch.randn(2, 3, frames, 64, 32)
            together, apart = net(clips), torch.cat([net(clip) for clip in clips.split(1)])
            torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-4 * float(apart.abs().max()))
        assert not torch.allclose(net(clips.flip(2)), together, rtol=1e-3)


def test_odd_maps_are_refused():
    """A size that is no multiple of 32 is refused with the reason, by the command line's way and when called."""
    with pytest.raises(InputError, match=r"multiples of 32, not 64 x 48: .* round odd maps"):
        STM(SMALL)(torch.empty(1, 3, 2, 64, 48))
    with pytest.raises(InputError, match=r"112 x 112: .* round odd maps differently; .* 96 or 128 \(multiples of 32\)"):
        vidbench.build("stm", size=112)
