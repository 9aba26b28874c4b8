"""Adaptive convolutions, routes and their parts do what the formulas say, tensor by tensor of one shape."""

import fingerprint
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

import vidbench
from vidbench.errors import InputError
from vidbench.models.layers import StochasticDepth
from vidbench.models.tada import (
    AdaptiveDepthwise,
    AttentiveRoute,
    LocalRoute,
    QuickGELU,
    TimeAttention,
    TimeConv,
    average_over_time,
)
from vidbench.models.tada2d import AdaptiveConv
from vidbench.models.tadaconvnextv2 import Config as ConvNeXtConfig
from vidbench.models.tadaconvnextv2 import TAdaConvNeXtV2
from vidbench.models.tadaformer import Adapter, TAdaFormer
from vidbench.models.tadaformer import Config as FormerConfig

SMALL_FORMER = FormerConfig(width=256, depth=2, heads=4, patch=16, filter_time=True, twice=True, size=48, classes=5)
SMALL_CONVNEXT = ConvNeXtConfig(depths=(1, 1, 1, 1), widths=(8, 16, 16, 32), head_width=4, drop=0.5, classes=5)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def shake(module):
    """The module in eval mode, with every parameter off its special start."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) / 4)
    return module.eval()


def test_each_frame_has_its_own_depthwise_filters():
    """Scaling what comes out is convolving each frame with its scaled weight and its scaled bias."""
    conv = shake(AdaptiveDepthwise(8, 7, AttentiveRoute(8, 2, from_one=True)))
    x_BTHWC = torch.randn(2, 3, 9, 10, 8)
    weight_scales, bias_scales = conv.route(x_BTHWC.mean((2, 3)))
    y_BTHWC = conv(x_BTHWC)
    for n, t in ((0, 0), (1, 2)):
        weight = conv.weight * weight_scales[n, t].view(8, 1, 1, 1)
        expected = functional.conv2d(x_BTHWC[n, t].permute(2, 0, 1), weight, conv.bias * bias_scales[n, t], 1, 3, 1, 8)
        torch.testing.assert_close(y_BTHWC[n, t].permute(2, 0, 1), expected)


def test_each_frame_has_its_own_full_filters():
    """Scaling what goes in is convolving each frame with weights scaled along their input channels."""
    conv = shake(AdaptiveConv(8, 2))
    x_BTCHW = torch.randn(2, 3, 8, 9, 10)
    scales = conv.route(x_BTCHW.mean((3, 4)))
    y_BTCHW = conv(x_BTCHW)
    for n, t in ((0, 0), (1, 2)):
        expected = functional.conv2d(x_BTCHW[n, t], conv.conv.weight * scales[n, t].view(1, 8, 1, 1), None, 2, 1)
        torch.testing.assert_close(y_BTCHW[n, t], expected)


def test_average_over_time_divides_by_three_at_the_ends_too():
    """It is the 3D average pool that counts its padding."""
    x_BTNM = torch.randn(2, 5, 4, 6)
    expected = functional.avg_pool3d(x_BTNM.unsqueeze(1), (3, 1, 1), 1, (1, 0, 0))[:, 0]
    torch.testing.assert_close(average_over_time(x_BTNM), expected)


@pytest.mark.parametrize("bias", [True, False])
def test_time_conv_is_a_convolution(bias):
    """A matrix product of three taps is the 1D convolution with its weight and bias, in values and in MACs."""
    ours, conv = TimeConv(6, 4, bias=bias), nn.Conv1d(6, 4, 3, padding=1, bias=bias)
    conv.load_state_dict(ours.state_dict())
    x_BTC = torch.randn(2, 5, 6)
    torch.testing.assert_close(ours(x_BTC), conv(x_BTC.transpose(1, 2)).transpose(1, 2))
    assert vidbench.count(ours, x_BTC).macs == vidbench.count(conv, x_BTC.transpose(1, 2)).macs


def test_time_attention_packs_heads_last_and_unpacks_them_first():
    """Channel d * heads + h goes into place d of head h; place d of head h comes out as channel h * width + d."""
    heads, width, frames = 3, 2, 4
    attention = shake(TimeAttention(heads * width, width))
    x_BTC = torch.randn(1, frames, heads * width)
    q, k, v = attention.qkv(x_BTC)[0].chunk(3, 1)
    mixed = torch.empty(frames, heads * width)
    for h in range(heads):
        scores = q[:, h::heads] @ k[:, h::heads].T * (heads * width) ** -0.5
        mixed[:, h * width : (h + 1) * width] = scores.softmax(1) @ v[:, h::heads]
    torch.testing.assert_close(attention(x_BTC)[0], attention.out(mixed))


def test_training_starts_at_the_ordinary_net():
    """Scales start at one, averages over time and adapters at nothing."""
    means_BTC = torch.randn(2, 4, 8)
    ones = torch.ones_like(means_BTC)
    assert torch.equal(LocalRoute(8).eval()(means_BTC), ones)
    assert all(torch.equal(scales, ones) for scales in AttentiveRoute(8, 2, from_one=True)(means_BTC))
    x_BTND = torch.randn(1, 3, 9, 256)
    assert torch.equal(Adapter(256, 3, filter_time=False).eval()(x_BTND), torch.zeros_like(x_BTND))


def test_quick_gelu():
    """It is x * sigmoid(1.702 x), and so is its gradient."""
    x = torch.linspace(-40, 40, 801, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(QuickGELU()(x), x * torch.sigmoid(1.702 * x))
    assert torch.autograd.gradcheck(QuickGELU(), x[::50].detach().requires_grad_())


def test_stochastic_depth():
    """In training whole clips are left out and the others scaled up; in evaluation nothing happens."""
    drop, x = StochasticDepth(0.75), torch.ones(4000, 2, 3)
    y = drop(x)
    assert set(y.unique().tolist()) == {0.0, 4.0}
    assert torch.equal(y, y[:, :1, :1].expand_as(y))
    assert y.mean().item() == pytest.approx(1, abs=0.1)
    assert torch.equal(drop.eval()(x), x)


@pytest.mark.parametrize("net", [TAdaFormer(SMALL_FORMER), TAdaConvNeXtV2(SMALL_CONVNEXT)], ids=["former", "convnext"])
@pytest.mark.parametrize("train", [False, True])
def test_attention_is_counted_whatever_computes_it(net, train):
    """Fused on this device, in single products, or on meta tensors: the same MACs, and nothing unknown beside them."""
    clip = vidbench.Clip(frames=6, size=48)
    plain = vidbench.count(net, clip, train=train)
    with sdpa_kernel(SDPBackend.MATH):
        unfused = vidbench.count(net, clip, train=train)
    meta = vidbench.count(net.to("meta"), clip, train=train)
    net.to_empty(device="cpu")
    assert (unfused.macs, meta.macs) == (plain.macs, plain.macs)
    assert plain.unknown == unfused.unknown == meta.unknown == ()


@pytest.mark.parametrize(("name", "gain"), [("tada2d-r50", 0.6), ("tadaconvnextv2-t", 1)])
def test_any_clip_on_its_own(name, gain):
    """Odd frame counts and oblong frames go through, and the clips of a batch do not touch each other."""
    net = fingerprint.fill(vidbench.build(name, classes=7), gain)
    clips = torch.randn(2, 3, 5, 40, 67)
    with torch.inference_mode():
        logits, single = net(clips), torch.cat([net(clip[None]) for clip in clips])
    assert torch.isfinite(logits).all()
    torch.testing.assert_close(logits, single, rtol=1e-4, atol=1e-4 * single.abs().max().item())


def test_a_former_takes_one_size():
    """Its position embedding is for one size; the message says which."""
    with pytest.raises(InputError, match="48 x 48 alone, not 48 x 64"):
        TAdaFormer(SMALL_FORMER)(torch.empty(1, 3, 6, 48, 64))
