"""What a mode does to a net and its clip, and whether it reaches the convolutions."""

import pytest
import torch
from torch import nn

from vidbench import build
from vidbench.environment import DTYPES
from vidbench.errors import InputError
from vidbench.measure import Workload
from vidbench.measure.layouts import watch_layouts
from vidbench.measure.modes import _CHANGES, apply_mode
from vidbench.modes import LIMITS, MODES, check_mode


def test_every_mode_is_described_and_done():
    assert _CHANGES.keys() == MODES.keys()
    assert all(mode.weights and mode.clip and name in mode.describe() for name, mode in MODES.items())
    assert LIMITS.keys() == DTYPES.keys()


def test_eager_is_as_it_was():
    net, clips = nn.Conv3d(3, 4, 3), torch.randn(1, 3, 4, 8, 8)
    workload = apply_mode("eager", Workload(net, clips, clips.device))
    assert workload.net is net
    assert workload.clips is clips


def test_channels_last():
    """Weights of four and five dimensions and the clip are laid out anew, the optimiser goes on with them."""
    net = nn.Sequential(nn.Conv3d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.Linear(4, 4))
    clips = torch.randn(2, 3, 4, 8, 8)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    workload = apply_mode("channels-last", Workload(net, clips, clips.device, task="train"))
    assert workload.mode == "channels-last"
    assert workload.clips.is_contiguous(memory_format=torch.channels_last_3d)
    assert torch.equal(workload.clips, clips)
    assert net[0].weight.is_contiguous(memory_format=torch.channels_last_3d)
    assert net[1].weight.is_contiguous(memory_format=torch.channels_last)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert {id(p) for p in workload.optimiser.param_groups[0]["params"]} == {id(p) for p in net.parameters()}


@pytest.mark.parametrize("name", ["tsn-r50", "tea-r50", "blvnet-tam-50", "tada2d-r50"])
def test_frames_fold_into_channels_last(name):
    """The first convolution of a net that works on frames gets them in channels last, as the mode says."""
    net, clips = build(name), torch.randn(1, 3, 8, 32, 32)
    workload = apply_mode("channels-last", Workload(net, clips, clips.device))
    reached: list[bool] = []

    def note(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        reached.append(inputs[0].dim() == 4 and inputs[0].is_contiguous(memory_format=torch.channels_last))

    first = next(module for module in net.modules() if isinstance(module, nn.Conv2d))
    first.register_forward_pre_hook(note)
    with workload.running():
        workload.call()
    assert reached == [True]


def test_layouts_are_watched():
    """Convolutions are counted with the order that reaches them; the hooks are gone afterwards."""
    net = nn.Sequential(nn.Conv3d(3, 4, 3), nn.Conv3d(4, 4, 1))
    clips = torch.randn(1, 3, 4, 8, 8)
    with watch_layouts(net) as seen:
        net(clips)
    assert seen == {"convolutions": 2, "reached": 0}
    with watch_layouts(net[0]) as seen:
        net[0](clips.contiguous(memory_format=torch.channels_last_3d))
    assert seen == {"convolutions": 1, "reached": 1}
    assert not any(module._forward_pre_hooks for module in net)


@pytest.mark.parametrize(
    ("mode", "device", "task", "message"),
    [
        (
            "fast",
            "cpu",
            "inference",
            "unknown mode 'fast'; there are eager, channels-last, compile, compile-max, cuda-gra",
        ),
        ("cuda-graph", "cpu", "inference", "needs a CUDA device, not cpu"),
        ("cuda-graph", "cuda", "train", "captures a forward pass alone; give --task inference"),
        ("compile", "meta", "inference", "on meta nothing does"),
    ],
)
def test_refusals(mode, device, task, message):
    with pytest.raises(InputError, match=message):
        check_mode(mode, device, task)
    check_mode("eager", device, task)
