"""TimeSformer's attention, divided and whole, does what the formulas say, token by token and head by head."""

import math

import pytest
import torch

import vidbench
from vidbench.errors import InputError
from vidbench.models.layers import StochasticDepth
from vidbench.models.timesformer import Config, TimeSformer

WIDTH, HEADS, PATCH, FRAMES, SIDE = 8, 2, 4, 3, 4
SIZES = {"width": WIDTH, "depth": 2, "heads": HEADS, "patch": PATCH, "frames": FRAMES, "size": SIDE * PATCH + 1}
FORMS = {
    "divided": {},
    "joint": {"divided": False},
    "space": {"divided": False, "over_time": False},
}


def make(form, **changes):
    """A tiny net of that form whose parameters are all different, and all off their start."""
    torch.manual_seed(0)
    net = TimeSformer(Config(**{**SIZES, **FORMS[form], "classes": 5, **changes})).double().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn_like(parameter) / 2)
    return net


def clips(frames, height, width, batch=2):
    return torch.randn(batch, 3, frames, height, width, dtype=torch.float64)


def linear(x, layer):
    return x @ layer.weight.T + layer.bias


def normalise(x, norm):
    mean = x.mean(-1, keepdim=True)
    deviation = (((x - mean) ** 2).mean(-1, keepdim=True) + 1e-6) ** 0.5
    return (x - mean) / deviation * norm.weight + norm.bias


def attend(x_ND, attention):
    """softmax(q k / sqrt(d)) v, head by head and query by query."""
    packed = linear(normalise(x_ND, attention.norm), attention.qkv)
    d = WIDTH // HEADS
    mixed = torch.zeros_like(x_ND)
    for head in range(HEADS):
        q, k, v = (packed[:, part * WIDTH + head * d : part * WIDTH + (head + 1) * d] for part in range(3))
        for i in range(len(x_ND)):
            weights = torch.stack([(q[i] * key).sum() / math.sqrt(d) for key in k]).exp()
            mixed[i, head * d : (head + 1) * d] = (weights / weights.sum()) @ v
    return linear(mixed, attention.out)


def expand_each(x_ND, block):
    hidden = linear(normalise(x_ND, block.mlp.norm), block.mlp.widen)
    return x_ND + linear(hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2, block.mlp.narrow)


