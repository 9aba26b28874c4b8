"""EAN's parts do what their formulas say, tensor by tensor; its clips are of one length and size."""

import pytest
import torch
from nets import normed, scramble
from torch import Tensor, nn
from torch.nn import functional

import vidbench
from vidbench.errors import InputError
from vidbench.models.ean import (
    EAN,
    Config,
    EventAdaptive,
    LatentMotion,
    MotionFilter,
    SparseTransformer,
    TokenLayer,
    stacked_differences,
    take_differences,
)
from vidbench.models.motion import MotionExcitation


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def close(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


def test_differences_stay_in_their_segment():
    """Of two segments of five frames four differences each, of pixels 0, 2, 4, ..., as nearest resizing takes them."""
    x_BCTHW = torch.randn(2, 3, 10, 8, 6)
    d_FCJHW = take_differences(x_BCTHW)
    for n, segment, j in ((0, 0, 0), (0, 0, 3), (1, 1, 2)):
        frames = functional.interpolate(x_BCTHW[n].transpose(0, 1), scale_factor=0.5)
        assert torch.equal(d_FCJHW[2 * n + segment, :, j], frames[5 * segment + j + 1] - frames[5 * segment + j])


@pytest.mark.parametrize("deep", [False, True])
@torch.no_grad()
def test_latent_motion_by_its_formulas(deep):
    """A patch's channels are row, column, colour; a code's are row, column, channel; times follow channels."""
    latent = scramble(LatentMotion(deep=deep))
    d_FCJHW = torch.randn(2, 3, 4, 48, 32)
    codes = torch.empty(2, 768, 4, 3, 2)
    for row in range(16):
        for column in range(16):
            for rgb in range(3):
                codes[:, (row * 16 + column) * 3 + rgb] = d_FCJHW[:, rgb, :, row::16, column::16]
    embed, refine, again, unfold = latent.embed, latent.refine, latent.refine_again, latent.unfold
    y = functional.conv3d(codes, embed[0].weight)
    if deep:
        y = functional.conv3d(normed(y, embed[1]).relu(), embed[3].weight)
    m = normed(functional.conv3d(y, refine[0].weight, padding=1, groups=16), refine[1]).relu()
    y = y + normed(functional.conv3d(m, refine[3].weight), refine[4])
    y = y + normed(functional.conv3d(y, again[0].weight, padding=1, groups=16), again[1])
    if deep:
        y = normed(functional.conv3d(y, unfold[0].weight), unfold[1]).relu()
    y = functional.conv3d(y, unfold[-1].weight)
    expected = torch.empty(2, 64, 24, 16)
    for k in range(16):
        for time in range(4):
            for r in range(8):
                for c in range(8):
                    expected[:, k * 4 + time, r::8, c::8] = y[:, (r * 8 + c) * 16 + k, time]
    close(latent(d_FCJHW), expected)


@torch.no_grad()
def test_stacked_differences_by_their_formulas():
    """Its norms are behind the ReLUs; only the 1x1 has a bias."""
    stacked = scramble(stacked_differences())
    x = torch.randn(2, 12, 8, 6)
    y = functional.conv2d(x, stacked[0].weight, stride=2, padding=1).relu()
    y = functional.conv2d(normed(y, stacked[2]), stacked[3].weight, padding=1, groups=4).relu()
    y = functional.conv2d(normed(y, stacked[5]), stacked[6].weight, stacked[6].bias)
    close(stacked(x), functional.conv2d(y, stacked[7].weight, padding=1, groups=16))


@torch.no_grad()
def test_the_event_adaptive_block_by_its_formulas():
    """Filters of three sizes over time, the clip's matrix, filters of three sizes over space, and the pooled way."""
    block = scramble(EventAdaptive(64))
    nn.init.normal_(block.expand.weight)
    x = torch.randn(2, 64, 5, 6, 7)
    u = functional.conv3d(x, block.compress.weight.unsqueeze(2), groups=4)
    v = u
    modules = list(block.mixing.perceive)
    for i, (stride, padding) in enumerate([(1, 0), (1, 1), (1, 1), (2, 2), (1, 1), (1, 1), (2, 2)]):
        conv, norm = modules[3 * i], modules[3 * i + 1]
        v = normed(functional.conv3d(v, conv.weight, conv.bias, stride, padding), norm).relu()
    matrix = (v.mean((2, 3, 4)) @ block.mixing.matrix.weight.T + block.mixing.matrix.bias).view(2, 16, 16)
    pooled = functional.conv3d(functional.max_pool3d(u, 3, 1, 1), block.pooled.weight.unsqueeze(2))
    near, far = (conv.weight.unsqueeze(-1) for conv in (block.temporal.near, block.temporal.far))
    filtered = torch.cat([
        u[:, :5],
        functional.conv3d(u[:, 5:10], near, padding=(1, 0, 0)),
        functional.conv3d(u[:, 10:], far, padding=(2, 0, 0), dilation=(2, 1, 1)),
    ], 1)  # fmt: skip
    mixed = torch.einsum("noi,nithw->nothw", matrix, normed(filtered, block.norm).relu())
    near, far = (conv.weight.unsqueeze(2) for conv in (block.spatial.near, block.spatial.far))
    spatial = torch.cat([
        mixed[:, :5],
        functional.conv3d(mixed[:, 5:10], near, padding=(0, 1, 1)),
        functional.conv3d(mixed[:, 10:], far, padding=(0, 2, 2), dilation=(1, 2, 2)),
    ], 1)  # fmt: skip
    close(block(x), x + functional.conv3d(spatial + pooled, block.expand.weight.unsqueeze(2), groups=4))


@torch.no_grad()
def test_the_filter_of_a_block_by_its_formulas():
    """It excites, filters in time, then in space; at first an eighth of the channels each way is moved in time."""
    filtering = MotionFilter(16, 2)
    taps = filtering.temporal.conv.weight.flatten(1).tolist()
    assert taps == [[0, 0, 1]] * 2 + [[1, 0, 0]] * 2 + [[0, 1, 0]] * 12
    assert isinstance(filtering.excite, MotionExcitation)
    x = torch.randn(2, 16, 3, 6, 6)
    scramble(filtering)
    for n in range(2):
        excited = filtering.excite(x[n].transpose(0, 1), 3).transpose(0, 1)
        moved = functional.conv3d(excited, filtering.temporal.conv.weight.unsqueeze(-1), padding=(1, 0, 0), groups=16)
        filtered = functional.conv2d(moved.transpose(0, 1), filtering.spatial.conv.weight, stride=2, padding=1)
        close(filtering(x)[n].transpose(0, 1), normed(filtered, filtering.spatial.norm).relu())


@torch.no_grad()
def test_a_layer_of_the_transformer_by_its_formulas():
    """Queries, keys and values in this order, each head by head; the norms see every token of every clip alike."""
    layer = scramble(TokenLayer(32, 4))
    x = torch.randn(2, 6, 32)
    actual = layer(x)
    y = normed(x.transpose(1, 2), layer.norm).transpose(1, 2)
    q, k, v = (y @ w.T for w in layer.qkv.weight.split(32))
    mixed = torch.empty(2, 6, 32)
    for h in range(4):
        part = slice(8 * h, 8 * h + 8)
        scores = (q[..., part] @ k[..., part].transpose(1, 2) * 8**-0.5).softmax(2)
        mixed[..., part] = scores @ v[..., part]
    x = x + mixed @ layer.out.weight.T + layer.out.bias
    norm, *rest = layer.mlp
    y = normed(x.transpose(1, 2), norm).transpose(1, 2)
    for linear, after in ((rest[0], rest[1]), (rest[3], rest[4])):
        y = normed((y @ linear.weight.T + linear.bias).transpose(1, 2), after).transpose(1, 2).relu()
    close(actual, x + y @ rest[6].weight.T + rest[6].bias)


@torch.no_grad()
def test_tokens_are_picked_out_of_frames():
    """Places are numbered frame by frame; a token is a map's weighted mean of one frame, and maps go before frames."""
    head = scramble(SparseTransformer(64, 3, 2))
    x = torch.randn(2, 64, 3, 2, 2)
    z = functional.conv3d(x, head.squeeze.weight)
    s, paddings = z, [0, 1, (0, 1, 1), (0, 1, 1)]
    for conv, norm, padding in zip(head.score[::3], [*head.score[2::3], None], paddings, strict=True):
        s = functional.conv3d(s, conv.weight, conv.bias, padding=padding)
        s = s if norm is None else normed(s.relu(), norm)
    tokens = torch.empty(2, 12, 512)
    for m in range(4):
        for t in range(3):
            weights = s[:, m, t].flatten(1).softmax(1)
            placed = z[:, :, t].flatten(2) + head.position[:, 4 * t : 4 * t + 4]
            tokens[:, m * 3 + t] = (placed * weights[:, None]).sum(2)
    for layer in head.layers:
        tokens = layer(tokens)
    close(head(x), normed(tokens.mean(1) @ head.widen.weight.T, head.norm) + x.mean((2, 3, 4)))


SMALL = {"segments": 2, "depths": (1, 1, 1, 1), "size": 64, "classes": 5}
ENDS = ("weight", "bias")
UNUSED = {f"{path}unused.{end}" for path in ("", *(f"adaptive.{i}." for i in range(4))) for end in ENDS}


@pytest.fixture(scope="module")
def net() -> EAN:
    """A small net of the larger kind, filled; its tests leave it in eval mode."""
    torch.manual_seed(0)
    return scramble(EAN(Config(stacked=True, **SMALL)))


def test_every_parameter_is_used(net):
    """Each gets a gradient but for those that the authors run nowhere; the clip is left alone."""
    clip = torch.randn(2, 3, 10, 64, 64)
    before = clip.clone()
    net(clip).square().sum().backward()
    assert {name for name, p in net.named_parameters() if p.grad is None} == UNUSED
    assert torch.equal(clip, before)
    latent = LatentMotion()
    latent.train()(torch.randn(2, 3, 4, 32, 32)).square().sum().backward()
    unused = {"unused.0.weight", "unused.1.weight", "unused.1.bias"}
    assert {name for name, p in latent.named_parameters() if p.grad is None} == unused


def test_it_trains():
    """A transformer's layer and the head normalise over tokens and clips in training, so two clips are needed."""
    head = SparseTransformer(64, 3, 2).train()
    x = torch.randn(2, 64, 3, 2, 2)
    torch.testing.assert_close(head(x), x.mean((2, 3, 4)))  # the last norm starts at zero
    head(x).square().sum().backward()
    assert head.norm.weight.grad.any()
    with pytest.raises(InputError, match="two clips or more"):
        head(x[:1])


@torch.inference_mode()
def test_clips_do_not_mix_and_segments_have_an_order(net):
    """Each clip of a batch has its own logits; backwards they are others, and so are they without the motion."""
    clips = torch.randn(2, 3, 10, 64, 64)
    still = clips[:, :, 2::5].repeat_interleave(5, 2)
    together, apart = net(clips), torch.cat([net(clip) for clip in clips.split(1)])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-4 * float(apart.abs().max()))
    assert not torch.allclose(net(clips[:1].flip(2)), together[:1], rtol=1e-3)
    assert not torch.allclose(net(still[:1]), together[:1], rtol=1e-3)


