"""Training costs what its three passes cost: forward, gradients of inputs, gradients of weights."""

import pytest
import torch
from torch import nn

from vidbench import build, count


def forward_macs(net: nn.Module, clip: torch.Tensor) -> dict[str, int]:
    """Of each convolution and linear layer, by arithmetic on the shapes that it gets and gives."""
    found: dict[str, int] = {}

    def note(path: str):
        def hook(module: nn.Module, _inputs: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
            if isinstance(module, nn.Linear):
                each = module.in_features
            else:
                each = module.in_channels // module.groups
                for side in module.kernel_size:
                    each *= side
            found[path] = found.get(path, 0) + out.numel() * each

        return hook

    layers = [(path, m) for path, m in net.named_modules() if isinstance(m, nn.Conv2d | nn.Conv3d | nn.Linear)]
    hooks = [module.register_forward_hook(note(path)) for path, module in layers]
    net(clip)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize(("name", "frames"), [("x3d-m", 16), ("csn-101", 32), ("slow-8x8-r50", 8)])
def test_training_is_three_passes(name: str, frames: int):
    """Each layer costs three times its forward pass, but the first, for the clip needs no gradient."""
    with torch.device("meta"):
        net, clip = build(name), torch.empty(1, 3, frames, 224, 224)
    forward = forward_macs(net, clip)
    first = next(iter(forward))
    expected = 3 * sum(forward.values()) - forward[first]
    counted = count(net, clip, train=True)
    assert counted.macs == expected
    assert sum(call.macs for call in counted.calls if not call.backward) == sum(forward.values())
    if name == "x3d-m":
        assert expected == 14_067_350_016  # 16 x 224; torch's own counter gives 116.7 G (shared/peers.md, section 3)


@pytest.mark.parametrize("groups", [1, 4, 16])
@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("needs_input_gradient", [False, True])
def test_grouped_convolutions(groups: int, device: str, *, needs_input_gradient: bool):
    with torch.device(device):
        net = nn.Conv3d(16, 16, 3, padding=1, groups=groups, bias=False)
        clip = torch.ones(2, 16, 4, 6, 6, requires_grad=needs_input_gradient)
    forward = 2 * 16 * 144 * (16 // groups) * 27
    assert count(net, clip, train=True).macs == forward * (3 if needs_input_gradient else 2)
