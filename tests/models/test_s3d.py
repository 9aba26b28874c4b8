"""S3D by its formulas, written out once more: which tensor filters what, where gates sit, what the head averages."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

import vidbench as api
from vidbench.errors import InputError
from vidbench.models.s3d import FAMILY, SMALLEST, Config, Mix, SelfGate, WindowHead, separable

BLOCKS = (  # stage, then the place of the Mix within it
    *((1, i) for i in range(2)),
    *((3, i) for i in range(5)),
    *((5, i) for i in range(2)),
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@torch.no_grad()
def shake(module):
    """The module in eval mode, every tensor different from every other and large enough to matter."""
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if tensor.dim() > 1:
            tensor.normal_(std=(2 / tensor[0].numel()) ** 0.5)
            if ".gate." in f".{name}":
                tensor.mul_(2)
        elif name.endswith("running_var"):
            tensor.uniform_(0.3, 1)
        elif name.endswith("norm.weight"):
            tensor.uniform_(1, 1.5)
        elif tensor.is_floating_point():
            tensor.normal_(std=0.2)
    return module.eval()


def unit(told: dict[str, Tensor], path: str, x: Tensor, stride=(1, 1, 1)) -> Tensor:
    """Filter, norm with an epsilon of 1e-3, ReLU, by the tensors under that path."""
    weight = told[f"{path}.conv.weight"]
    x = functional.conv3d(x, weight, None, stride, [k // 2 for k in weight.shape[2:]])
    mean, var, scale, shift = (told[f"{path}.norm.{key}"] for key in ("running_mean", "running_var", "weight", "bias"))
    mean, var, scale, shift = (vector.view(1, -1, 1, 1, 1) for vector in (mean, var, scale, shift))
    return ((x - mean) / (var + 1e-3).sqrt() * scale + shift).clamp(min=0)


def both(told, path, x, stride=1):
    """Space, then time."""
    x = unit(told, f"{path}.spatial", x, (1, stride, stride))
    return unit(told, f"{path}.temporal", x, (stride, 1, 1))


def gate(told, path, x):
    """The clip times sigmoid(W mean + b)."""
    mean = torch.stack([channel.mean() for channel in x[0]])
    scales = (told[f"{path}.gate.weight"] @ mean + told[f"{path}.gate.bias"]).sigmoid()
    return torch.einsum("bcthw,c->bcthw", x, scales)


def mix(told, path, x):
    """The four branches of a gated block, of one clip."""
    at = [f"{path}.branches.{i}" for i in range(4)]
    pooled = functional.max_pool3d(functional.pad(x, (1,) * 6, value=float("-inf")), 3, 1)
    outs = (
        gate(told, f"{at[0]}.1", unit(told, f"{at[0]}.0", x)),
        gate(told, f"{at[1]}.2", both(told, f"{at[1]}.1", unit(told, f"{at[1]}.0", x))),
        gate(told, f"{at[2]}.2", both(told, f"{at[2]}.1", unit(told, f"{at[2]}.0", x))),
        gate(told, f"{at[3]}.2", unit(told, f"{at[3]}.1", pooled)),
    )
    return torch.cat(outs, 1)


def head(told, path, x):
    """The mean over windows of the logits of each window's mean, of one clip."""
    weight, bias = told[f"{path}.classifier.weight"].flatten(1), told[f"{path}.classifier.bias"]
    frames, height, width = x.shape[2:]
    logits = [
        weight @ x[0, :, t : t + 2, i : i + 7, j : j + 7].mean((1, 2, 3)) + bias
        for t in range(frames - 1) for i in range(height - 6) for j in range(width - 6)
    ]  # fmt: skip
    return torch.stack(logits).mean(0, keepdim=True)


def trunk(told, x):
    """All before the head, layer by layer as the net's table has them, of one clip."""
    pool = functional.max_pool3d
    x = pool(both(told, "stem.0", x, 2), (1, 3, 3), (1, 2, 2), (0, 1, 1))
    x = gate(told, "stem.4", both(told, "stem.3", unit(told, "stem.2", x)))
    x = pool(x, (1, 3, 3), (1, 2, 2), (0, 1, 1))
    for stage, i in BLOCKS:
        if (stage, i) == (3, 0):
            x = pool(x, 3, 2, 1)
        if (stage, i) == (5, 0):
            x = pool(x, 2, 2)
        x = mix(told, f"stages.{stage}.{i}", x)
    return x


def test_trunk():
    """Clips go through as the table of layers says, each for itself; backwards they are other clips."""
    net = shake(FAMILY.net(Config(gated=True, classes=5))).double()
    clips = torch.randn(2, 3, 15, 50, 70, dtype=torch.float64)
    told = dict(net.state_dict())
    with torch.inference_mode():
        maps, backwards = (net.stages(net.stem(x)) for x in (clips, clips[:1].flip(2)))
        expected = torch.cat([trunk(told, clip) for clip in clips.split(1)])
    scale = float(expected.abs().max())
    assert maps.shape == (2, 1024, 2, 2, 2)
    torch.testing.assert_close(maps, expected, rtol=0, atol=1e-9 * scale)
    assert (expected[0] - expected[1]).abs().max() > 0.01 * scale
    assert (backwards.flip(2)[0] - maps[0]).abs().max() > 0.01 * scale