@torch.inference_mode()
def test_how_motion_joins_the_stem(net):
    """The large net weighs three inputs; the small one adds its codes to the stem's maps."""
    x, d = torch.randn(2, 64, 16, 16), torch.randn(2, 3, 4, 32, 32)
    image = torch.stack([d[:, rgb, j] for rgb in range(3) for j in range(4)], 1)
    close(net._add_motion(x, d), 0.6 * x + 0.2 * net.motion(d) + 0.2 * net.stacked(image))
    with torch.device("meta"):
        small = EAN(Config(**SMALL))
    small.motion = scramble(LatentMotion())
    close(small._add_motion(x, d), x + small.motion(d))


def test_other_clips_are_refused(net):
    """Another length or size is refused with the reason, by the catalog and when called."""
    with pytest.raises(InputError, match=r"10 frames of 64 x 64 alone, not 5 frames of 64 x 64: segments of 5 raw"):
        net(torch.empty(1, 3, 5, 64, 64))
    with pytest.raises(InputError, match=r"ean-r50-8f cannot take 8 frames: segments of 5 .* it takes 40 alone"):
        vidbench.build("ean", frames=8)
    with pytest.raises(InputError, match=r"frames of 256 x 256: .* sizes of 224 alone"):
        vidbench.build("ean-r50-16f", size=256)
