"""The peak of a pass is the most bytes that are alive at once: weights, inputs, and what no one has let go of."""

import pytest
import torch
from nets import Calls
from torch import nn
from torch.utils.checkpoint import checkpoint

from vidbench import count

DEVICES = ("cpu", "meta")
ELEMENTS = 1024
SIZE = 4 * ELEMENTS


def x(device: str) -> torch.Tensor:
    return torch.ones(ELEMENTS, device=device)


@pytest.mark.parametrize("device", DEVICES)
class TestForward:
    @pytest.mark.parametrize(
        ("function", "most"),
        [
            (lambda x: x + 1, 1),
            (lambda x: x.add_(1), 0),
            (lambda x: x.view(32, 32).T, 0),
            (lambda x: ((x + 1) + 1) + 1, 2),  # each sum and the one before it
            (lambda x: torch.cat([x, x]), 2),
            (lambda x: [x + 1, x + 2, x + 3], 3),
            (lambda x: (x + 1).view(32, 32) + 1, 2),  # a view keeps what it is a view of
            (lambda x: (x.repeat(4)[:1], x + 1)[1], 5),
        ],
    )
    def test_held_at_once(self, device: str, function, most: int):
        peak = count(Calls(function), x(device)).peak
        assert peak.activations == most * SIZE
        assert (peak.inputs, peak.weights) == (SIZE, 0)
        assert peak.bytes == (1 + most) * SIZE

    def test_where(self, device: str):
        """The peak stands at the innermost module that was being called, and at its operator."""
        with torch.device(device):
            net = nn.Sequential(nn.Linear(8, 8), nn.Sequential(nn.Linear(8, 4096), nn.ReLU()), nn.Linear(4096, 8))
            peak = count(net, torch.ones(1, 8)).peak
        assert (peak.module, peak.operator) == ("1.1", "aten.relu")
        assert peak.weights == sum(p.nbytes for p in net.parameters())

    def test_shared_storages_count_once(self, device: str):
        with torch.device(device):
            first = nn.Linear(8, 8, bias=False)
            net = nn.Sequential(first, first)
            batch = torch.ones(2, 8)
        assert count(net, batch).peak.weights == 8 * 8 * 4
        both = count(Calls(lambda a, b: a + b), batch, batch.view(16).view(2, 8)).peak
        assert both.inputs == 2 * 8 * 4

    def test_blocks(self, device: str):
        """Allocators round up: three tensors of 4 bytes are three blocks."""
        peak = count(Calls(lambda x: [x + 1, x + 2]), torch.ones(1, device=device), block=512).peak
        assert (peak.bytes, peak.inputs) == (3 * 512, 512)


@pytest.mark.parametrize("device", DEVICES)
class TestTraining:
    def test_saved_for_backward(self, device: str):
        """A sigmoid keeps its output until its gradient is taken, a sum keeps nothing."""
        depth = 5
        with torch.device(device):
            x = torch.ones(ELEMENTS, requires_grad=True)
        sigmoids = count(Calls(lambda x: [x := x.sigmoid() for _ in range(depth)][-1]), x, train=True).peak
        sums = count(Calls(lambda x: [x := x + 1 for _ in range(depth)][-1]), x, train=True).peak
        assert sigmoids.activations >= depth * SIZE
        assert sums.activations < sigmoids.activations

    def test_checkpointing_saves_memory(self, device: str):
        with torch.device(device):
            layers = [nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh()) for _ in range(4)]
            batch = torch.ones(1024, 64, requires_grad=True)
        net = nn.Sequential(*layers)
        kept = Calls(
            lambda *given: [x := given[-1], *[x := checkpoint(m, x, use_reentrant=False) for m in net]][-1], net
        )
        plain, saving = count(net, batch, train=True).peak, count(kept, batch, train=True).peak
        assert saving.activations < plain.activations

    def test_gradients_of_weights_are_held(self, device: str):
        with torch.device(device):
            net = nn.Linear(512, 512, bias=False)
            peak = count(net, torch.ones(1, 512), train=True).peak
        assert peak.activations >= net.weight.nbytes
