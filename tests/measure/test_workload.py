"""A call of training is forward, backward and a step of SGD, that leaves the weights where they are."""

import pytest
import torch
from torch import nn

from vidbench.measure import Workload
from vidbench.measure.memory import measure_peak_memory, optimiser_bytes
from vidbench.measure.timing import describe_state, time_calls
from vidbench.measure.workload import MOMENTUM, RATE


def net() -> nn.Module:
    torch.manual_seed(0)
    return (
        nn.Sequential(nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4), nn.ReLU(), nn.Flatten(), nn.LazyLinear(5)).double().eval()
    )


@pytest.fixture
def training() -> Workload:
    """In float64, that so small a step can be seen."""
    made, clips = net(), torch.randn(2, 3, 3, 6, 6).double()
    made(clips)
    return Workload(made, clips, clips.device, task="train")


def test_step(training):
    """By the gradients times the rate, then by those and what is left of the step before."""
    weight = training.net[0].weight
    before = weight.detach().clone()
    with training.running():
        training.call()
        first = weight.grad.clone()
        moved = weight.detach().clone()
        training.call()
        second = weight.grad.clone()
    assert torch.allclose((before - moved) / RATE, first, rtol=1e-5)
    assert torch.allclose((moved - weight.detach()) / RATE, MOMENTUM * first + second, rtol=1e-5)
    assert weight.grad is None
    assert not training.net.training


def test_many_steps(training):
    """After a hundred calls everything is finite, and the weights are where they were to seven digits."""
    before = [p.detach().clone() for p in training.net.parameters()]
    with training.running():
        time_calls(training, 100)
    assert training.forward().isfinite().all()
    assert all(torch.allclose(p, q, atol=1e-4) for p, q in zip(training.net.parameters(), before, strict=True))


def test_memory(training):
    """The optimiser's state comes with the first call, and is in the peak beside weights and gradients."""
    assert optimiser_bytes(training) == 0
    measured = measure_peak_memory(training)
    weights = sum(8 * p.numel() for p in training.net.parameters())
    assert measured.details["optimiser"] == weights
    assert measured.value > measured.details["weights_and_input"] + 2 * weights
    assert "optimiser" in measured.method


def test_inference():
    """A forward pass has no optimiser, and neither has a net without weights."""
    clips = torch.randn(1, 3, 3, 6, 6)
    inference = Workload(net().float(), clips, clips.device)
    assert inference.optimiser is None
    assert Workload(nn.ReLU(), clips, clips.device, task="train").optimiser is None
    assert describe_state(inference) == "inference mode"


def test_method(training):
    assert "a step of SGD (momentum 0.9, a learning rate of 1e-09" in describe_state(training)
