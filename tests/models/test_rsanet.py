"""The RSA operator is the formula of its specification, worked out place by place, and sits in the blocks it should."""

import pytest
import torch
from nets import scramble
from torch import Tensor, nn

from vidbench.catalog import find_variant
from vidbench.models.layers import StochasticDepth
from vidbench.models.rsanet import FAMILY, Config, RelationalSelfAttention, RSANet

SMALL = {"depths": (1, 1, 1, 1), "relational": ((0,), (), (), ()), "classes": 5}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def unit(v: Tensor) -> Tensor:
    return v / torch.sqrt((v**2).sum() + 1e-6)


def relate_by_loops(rsa: RelationalSelfAttention, x_CTHW: Tensor) -> Tensor:
    """Of one clip, place by place and channel by channel."""
    channels, *clip = x_CTHW.shape
    d = channels // 8
    z = torch.einsum("oc,cthw->othw", rsa.project.weight.flatten(1), x_CTHW)
    places = [(t, h, w) for t in range(clip[0]) for h in range(clip[1]) for w in range(clip[2])]
    key, value = torch.zeros(d, *clip), torch.zeros(d, *clip)
    for place in places:
        key[:, *place], value[:, *place] = unit(z[8 * d : 9 * d, *place]), unit(z[9 * d :, *place])
    padded_key, padded_value = (nn.functional.pad(y, (3, 3, 3, 3, 2, 2)) for y in (key, value))
    out = torch.empty(channels, *clip)
    for t, h, w in places:
        window = (slice(t, t + 5), slice(h, h + 7), slice(w, w + 7))
        queries = torch.stack([unit(z[head * d : (head + 1) * d, t, h, w]) for head in range(8)])
        k, a, b = torch.empty(d, d), torch.empty(d, d), torch.empty(d, d)
        for c in range(d):
            for e in range(d):
                k[c, e] = (padded_key[c, *window] * rsa.key_filters[c * d + e, 0]).sum() + rsa.position[c, e]
                a[c, e] = (padded_value[c, *window] * rsa.value_filters[e, 0]).sum()
                b[c, e] = (padded_value[c, *window] * rsa.context_filters[e, 0]).sum() + rsa.identity[c, e]
        kernel = torch.einsum("hi,ie->he", queries, k)
        feature = torch.einsum("cv,ce->ve", b, a)
        out[:, t, h, w] = torch.einsum("he,ve->vh", kernel, feature).flatten()
    return out


@torch.no_grad()
def test_the_operator_by_its_formulas():
    """Two clips of three frames, each place on its own: queries head-major, outputs with the head last."""
    rsa = scramble(RelationalSelfAttention(16))
    x_BCTHW = torch.randn(2, 16, 3, 4, 3)
    expected = torch.stack([relate_by_loops(rsa, x_CTHW) for x_CTHW in x_BCTHW])
    torch.testing.assert_close(rsa(x_BCTHW), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_the_start():
    """I is the identity, and the filters spread as the authors' do: by their fan-out, or over the window."""
    rsa = RelationalSelfAttention(64)
    assert torch.equal(rsa.identity, torch.eye(8))
    assert float(rsa.position.detach().std()) == pytest.approx((245 * 8) ** -0.5, rel=0.3)
    assert float(rsa.key_filters.detach().std()) == pytest.approx((2 / (64 * 245)) ** 0.5, rel=0.05)


def test_where_it_stands():
    """One block in the first stage, two, three and one in the others, none of them strided; branches drop linearly."""
    with torch.device("meta"):
        net = FAMILY.build(find_variant("rsanet").config, classes=5, frames=8, size=224)
    found = [name for name, module in net.named_modules() if isinstance(module, RelationalSelfAttention)]
    places = [(0, 2), (1, 1), (1, 3), (2, 1), (2, 3), (2, 5), (3, 1)]
    assert found == [f"stages.{stage}.{block}.filter.relate" for stage, block in places]
    rates = [module.rate for module in net.modules() if isinstance(module, StochasticDepth)]
    assert rates == pytest.approx([0.2 * i / 15 for i in range(16)])


def small_net() -> RSANet:
    return scramble(RSANet(Config(**SMALL)))


def test_every_parameter_is_used():
    """Each gets a gradient; the clip is left alone."""
    net = small_net().train()
    for module in net.modules():
        if isinstance(module, StochasticDepth):
            module.rate = 0
    clip = torch.randn(2, 3, 3, 32, 32)
    before = clip.clone()
    net(clip).square().sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []
    assert torch.equal(clip, before)


def test_clips_do_not_mix_and_frames_have_an_order():
    """Each clip of a batch has its own logits, of one frame or oblong ones, too; backwards they are others."""
    net = small_net()
    with torch.inference_mode():
        for frames, height, width in ((1, 32, 32), (6, 40, 67)):
            clips = torch.randn(2, 3, frames, height, width)
            together, apart = net(clips), torch.cat([net(clip) for clip in clips.split(1)])
            torch.testing.assert_close(together, apart, rtol=1e-5, atol=1e-5 * float(apart.abs().max()))
        assert not torch.allclose(net(clips.flip(2)), together, rtol=1e-4)