def test_gates_are_all_that_differ():
    """With every gate wide open S3D-G is S3D; there are 37 gates."""
    plain = shake(Mix(6, (2, 3, 4, 3, 4, 2), gated=False))
    gated = Mix(6, (2, 3, 4, 3, 4, 2), gated=True).eval()
    missing = gated.load_state_dict(plain.state_dict(), strict=False).missing_keys
    assert len(missing) == 8
    for module in gated.modules():
        if isinstance(module, SelfGate):
            torch.nn.init.zeros_(module.gate.weight)
            torch.nn.init.constant_(module.gate.bias, 50.0)
    x = torch.randn(2, 6, 3, 5, 5)
    torch.testing.assert_close(gated(x), plain(x))
    with torch.device("meta"):
        nets = [FAMILY.net(Config(gated=on)) for on in (False, True)]
    assert [sum(isinstance(module, SelfGate) for module in net.modules()) for net in nets] == [0, 37]


def test_branches_of_one_width():
    """Branches whose tensors have the same shapes keep their places."""
    module = shake(Mix(6, (4, 3, 4, 3, 4, 4), gated=True))
    x = torch.randn(2, 6, 3, 5, 4)
    expected = torch.cat([mix({f"m.{k}": v for k, v in module.state_dict().items()}, "m", clip) for clip in x.split(1)])
    torch.testing.assert_close(module(x), expected)


def test_gate_alone():
    """The module goes on any clip of its width; it scales whole channels, those of each clip by its own means."""
    module = shake(SelfGate(5))
    x = torch.randn(2, 5, 3, 2, 4)
    told = {f"g.{k}": v for k, v in module.state_dict().items()}
    expected = torch.cat([gate(told, "g", clip) for clip in x.split(1)])
    torch.testing.assert_close(module(x), expected)


def test_separable_has_a_norm_and_a_relu_between():
    """Space is filtered first and rectified, then time, each with its own stride."""
    module = shake(separable(3, 4, 7, 2))
    x = torch.randn(2, 3, 9, 8, 7)
    told = {f"s.{k}": v for k, v in module.state_dict().items()}
    torch.testing.assert_close(module(x), both(told, "s", x, 2))
    assert module(x).shape == (2, 4, 5, 4, 4)


@pytest.mark.parametrize("size", [(2, 7, 7), (3, 7, 7), (4, 8, 10)])
def test_head_averages_windows(size):
    """Larger maps hold more windows, and positions inside weigh more than those at the edges."""
    module = shake(WindowHead(6, 5))
    x = torch.randn(1, 6, *size)
    logits = module(x)
    torch.testing.assert_close(logits, head({f"h.{k}": v for k, v in module.state_dict().items()}, "h", x))
    averaged = module.classifier(x.mean((2, 3, 4), keepdim=True)).flatten(1)
    assert torch.allclose(averaged, logits, atol=1e-5) == (size == (2, 7, 7))


@pytest.mark.parametrize(("frames", "height", "width"), [(12, 209, 209), (13, 208, 209), (13, 209, 208)])
def test_clips_without_a_window(frames, height, width):
    """A clip below the least is refused with the reason, although its layers might run; the least has one window."""
    with torch.device("meta"):
        net = FAMILY.net(Config())
        clip, least = torch.empty(1, 3, frames, height, width), torch.empty(1, 3, *SMALLEST)
    with pytest.raises(InputError, match=f"{frames} frames of {height} x {width}: .* windows .* 13 frames or more"):
        net(clip)
    assert net.stages(net.stem(least)).shape == (1, 1024, 2, 7, 7)
    assert tuple(net.stages(net.stem(clip)).shape[2:]) in {(1, 7, 7), (2, 6, 7), (2, 7, 6)}


def test_each_window_is_classified():
    """The classifier's work grows with the windows: one of 16 frames, seven of 64."""
    with torch.device("meta"):
        net = api.build("s3d")
    counts = [api.count(net, api.Clip(frames=frames, size=224)) for frames in (16, 64)]
    assert [count.by_module["head.classifier"] for count in counts] == [1024 * 400, 7 * 1024 * 400]


def test_gradients():
    """In training every parameter moves, and the clip is left as it was."""
    block, end = Mix(6, (2, 3, 4, 3, 4, 2), gated=True).train(), WindowHead(12, 3).train()
    x = torch.randn(2, 6, 2, 7, 7)
    before = x.clone()
    end(block(x)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in [*block.parameters(), *end.parameters()])
    assert torch.equal(x, before)


def test_refused_on_the_command_line(vidbench):
    """What is too short or too small for its head is refused with the reason and what would do."""
    done = vidbench("profile", "s3d", "--frames", "8", "--device", "meta")
    assert (done.code, done.out) == (2, "")
    assert "s3d cannot take 8 frames: its head averages over windows" in done.err
    assert "it takes 13, 14, 15" in done.err
    done = vidbench("profile", "s3d-g", "--size", "208", "--device", "meta")
    assert "it takes sizes of 209, 210, 211" in done.err
