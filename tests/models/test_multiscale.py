"""MViT and MViTv2 are their formulae, with other weights in every tensor, and take the clip that they are built for."""

import itertools

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

import vidbench
from vidbench.catalog import families, variants
from vidbench.errors import InputError
from vidbench.models import mvit, mvitv2
from vidbench.models.imported import load_architecture
from vidbench.models.layers import StochasticDepth
from vidbench.models.multiscale import Config, plan_blocks

SMALL = {"depth": 5, "width": 8, "heads": 2, "strided": (1, 2, 3), "drop": 0.4, "frames": 4, "size": 36, "classes": 5}
# Of each block of such a net: heads, the stride of queries, that of keys and values, H and W as given and by reckoning.
BLOCKS = ((2, 1, 8, 9, 9), (4, 2, 4, 9, 9), (8, 2, 2, 5, 4), (16, 2, 1, 3, 2), (16, 1, 1, 2, 1))
FORMS = {
    "v1": (mvit.MViT, mvit.Config(**SMALL)),
    "v1-d24": (mvit.MViT, mvit.Config(**SMALL, kernels_follow_strides=True)),
    "v2": (mvitv2.MViTv2, Config(**SMALL)),
}


@pytest.fixture(params=FORMS.values(), ids=FORMS)
def form(request):
    """The class of a net and a small configuration of it."""
    return request.param


@pytest.fixture
def net(form):
    """A small net in float64 and eval mode, with every parameter off its start."""
    torch.manual_seed(0)
    architecture, config = form
    made = architecture(config).double().eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter) / 3)
    return made


