"""TEA folds frames into the batch: clips stay apart, and any number of frames goes."""

import fingerprint
import pytest
import torch

import vidbench


@pytest.fixture(scope="module")
def net():
    return fingerprint.fill(vidbench.build("tea"), 0.5)


@pytest.mark.parametrize(("frames", "height", "width"), [(1, 32, 32), (3, 40, 33), (8, 32, 64)])
def test_clips_do_not_mix(net, frames, height, width):
    """A batch of clips gives each clip's own logits."""
    clips = fingerprint.clip(frames, height, width, batch=2)
    with torch.inference_mode():
        together = net(clips)
        apart = torch.cat([net(clip) for clip in clips.split(1)])
    assert together.isfinite().all()
    torch.testing.assert_close(together, apart, rtol=0, atol=2e-6 * float(apart.abs().max()))


def test_last_slices_start_by_shifting():
    """Before training half of a last slice comes from the next frame, half from the one before; others stay."""
    block = vidbench.build("tea").trunk.blocks[0]
    (taps_CN,) = block.aggregate.last.conv.weight.flatten(2).transpose(0, 1)
    assert taps_CN.tolist() == [[0, 0, 1]] * 13 + [[1, 0, 0]] * 13
    assert all(torch.equal(f.temporal.conv.weight.flatten(1)[:, 1], torch.ones(26)) for f in block.aggregate.filtered)
