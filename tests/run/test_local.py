"""`vidbench.profile` and the run of cases: records whatever happens, modules left alone."""

import pytest
import torch

import vidbench
from vidbench.errors import InputError
from vidbench.records import Clip


class Small(torch.nn.Module):
    """A net of a user."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv3d(3, 4, 3)
        self.norm = torch.nn.BatchNorm3d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(x)).mean((2, 3, 4))


def test_by_name():
    """A name and a clip give a record with the figures of that setting."""
    (record,) = vidbench.profile("x3d-s", Clip(frames=4, size=64), device="meta")
    assert (record.case.model, record.case.frames, record.case.size) == ("x3d-s", 4, 64)
    assert record.measurement("params").value == 3794322
    assert record.measurement("latency") is None


def test_several_clips_and_batches():
    """A record for every clip and batch, in that order."""
    clips = [Clip(frames=4, size=64), Clip(frames=8, size=32)]
    records = vidbench.profile("x3d-s", clips, batch=(1, 2), device="meta", metrics=["macs"])
    assert [(r.case.frames, r.case.batch) for r in records] == [(4, 1), (4, 2), (8, 1), (8, 2)]


def test_module():
    """A user's module is counted and timed, and stays as it is: mode, precision, weights."""
    net = Small().train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    (record,) = vidbench.profile(net, Clip(frames=4, size=8), device="cpu", dtype="bf16", batch=2, precision=0.9)
    assert record.failure is None
    assert record.case.model == "Small"
    assert record.measurement("macs").value == 2 * 6 * 6 * 4 * 81
    assert net.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert net.conv.weight.dtype == torch.float32


@torch.library.custom_op("vidbench_tests::unheard_of", mutates_args=())
def unheard_of(x: torch.Tensor) -> torch.Tensor:
    """An operator that no count knows."""
    return x.clone()


@unheard_of.register_fake
def _(x: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(x)


class Strange(torch.nn.Module):
    """Counts its calls on real tensors, of all its copies."""

    calls = 0

    def __init__(self, *, reads: bool) -> None:
        super().__init__()
        self.reads = reads
        self.conv = torch.nn.Conv3d(3, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        Strange.calls += x.device.type != "meta"
        y = unheard_of(self.conv(x)).mean((2, 3, 4))
        return y if self.reads and y.sum().item() < 0 else y + 1


@pytest.mark.parametrize("reads", [False, True], ids=["counted on meta", "counted on its clip"])
@pytest.mark.parametrize("metrics", [["first_call"], ["macs", "first_call"]], ids=" ".join)
def test_first_call_is_the_first(monkeypatch, metrics, reads):
    """It is timed before all that calls the net, such as timing operators that the count does not know."""
    monkeypatch.setattr(Strange, "calls", 0)
    monkeypatch.setattr(
        "vidbench.measure.timing.perf_counter_ns", lambda: 1e9 * (Strange.calls + 6 * (Strange.calls > 0))
    )
    (record,) = vidbench.profile(Strange(reads=reads), Clip(frames=4, size=8), device="cpu", metrics=metrics)
    assert record.failure is None
    assert record.figure("first_call") == 7


def test_precision_reaches_the_figures():
    """What is asked for is what sampling goes by, and stays with the figure."""
    (record,) = vidbench.profile(
        Small(), Clip(frames=4, size=8), device="cpu", metrics=["latency", "throughput"], precision=0.9
    )
    for measurement in record.measurements:
        assert measurement.details["precision_asked"] == 0.9
        assert measurement.details["settled"] == (measurement.details["precision"] <= 0.9)


def test_failing_module_is_a_record():
    """A net that raises gives a record that says so, not an exception."""
    (record,) = vidbench.profile(Small(), Clip(frames=1, size=8), device="cpu")
    assert record.failure.kind == "error"
    assert "Kernel size" in record.failure.message


def test_random_state_is_left_alone():
    """Random weights come from a fixed seed of their own."""
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    vidbench.profile("x3d-xs", Clip(frames=4, size=32), device="cpu", metrics=["peak_memory"], in_process=True)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize(
    ("model", "how"),
    [("nothing", {}), ("x3d-m", {"device": "tpu"}), ("x3d-m", {"dtype": "fp8"}), ("x3d-m", {"metrics": ["speed"]}),
     ("x3d-m", {"batch": 0}), ("x3d-m", {"classes": 0}), ("x3d-m", {"clips": Clip(frames=0, size=224)}),
     ("x3d-m", {"device": "meta", "precision": 1.0}), (Small(), {"device": "meta"})],
)  # fmt: skip
def test_refusals(model, how):
    """What cannot be measured is refused with an InputError, which is a ValueError, too."""
    with pytest.raises(InputError):
        vidbench.profile(model, **how)
    assert issubclass(InputError, ValueError)
