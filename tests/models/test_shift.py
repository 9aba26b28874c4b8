"""The temporal shift moves eighths of the channels, within each clip alone."""

import pytest
import torch
from torch import nn

from vidbench.models.resnet2d import Bottleneck, to_clips, to_frames
from vidbench.models.shift import ShiftedBottleneck, shift


@pytest.mark.parametrize(("channels", "share", "frames"), [(16, 8, 3), (12, 4, 4), (20, 8, 2), (8, 8, 1)])
def test_each_channel_has_its_frame(channels, share, frames):
    """The first share is the next frame's, the second the last one's, all others stay; clips do not mix."""
    x_BCTHW = torch.randn(2, channels, frames, 2, 3)
    moved = channels // share
    expected = torch.zeros_like(x_BCTHW)
    for c in range(channels):
        for t in range(frames):
            source = t + 1 if c < moved else t - 1 if c < 2 * moved else t
            if 0 <= source < frames:
                expected[:, c, t] = x_BCTHW[:, c, source]
    before = x_BCTHW.clone()
    assert torch.equal(shift(x_BCTHW, share), expected)
    assert torch.equal(x_BCTHW, before)


def test_frames_stay_together():
    """What was folded frames can be folded again without a copy."""
    shifted_BCTHW = shift(to_clips(torch.randn(6, 16, 4, 4), 2))
    assert to_frames(shifted_BCTHW).data_ptr() == shifted_BCTHW.data_ptr()


def test_only_the_branch_is_shifted():
    """With a branch that gives nothing the block is its shortcut; without one, a bottleneck of the shifted clip."""
    torch.manual_seed(0)
    x_BCTHW = torch.randn(1, 32, 3, 5, 5)
    block = ShiftedBottleneck(32, 32, 1, nn.Identity()).eval()
    assert torch.equal(block(x_BCTHW), x_BCTHW.relu())
    nn.init.ones_(block.block.widen.norm.weight)
    block.block.shortcut = nn.Conv2d(32, 32, 1, bias=False)
    nn.init.zeros_(block.block.shortcut.weight)
    plain = Bottleneck(32, 32, 1, block.block.shortcut).eval()
    plain.load_state_dict(block.block.state_dict())
    assert torch.equal(block(x_BCTHW), to_clips(plain(to_frames(shift(x_BCTHW))), 1))
