"""Filters over time and differences of frames do what their formulas say, frame by frame."""

import fingerprint
import pytest
import torch
from torch.nn import functional

from vidbench.models.motion import MotionDifference, MotionExcitation, TemporalFilter


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_filters_start_as_told():
    """Before training a channel passes on its own frame, the one before or the next; there is none beyond the ends."""
    x_FCHW = torch.arange(24.0).reshape(3, 4, 2, 1) + 1
    assert torch.equal(TemporalFilter(4)(x_FCHW, 3), x_FCHW)
    y_FCHW = TemporalFilter(4, [1, 0, -1, -1])(x_FCHW, 3)
    assert torch.equal(y_FCHW[:2, 0], x_FCHW[1:, 0])
    assert torch.equal(y_FCHW[:, 1], x_FCHW[:, 1])
    assert torch.equal(y_FCHW[1:, 2:], x_FCHW[:2, 2:])
    assert not y_FCHW[2, 0].any()
    assert not y_FCHW[0, 2:].any()


def test_filters_are_convolutions_over_the_frames_of_a_clip():
    """Each channel and place is filtered over the frames of its own clip."""
    filtering = TemporalFilter(4)
    torch.nn.init.normal_(filtering.conv.weight)
    x_BTCHW = torch.randn(2, 5, 4, 3, 2)
    y_BTCHW = filtering(x_BTCHW.flatten(0, 1), 5).unflatten(0, (2, 5))
    for n, h, w in ((0, 0, 0), (1, 2, 1)):
        expected_CT = functional.conv1d(x_BTCHW[n, :, :, h, w].T, filtering.conv.weight[..., 0], padding=1, groups=4)
        torch.testing.assert_close(y_BTCHW[n, :, :, h, w].T, expected_CT)


@pytest.mark.parametrize("pooled", [False, True])
def test_differences_are_of_the_filtered_next_frame(pooled):
    """It is the next frame that the 3x3 filters; the last frame of each clip has nothing."""
    difference = fingerprint.fill(MotionDifference(32, pooled=pooled)).eval()
    x_BTCHW = torch.randn(2, 3, 32, 5, 4)
    y_BTRHW = difference(x_BTCHW.flatten(0, 1), 3).unflatten(0, (2, 3))
    for n in range(2):
        squeezed_TRHW = difference.squeeze.norm(functional.conv2d(x_BTCHW[n], difference.squeeze.conv.weight))
        for t in range(2):
            following_RHW = functional.conv2d(squeezed_TRHW[t + 1], difference.filter.weight, None, 1, 1, 1, 2)
            expected_RHW = following_RHW - squeezed_TRHW[t]
            expected_RHW = expected_RHW.mean((1, 2), keepdim=True) if pooled else expected_RHW
            torch.testing.assert_close(y_BTRHW[n, t], expected_RHW)
    assert not y_BTRHW[:, 2].any()


def test_the_last_frame_is_gated_too():
    """A frame without a next one has no motion, but the norm's shift still opens or closes its gate."""
    excite = fingerprint.fill(MotionExcitation(32)).eval()
    x_FCHW = torch.ones(1, 32, 6, 6)
    norm = excite.gate.norm
    scale_C = norm.weight / (norm.running_var + norm.eps).sqrt()
    gate_C = (norm.bias - norm.running_mean * scale_C).sigmoid() - 0.5
    assert gate_C.abs().max() > 0.01
    torch.testing.assert_close(excite(x_FCHW, 1)[0, :, 0, 0], 1 + gate_C)