@pytest.fixture
def clips():
    return torch.randn(2, 3, 4, 36, 36, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def linear(weights, name, x):
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def norm(weights, name, x):
    x = x - x.mean(-1, keepdim=True)
    return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def shifts(maps_THWC, kernel, stride, fill):
    """The map under each place of a filter: offsets in time, height, width, and what lies there, (T, H', W', C)."""
    (frames, height, width, _), (k_time, k_space, _) = maps_THWC.shape, kernel
    t, s = k_time // 2, k_space // 2
    around = torch.nn.functional.pad(maps_THWC, (0, 0, s, s, s, s, t, t), value=fill)
    for a, b, c in itertools.product(*map(range, kernel)):
        yield (a, b, c), around[a : a + frames, b : b + height : stride, c : c + width : stride]


def pool(weights, name, x_ND, grid, stride):
    """Depthwise, behind the class token; the norm takes all."""
    filters = weights[f"{name}.conv.weight"]
    maps = x_ND[1:].reshape(*grid, -1)
    filtered = sum(filters[:, 0, a, b, c] * m for (a, b, c), m in shifts(maps, filters.shape[2:], stride, 0.0))
    return norm(weights, f"{name}.norm", torch.cat([x_ND[:1], filtered.flatten(0, 2)]))


def resized(table, rows):
    """Rows by linear interpolation between the centres of pixels."""
    made = []
    for i in range(rows):
        at = min(max((i + 0.5) * len(table) / rows - 0.5, 0), len(table) - 1)
        low, high = int(at), min(int(at) + 1, len(table) - 1)
        made.append(table[low] * (1 - at + low) + table[high] * (at - low))
    return torch.stack(made)


def row(i, j, queries, keys):
    """The row of query i and key j, in float32."""
    rq, rk = np.float32(max(keys / queries, 1)), np.float32(max(queries / keys, 1))
    return int((np.float32(i) * rq - np.float32(j) * rk) + np.float32((keys - 1) * max(queries / keys, 1)))


def relative(weights, name, r_LD, queries, keys):
    """Each query's product with the rows of each key, one by one: (Lq, Lk)."""
    tables = [weights[f"{name}.{axis}.table"] for axis in ("time", "height", "width")]
    rows = [resized(table, 2 * max(q, k) - 1) for table, q, k in zip(tables, queries, keys, strict=True)]
    out = torch.empty(len(r_LD), np.prod(keys), dtype=r_LD.dtype)
    for n, places in enumerate(itertools.product(*map(range, queries))):
        for m, others in enumerate(itertools.product(*map(range, keys))):
            here = zip(rows, places, others, queries, keys, strict=True)
            out[n, m] = r_LD[n] @ sum(table[row(i, j, q, k)] for table, i, j, q, k in here)
    return out


def attend(weights, name, u_NC, grid, block):
    """Attention of one clip, head by head."""
    heads, stride, kv_stride, *_ = block
    triples = linear(weights, f"{name}.qkv", u_NC).view(len(u_NC), 3, heads, -1)
    queries, keys = ((grid[0], -(-grid[1] // s), -(-grid[2] // s)) for s in (stride, kv_stride))
    taken = []
    for h in range(heads):
        q, k, v = (
            pool(weights, f"{name}.pool_{one}", triples[:, i, h], grid, s)
            if f"{name}.pool_{one}.conv.weight" in weights
            else triples[:, i, h]
            for i, (one, s) in enumerate((("q", stride), ("k", kv_stride), ("v", kv_stride)))
        )
        scores = q * q.shape[1] ** -0.5 @ k.T
        if f"{name}.positions.time.table" in weights:
            scores[1:, 1:] += relative(weights, f"{name}.positions", q[1:], queries, keys)
        y = scores.softmax(1) @ v
        if f"{name}.positions.time.table" in weights:
            y[1:] += q[1:]
        taken.append(y)
    return linear(weights, f"{name}.out", torch.cat(taken, 1))


def skip_pool(x_NC, grid):
    maps = [m for _, m in shifts(x_NC[1:].reshape(*grid, -1), (1, 3, 3), 2, -torch.inf)]
    return torch.cat([x_NC[:1], torch.stack(maps).amax(0).flatten(0, 2)])


def mlp(weights, name, x):
    return linear(weights, f"{name}.narrow", torch.nn.functional.gelu(linear(weights, f"{name}.widen", x)))


def formulae(weights, clip):
    """The logits of one clip; `weights` tell which of the nets it is."""
    first = "positions.spatial" in weights
    x = torch.nn.functional.conv3d(clip, weights["stem.conv.weight"], weights["stem.conv.bias"], (2, 4, 4), (1, 3, 3))
    x = torch.cat([weights["stem.class_token"][None], x.flatten(1).T])
    if first:
        x[0] += weights["positions.class_position"]
        for n, (t, h, w) in enumerate(itertools.product(range(2), range(9), range(9))):
            x[1 + n] += weights["positions.spatial"][9 * h + w] + weights["positions.temporal"][t]
    for i, block in enumerate(BLOCKS):
        name, grid = f"blocks.{i}", (2, block[3], block[3])
        u = norm(weights, f"{name}.attention_norm", x)
        widen = f"{name}.widen.weight" in weights
        kept = linear(weights, f"{name}.widen", u) if widen and not first else x
        kept = skip_pool(kept, grid) if block[1] > 1 else kept
        x = kept + attend(weights, f"{name}.attention", u, grid, block)
        u = norm(weights, f"{name}.mlp_norm", x)
        x = (linear(weights, f"{name}.widen", u) if widen and first else x) + mlp(weights, f"{name}.mlp", u)
    return linear(weights, "classifier", norm(weights, "norm", x)[0])


@torch.no_grad()
def test_formulae(net, clips):
    """Each clip's logits are what the formulae give, worked out place by place."""
    expected = torch.stack([formulae(dict(net.named_parameters()), clip) for clip in clips])
    torch.testing.assert_close(net(clips), expected, rtol=1e-9, atol=1e-9)


@torch.no_grad()
def test_the_order_of_frames(net, clips):
    """A clip that runs backwards has other logits."""
    assert (net(clips.flip(2)) - net(clips)).abs().max() > 1e-3


def test_blocks_of_the_small_net():
    """What the formulae above take for granted of the blocks is what they are planned for."""
    plans = plan_blocks(Config(**SMALL))
    assert tuple((p.heads, p.stride, p.kv_stride, p.grid[1], p.nominal) for p in plans) == BLOCKS
    assert [p.width for p in plans] == [8, 16, 32, 64, 64]
    assert [p.drop for p in plans] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def plans_of(name):
    variant = variants()[name]
    config = {key: tuple(value) if isinstance(value, list) else value for key, value in variant.config.items()}
    architecture = load_architecture(families()[variant.family])
    return plan_blocks(architecture.config(**config, frames=variant.frames, size=variant.size))


def test_grids():
    """Queries and keys lie on the grids of the papers; those of MViTv2-L round up where the reckoning rounds down."""
    grids = [(p.queries[1], p.keys[1]) for p in plans_of("mvit-b-16x4")]
    assert grids == [(56, 7), (28, 14), (28, 7), (14, 14), *[(14, 7)] * 10, (7, 14), (7, 7)]
    large = plans_of("mvitv2-l-40x3")
    assert [(p.queries[1], p.nominal // p.stride) for p in large[:48:9]] == [(78, 78), *[(20, 19)] * 4, (10, 9)]
    assert large[2].queries == (20, 39, 39)
    assert {p.head_width for p in large} == {72}


def test_another_clip_is_refused(net, clips):
    """Each net takes the clip that it is built for alone, and says so."""
    for other in (clips[:, :, :2], clips[..., :32], clips[..., :32, :32], torch.zeros(1, 3, 6, 36, 36)):
        with pytest.raises(InputError, match="built for 4 frames of 36 x 36, as its tables of positions are, not for"):
            net(other)


@pytest.mark.parametrize(
    ("name", "clip", "told"),
    [
        ("mvit-b-16x4", {"frames": 7}, r"cannot take 7 frames: .* pairs.*; it takes 6 or 8 \(multiples of 2\)"),
        ("mvit-b-16x4", {"size": 30}, r"frames of 30 x 30: .*cells of 4 x 4.*; it takes sizes of 28 or 32 "),
        ("mvitv2-s-16x4", {"size": 28}, r"frames of 28 x 28: .*need 8 x 8; it takes sizes of 32, 36, 40, \.\.\."),
    ],
)
def test_impossible_clips(name, clip, told):
    """No net is built for a clip that its stem or its tables cannot have."""
    with pytest.raises(InputError, match=told):
        vidbench.build(name, **clip)


def test_gradients(net, clips):
    """All parameters learn, but for what in the last block acts on the grid's queries alone: only its class is read."""
    net.train()
    for module in net.modules():
        if isinstance(module, StochasticDepth):
            module.rate = 0.0
    net(clips).square().sum().backward()
    idle = {name for name, parameter in net.named_parameters() if not parameter.grad.any()}
    last = "blocks.4.attention"
    unread = {f"{last}.pool_q.conv.weight", *(f"{last}.positions.{axis}.table" for axis in ("time", "height", "width"))}
    assert idle == unread & {name for name, _ in net.named_parameters()}


def test_training_leaves_branches_out(net, clips):
    """In training both branches of a block are left out at its rate, which grows with depth."""
    rates = [module.rate for module in net.modules() if isinstance(module, StochasticDepth)]
    assert rates == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    block, first = net.blocks[1].train(), isinstance(net, mvit.MViT)
    block.drop.rate = 1 - 1e-12
    x = torch.randn(1, 1 + 2 * 81, 16 if first else 8, dtype=torch.float64)
    kept = block.skip(x if first else block.widen(block.attention_norm(x)))
    torch.testing.assert_close(block(x), block.widen(block.mlp_norm(kept)) if first else kept)


@pytest.mark.parametrize("train", [False, True])
def test_attention_is_counted_whatever_computes_it(form, train):
    """Fused, in single products and on meta: the same MACs, and nothing unknown beside them."""
    architecture, config = form
    clip, net = vidbench.Clip(frames=4, size=36), architecture(config).eval()
    plain = vidbench.count(net, clip, train=train)
    with sdpa_kernel(SDPBackend.MATH):
        unfused = vidbench.count(net, clip, train=train)
    with torch.device("meta"):
        meta = vidbench.count(architecture(config).eval(), clip, train=train)
    assert (unfused.macs, meta.macs) == (plain.macs, plain.macs)
    assert plain.unknown == unfused.unknown == meta.unknown == ()


def test_start(form):
    """Weights, filters, tables and tokens start small, biases of layers and norms at 0.02, scales at 1."""
    architecture, config = form
    net = architecture(config)
    for name, parameter in net.named_parameters():
        path, _, leaf = name.rpartition(".")
        if name == "stem.conv.bias":
            assert parameter.unique().numel() == parameter.numel()
        elif leaf == "bias":
            assert parameter.unique().tolist() == pytest.approx([0.02])
        elif isinstance(net.get_submodule(path), torch.nn.LayerNorm):
            assert parameter.unique().tolist() == [1]
        else:
            assert 0 < parameter.abs().max() < 0.12


def test_half_precision(net, clips):
    """Cast to bf16 it takes clips of bf16, and indices of tables stay what they are."""
    logits = net.bfloat16()(clips.bfloat16())
    assert logits.dtype == torch.bfloat16
    assert torch.isfinite(logits).all()
