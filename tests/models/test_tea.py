"""TEA folds frames into the batch: clips stay apart, and any number of frames goes."""

import fingerprint
import pytest
import torch

import vidbench
from vidbench.models.tea import MotionExcitation, TemporalFilter


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


def test_filters_start_as_identity_or_shift():
    """Before training a filter keeps its slice, or takes half of it from the next frame and half from the last."""
    x_FCHW = torch.arange(24.0).reshape(3, 4, 2, 1) + 1
    assert torch.equal(TemporalFilter(4)(x_FCHW, 3), x_FCHW)
    shifted_FCHW = TemporalFilter(4, shifts=True)(x_FCHW, 3)
    assert torch.equal(shifted_FCHW[:2, :2], x_FCHW[1:, :2])
    assert torch.equal(shifted_FCHW[1:, 2:], x_FCHW[:2, 2:])
    assert not shifted_FCHW[2, :2].any()
    assert not shifted_FCHW[0, 2:].any()


def test_the_last_frame_is_gated_too():
    """A frame without a next one has no motion, but the norm's shift still opens or closes its gate."""
    excite = fingerprint.fill(MotionExcitation(32)).eval()
    x_FCHW = torch.ones(1, 32, 6, 6)
    norm = excite.gate.norm
    scale_C = norm.weight / (norm.running_var + norm.eps).sqrt()
    gate_C = (norm.bias - norm.running_mean * scale_C).sigmoid() - 0.5
    assert gate_C.abs().max() > 0.01
    torch.testing.assert_close(excite(x_FCHW, 1)[0, :, 0, 0], 1 + gate_C)
