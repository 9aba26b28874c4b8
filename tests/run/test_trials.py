"""A change is tried on a copy, timed in turns with the net as it was, and what it does to the logits is told."""

import pytest
import torch
from torch import nn

from vidbench.measure import Workload
from vidbench.run import trials
from vidbench.run.trials import try_changes


@pytest.fixture
def workload(monkeypatch: pytest.MonkeyPatch) -> Workload:
    monkeypatch.setattr(trials, "SECONDS", 0.0)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv3d(3, 8, 3), nn.Conv3d(8, 8, 3, groups=8), nn.AdaptiveAvgPool3d(1), nn.Flatten())
    return Workload(net.eval(), torch.randn(1, 3, 6, 12, 12), torch.device("cpu"))


def test_changes(workload):
    before = {name: tensor.clone() for name, tensor in workload.net.state_dict().items()}
    said: list[str] = []
    layout, half, batch = try_changes(["channels-last", "bf16", "batch"], workload, said.append)
    assert layout.difference == pytest.approx(0, abs=1e-5)
    assert 0 < half.difference < 0.1
    assert batch.difference is None
    assert all(trial.failure is None and trial.speedup > 0 for trial in (layout, half, batch))
    assert len(said) == 3
    after = workload.net.state_dict()
    assert all(torch.equal(after[name], tensor) and after[name].is_contiguous() for name, tensor in before.items())


def test_a_change_that_does_not_work(workload, monkeypatch: pytest.MonkeyPatch):
    """A failure is an answer: its reason stands where the speed would."""

    def fail(_: Workload) -> Workload:
        raise RuntimeError("no compiler here")

    monkeypatch.setitem(trials.TRIALS, "compile", ("torch.compile", fail))
    (trial,) = try_changes(["compile"], workload, lambda _: None)
    assert trial.speedup is None
    assert trial.failure == "RuntimeError: no compiler here"
