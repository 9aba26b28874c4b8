"""Outputs are held against those expected by their greatest difference."""

import pytest
import torch

from vidbench.measure import Workload
from vidbench.measure.outputs import compare_outputs, take_outputs

EXPECTED = [torch.tensor([[1.0, -4.0, 2.0]]), torch.tensor(3.0)]


def test_difference():
    """Over the greatest magnitude of all tensors, whichever it is in."""
    found = compare_outputs(EXPECTED, [torch.tensor([[1.0, -4.0, 2.5]]), torch.tensor(3.25)])
    assert found == (pytest.approx(0.5 / 4), True, True)
    assert not compare_outputs(EXPECTED, [torch.tensor([[2.0, -4.0, 1.0]]), torch.tensor(3.0)]).same_choice
    assert compare_outputs(EXPECTED, EXPECTED) == (0.0, True, True)


def test_no_numbers():
    """What is not finite has no difference; neither has anything to what is all zero, but zeros."""
    for wrong in (float("nan"), float("inf")):
        assert compare_outputs(EXPECTED, [EXPECTED[0], torch.tensor(wrong)])[:2] == (None, False)
        assert compare_outputs([torch.tensor(wrong)], [torch.tensor(1.0)])[:2] == (None, True)
    zeros = [torch.zeros(1, 3)]
    assert compare_outputs(zeros, zeros).relative == 0.0
    assert compare_outputs(zeros, [torch.ones(1, 3)]).relative is None


def test_other_shapes():
    assert compare_outputs(EXPECTED, EXPECTED[:1]) is None
    assert compare_outputs([], []) is None


def test_taken():
    """All tensors of a call, as float32, from a net in half precision too."""
    net = torch.nn.Conv3d(3, 2, 1).to(torch.bfloat16)
    clips = torch.ones(1, 3, 2, 4, 4, dtype=torch.bfloat16)
    (found,) = take_outputs(Workload(net, clips, clips.device, task="train"))
    assert (found.dtype, found.shape, found.requires_grad) == (torch.float32, (1, 2, 2, 4, 4), False)