def embed(net, clip_CTHW):
    """The class token, and patches by frame and place."""
    embedding, (_, frames, height, width) = net.embedding, clip_CTHW.shape
    rows, columns = height // PATCH, width // PATCH
    patches = torch.zeros(frames, rows * columns, WIDTH, dtype=torch.float64)
    for t in range(frames):
        for i in range(rows):
            for j in range(columns):
                pixels = clip_CTHW[:, t, i * PATCH : (i + 1) * PATCH, j * PATCH : (j + 1) * PATCH]
                place = i * columns + j
                near = place if rows * columns == SIDE**2 else i * SIDE // rows * SIDE + j * SIDE // columns
                patches[t, place] = (embedding.conv.weight * pixels).sum((1, 2, 3)) + embedding.conv.bias
                patches[t, place] += embedding.places[1 + near]
                if embedding.times is not None:
                    patches[t, place] += embedding.times[t * FRAMES // frames]
    return embedding.class_token + embedding.places[0], patches


def divide(block, token, patches):
    """Over time without the class token, over space with its start in every frame, whose ends are averaged."""
    later = patches.clone()
    for place in range(patches.shape[1]):
        later[:, place] += linear(attend(patches[:, place], block.time.attention), block.time.fit)
    ends = []
    for t in range(len(patches)):
        end, *rest = attend(torch.cat([token[None], later[t]]), block.space)
        ends.append(end)
        later[t] += torch.stack(rest)
    token = token + sum(ends) / len(ends)
    return expand_each(token, block), expand_each(later, block)


def mix(block, tokens):
    return expand_each(tokens + attend(tokens, block.attention), block)


def by_hand(net, clip_CTHW, form):
    token, patches = embed(net, clip_CTHW)
    if form == "divided":
        for block in net.blocks:
            token, patches = divide(block, token, patches)
    else:
        frames = [patches.flatten(0, 1)] if form == "joint" else list(patches)
        frames = [torch.cat([token[None], frame]) for frame in frames]
        for block in net.blocks:
            frames = [mix(block, tokens) for tokens in frames]
        token = torch.stack(frames).mean(0)[0]
    return linear(normalise(token, net.norm), net.classifier)


CLIPS = {
    "built-for": (FRAMES, 16, 16),
    "longer-wider": (4, 14, 25),
    "shorter-lower": (2, 4, 12),
    "as-many-patches": (4, 8, 32),
}


@pytest.mark.parametrize("clip", CLIPS.values(), ids=CLIPS)
@pytest.mark.parametrize("form", FORMS)
@torch.no_grad()
def test_logits_by_hand(form, clip):
    """Each form gives the logits of the formulas, on its own clip and on others, and leaves the clips alone."""
    net, x_BCTHW = make(form), clips(*clip)
    before = x_BCTHW.clone()
    logits = net(x_BCTHW)
    torch.testing.assert_close(logits, torch.stack([by_hand(net, x_CTHW, form) for x_CTHW in x_BCTHW]))
    torch.testing.assert_close(logits, torch.cat([net(x_CTHW[None]) for x_CTHW in x_BCTHW]))
    assert torch.equal(x_BCTHW, before)


@pytest.mark.parametrize("form", FORMS)
@torch.no_grad()
def test_order_of_frames(form):
    """A net that attends to each frame alone does not see their order; the others do."""
    net, x_BCTHW = make(form), clips(FRAMES, 16, 16)
    logits, backwards = net(x_BCTHW), net(x_BCTHW.flip(2))
    assert torch.allclose(logits, backwards, rtol=1e-9, atol=1e-9) == (form == "space")


@pytest.mark.parametrize("form", FORMS)
def test_training(form):
    """In training, where branches are dropped, every parameter has a gradient."""
    net = make(form).train()
    net(clips(5, 16, 20, batch=4)).square().sum().backward()
    assert {name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()} == set()


def test_start():
    """Training starts without positions in time and, but for the first block, without attention over time."""
    torch.manual_seed(0)
    net = TimeSformer(Config(**{**SIZES, "depth": 3, "width": 64}))
    assert not net.embedding.times.any()
    assert [bool(block.time.fit.weight.any()) for block in net.blocks] == [True, False, False]
    assert not any(p.any() for name, p in net.named_parameters() if name.endswith("bias") and "conv" not in name)
    for weight in (net.blocks[0].time.fit.weight, net.blocks[2].space.qkv.weight, net.embedding.places):
        assert weight.std().item() == pytest.approx(0.02, rel=0.1)


@pytest.mark.parametrize(("form", "branches"), [("divided", 3), ("joint", 2)])
def test_stochastic_depth_grows_from_block_to_block(form, branches):
    """Nothing is dropped in the first block, a tenth in the last, of each branch alike."""
    net = TimeSformer(Config(**{**SIZES, **FORMS[form], "depth": 3}))
    rates = [[m.rate for m in block.modules() if isinstance(m, StochasticDepth)] for block in net.blocks]
    assert rates == [[0] * branches, [0.05] * branches, [0.1] * branches]


@pytest.mark.parametrize(("height", "width"), [(3, 8), (8, 7)])
def test_frames_too_small(height, width):
    """A frame without two columns of patches is refused with the reason; one of two patches is taken."""
    net = make("divided")
    with pytest.raises(InputError, match=f"from 4 x 8 .* not {height} x {width}: it needs two columns of patches"):
        net(clips(1, height, width))
    assert net(clips(1, 4, 8)).shape == (2, 5)


def test_one_net_takes_any_clip():
    """Built for its default clip, it takes others; built for others, its tables are as long as these."""
    with torch.device("meta"):
        net = vidbench.build("timesformer-base", classes=7)
        assert net(torch.empty(1, 3, 5, 100, 64)).shape == (1, 7)
        other = vidbench.build("timesformer-base", frames=5, size=100)
    assert (len(other.embedding.times), len(other.embedding.places)) == (5, 1 + 6 * 6)


def test_command_line(vidbench):
    """Frames without two columns of patches are refused before anything is built."""
    done = vidbench("profile", "timesformer-base", "--size", "16", "--device", "meta")
    assert done.code == 2
    assert "it needs two columns of patches" in done.err
