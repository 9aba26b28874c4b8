"""TAdaConvNeXt is what its formulas say, worked out here frame by frame and tap by tap."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from vidbench.models.tada import ContextRoute
from vidbench.models.tadaconvnext import Block, Config, TAdaConvNeXt

SMALL = Config(depths=(1, 1, 2, 1), widths=(8, 12, 16, 24), drop=0.5, classes=5)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def shaken(module: nn.Module) -> nn.Module:
    """The module in eval mode and double precision, with every parameter off its special start."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) / 3)
    return module.eval().double()


@pytest.fixture(scope="module")
def net() -> nn.Module:
    torch.manual_seed(1)
    return shaken(TAdaConvNeXt(SMALL))


def normed(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    """Each place's channels, the first axis, less their mean and over their deviation."""
    mean, variance = x.mean(0), x.var(0, unbiased=False)
    rest = (1,) * (x.dim() - 1)
    return (x - mean) / (variance + 1e-6).sqrt() * norm.weight.view(-1, *rest) + norm.bias.view(-1, *rest)


def three_taps(x_CT: Tensor, conv: nn.Module) -> Tensor:
    """The frame before, the frame and the frame after, as far as there are any."""
    out = []
    for t in range(x_CT.shape[1]):
        taps = [conv.weight[:, :, k] @ x_CT[:, t + k - 1] for k in range(3) if 0 <= t + k - 1 < x_CT.shape[1]]
        out.append(sum(taps) + (0 if conv.bias is None else conv.bias))
    return torch.stack(out, 1)


def route_scales(x_CTHW: Tensor, route: ContextRoute) -> tuple[Tensor, Tensor]:
    context_C = route.context.weight @ x_CTHW.mean((1, 2, 3)) + route.context.bias
    h_DT = three_taps(x_CTHW.mean((2, 3)) + context_C[:, None], route.squeeze)
    h_DT = normed(h_DT, route.norm)
    h_DT = h_DT * (1 + torch.erf(h_DT / 2**0.5)) / 2
    return three_taps(h_DT, route.scales.weights) + 1, three_taps(h_DT, route.scales.biases) + 1


def pass_block(x_CTHW: Tensor, block: Block) -> Tensor:
    weights_CT, biases_CT = route_scales(x_CTHW, block.filter.route)
    filtered = [
        functional.conv2d(
            x_CTHW[:, t], block.filter.weight * weights_CT[:, t].view(-1, 1, 1, 1),
            block.filter.bias * biases_CT[:, t], padding=3, groups=len(x_CTHW),
        )
        for t in range(x_CTHW.shape[1])
    ]  # fmt: skip
    y = normed(torch.stack(filtered, 1), block.norm)
    y = torch.einsum("dc,cthw->dthw", block.mlp.widen.weight, y) + block.mlp.widen.bias.view(-1, 1, 1, 1)
    y = y * (1 + torch.erf(y / 2**0.5)) / 2
    y = torch.einsum("cd,dthw->cthw", block.mlp.narrow.weight, y) + block.mlp.narrow.bias.view(-1, 1, 1, 1)
    return x_CTHW + block.gamma.view(-1, 1, 1, 1) * y


def pass_net(x_CTHW: Tensor, net: nn.Module) -> Tensor:
    stem, *rest = net.features
    x_CTHW = functional.conv3d(x_CTHW, stem.conv.weight, stem.conv.bias, (2, 4, 4), (1, 0, 0))
    x_CTHW = normed(x_CTHW, stem.norm)
    for module in rest:
        if isinstance(module, Block):
            x_CTHW = pass_block(x_CTHW, module)
        else:
            kernel = module.conv.weight.unsqueeze(2)
            x_CTHW = functional.conv3d(normed(x_CTHW, module.norm), kernel, module.conv.bias, (1, 2, 2))
    return net.classifier.weight @ normed(x_CTHW.mean((1, 2, 3)), net.norm) + net.classifier.bias


@pytest.mark.parametrize(("frames", "height", "width"), [(1, 32, 32), (5, 45, 70), (6, 64, 33)])
def test_formulas(net, frames, height, width):
    """The net gives each clip of a batch the logits of the formulas; any number of frames goes, any size from 32."""
    clips = torch.randn(2, 3, frames, height, width, dtype=torch.double)
    with torch.inference_mode():
        torch.testing.assert_close(net(clips), torch.stack([pass_net(clip, net) for clip in clips]))


def test_the_order_of_frames_counts(net):
    """Played backwards a clip is another one."""
    clip = torch.randn(1, 3, 6, 32, 32, dtype=torch.double)
    with torch.inference_mode():
        assert (net(clip) - net(clip.flip(2))).abs().max() > 1e-3


def test_training_starts_at_convnext():
    """Scales are one at first, whatever the frames hold."""
    weights_BTC, biases_BTC = ContextRoute(16)(torch.randn(2, 4, 16))
    assert torch.equal(weights_BTC, torch.ones(2, 4, 16))
    assert torch.equal(biases_BTC, torch.ones(2, 4, 16))


def test_every_parameter_is_trained(net):
    """A gradient reaches every tensor."""
    net.zero_grad()
    net(torch.randn(1, 3, 4, 32, 32, dtype=torch.double)).square().sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []
