"""Predicted memory is what the allocator then holds, forward and in training."""

from dataclasses import replace

import pytest
import torch

from vidbench import build, count
from vidbench.catalog import families, variants
from vidbench.measure import Workload
from vidbench.measure.memory import measure_peak_memory
from vidbench.models.atfr_sgs import keeping
from vidbench.records import Case
from vidbench.run.nets import Nets
from vidbench.run.static import count_call, predict_optimiser, static_figures

NAMES = ("vov3d", "x3d", "blvnet-tam", "slowfast", "tea", "tada2d", "tadaconvnextv2", "atfr-sgs", "csn")
DEFAULTS = [families()[name].default for name in NAMES]  # benchmarks/memory.py has all, at the size of their papers


@pytest.mark.parametrize("task", ["inference", "train"])
@pytest.mark.parametrize("name", DEFAULTS)
def test_predicted_is_measured(name: str, task: str):
    """Tensors to 0.5% forward; in training all that the CPU allocator holds within 5%."""
    variant = variants()[name]
    size = variant.size if variant.size_fixed else 64
    case = Case(model=name, classes=variant.classes, frames=8, size=size, task=task)
    nets = Nets()
    clips = torch.randn(1, 3, 8, size, size)
    net = nets.measured(case)
    with keeping(nets.counted(case), 8), keeping(net, 8):
        predicted = count_call(nets.counted(case), case).peak
        measured = measure_peak_memory(Workload(net, clips, clips.device, task=task))
    assert predicted.weights + predicted.inputs == measured.details["weights_and_input"]
    if task == "inference":
        assert predicted.activations == pytest.approx(measured.details["tensors"], rel=5e-3)
    else:
        optimiser = predict_optimiser(nets.counted(case), case)
        assert optimiser == measured.details["optimiser"] == sum(4 * p.numel() for p in net.parameters())
        assert predicted.bytes + optimiser == pytest.approx(measured.value, rel=0.05)


def test_halves_are_half():
    """Of a precision with half the bytes, everything but indices and statistics is half."""
    case = Case(model="x3d-m", classes=400, frames=4, size=64)
    nets = Nets()
    whole, half = (count_call(nets.counted(c), c).peak.bytes for c in (case, replace(case, dtype="bf16")))
    assert half == pytest.approx(whole / 2, rel=0.01)


def test_details_and_unknowns():
    """The figure says what it is made of and where it stands; under autocast it is unknown, with the reason."""
    case = Case(model="x3d-m", classes=400, frames=4, size=64)
    with torch.device("meta"):
        net = build("x3d-m")
        counted = count(net, torch.empty(1, 3, 4, 64, 64))
    figure = static_figures(net, counted, case)["predicted_memory"]
    parts = figure.details
    assert figure.value == parts["weights"] + parts["inputs"] + parts["activations"] == counted.peak.bytes
    assert parts["module"] in dict(net.named_modules())
    assert static_figures(net, counted, replace(case, batch=3))["predicted_memory"].value > figure.value
    training = replace(case, task="train", dtype="bf16")
    trained = static_figures(net, counted, training)["predicted_memory"]
    assert trained.value - counted.peak.bytes == trained.details["optimiser"] == 2 * counted.params
    assert "momentum" in trained.method
    unknown = static_figures(net, counted, replace(case, dtype="amp"))["predicted_memory"]
    assert unknown.value is None
    assert "autocast" in unknown.caveats[0]
