"""BQN's paths, worked out again from the formulas: who hears what of whom, when, and from which frames."""

from functools import cache

import pytest
import torch
from torch import nn
from torch.nn import functional

import vidbench
from vidbench.errors import InputError
from vidbench.models.bqn import Config, Exchange, build, resize
from vidbench.models.shift import shift

SMALL = {
    "resnet": (Config(depths=(1, 1, 1, 1), classes=5), 64),
    "busy": (Config(depths=(1, 1, 1, 1), quiet=False, classes=5), 64),
    "x3d": (Config(expansion=(0.5, 0.1), classes=5), 256),
}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def shake(module: nn.Module) -> nn.Module:
    """The module in eval mode, every parameter and statistic off its start."""
    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if tensor.dim() > 1:
                tensor.normal_(std=(1.5 / tensor[0].numel()) ** 0.5)
            elif tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) / 2 + (0 if name.endswith(("bias", "mean")) else 0.75))
    return module.eval()


@cache
def small_net(kind: str) -> nn.Module:
    torch.manual_seed(0)
    return shake(build(SMALL[kind][0]))


@pytest.fixture(params=SMALL)
def small(request):
    return small_net(request.param), SMALL[request.param][1]


def norm(layer: nn.Module, x_BCTHW: torch.Tensor) -> torch.Tensor:
    mean, var, weight, bias = (
        v.view(-1, 1, 1, 1) for v in (layer.running_mean, layer.running_var, layer.weight, layer.bias)
    )
    return (x_BCTHW - mean) / (var + 1e-5).sqrt() * weight + bias


def filtered(layers: nn.Module, x_BCTHW: torch.Tensor, stride: int = 1) -> torch.Tensor:
    """A convolution of each frame and its norm."""
    weight = layers.conv.weight
    frames = [functional.conv2d(x, weight, None, stride, weight.shape[-1] // 2) for x in x_BCTHW.unbind(2)]
    return norm(layers.norm, torch.stack(frames, 2))


def trunk(path: nn.Module, x_BCTHW: torch.Tensor):
    """A path's blocks as functions, and the maps before the first."""
    first = filtered(path.stem.module.filter, x_BCTHW, 2).relu()
    pooled = torch.stack([functional.max_pool2d(x, 3, 2, 1) for x in first.unbind(2)], 2)

    def run(block: nn.Module, x: torch.Tensor, stride: int) -> torch.Tensor:
        y = filtered(block.widen, filtered(block.filter, filtered(block.narrow, shift(x)).relu(), stride).relu())
        return (y + filtered(block.shortcut, x, stride)).relu()

    strided = [(stage[0].block, stride) for stage, stride in zip(path.stages, (1, 2, 2, 2), strict=True)]
    return pooled, [lambda x, args=args: run(args[0], x, args[1]) for args in strided]


def mix(layers: nn.Module, x_BCTHW: torch.Tensor) -> torch.Tensor:
    """A lateral filter."""
    return norm(layers.module.norm, torch.einsum("bcthw,dc->bdthw", x_BCTHW, layers.module.conv.weight[:, :, 0, 0]))


def mean_logits(classifier: nn.Linear, x_BCTHW: torch.Tensor) -> torch.Tensor:
    return functional.linear(x_BCTHW.mean((2, 3, 4)), classifier.weight, classifier.bias)


def test_resnet():
    """Both paths hear of each other's maps from before either changed, and share a classifier."""
    net = small_net("resnet")
    clip = torch.randn(2, 3, 6, 64, 64)
    with torch.no_grad():
        quiet, quiet_blocks = trunk(net.quiet, clip[:, :, [0, 3]])
        busy, busy_blocks = trunk(net.busy, net.band_pass(clip))
        for quiet_block, busy_block, exchange, kernel in zip(
            quiet_blocks, busy_blocks, net.exchanges, (7, 7, 7, 3), strict=True
        ):
            assert exchange.band_pass.spatial.kernel_size == (kernel, kernel)
            quiet, busy = quiet_block(quiet), busy_block(busy)
            moving = exchange.band_pass(quiet)
            quiet, busy = quiet + mix(exchange.to_quiet, busy), busy + mix(exchange.to_busy, moving)
        expected = (mean_logits(net.head.classifier, quiet) + mean_logits(net.head.classifier, busy)) / 2
        torch.testing.assert_close(net(clip), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_busy_path_alone():
    """One trunk on what the input filter leaves of each three frames."""
    net = small_net("busy")
    clip = torch.randn(1, 3, 9, 64, 64)
    with torch.no_grad():
        busy, blocks = trunk(net.busy, net.band_pass(clip))
        for block in blocks:
            busy = block(busy)
        expected = mean_logits(net.head.classifier, busy)
        torch.testing.assert_close(net(clip), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def scaled(x_BCTHW: torch.Tensor, factor: float) -> torch.Tensor:
    """Bilinear by hand: pixels' centres meet, and beyond the edge is the edge."""

    def weights(size: int) -> torch.Tensor:
        table = torch.zeros(round(size * factor), size)
        for row in range(len(table)):
            place = max((row + 0.5) / factor - 0.5, 0.0)
            low = int(place)
            table[row, low] += 1 - (place - low)
            table[row, min(low + 1, size - 1)] += place - low
        return table

    return torch.einsum("bcthw,yh,xw->bctyx", x_BCTHW, weights(x_BCTHW.shape[3]), weights(x_BCTHW.shape[4]))


@pytest.mark.parametrize(("factor", "sizes"), [(1.6, (5, 8)), (0.625, (8, 5)), (1.6, (40, 64)), (0.625, (256, 160))])
def test_resize(factor, sizes):
    """Maps of one path's size become those of the other's, each by itself."""
    x_BCTHW = torch.randn(2, 3, 2, sizes[0], sizes[0])
    assert resize(x_BCTHW, factor).shape[3:] == (sizes[1], sizes[1])
    torch.testing.assert_close(resize(x_BCTHW, factor), scaled(x_BCTHW, factor), rtol=1e-4, atol=2e-4)


def test_x3d():
    """The busy path hears first, the quiet one of the busy one's new maps; each has its own X3D, head and all."""
    net = small_net("x3d")
    clip = torch.randn(1, 3, 6, 256, 256)
    with torch.no_grad():
        quiet = net.quiet.stem(scaled(clip[:, :, [0, 3]], 0.625))
        busy = net.busy.stem(net.band_pass(clip))
        blocks = [[block for stage in path.stages for block in stage] for path in (net.quiet, net.busy)]
        assert len(blocks[0]) == len(blocks[1]) == len(net.exchanges) == 4
        for quiet_block, busy_block, exchange in zip(*blocks, net.exchanges, strict=True):
            quiet, busy = quiet_block(quiet), busy_block(busy)
            busy = busy + mix(exchange.to_busy, scaled(exchange.band_pass(quiet), 1.6))
            quiet = quiet + mix(exchange.to_quiet, scaled(busy, 0.625))
        expected = (net.quiet.head(quiet) + net.busy.head(busy)) / 2
        torch.testing.assert_close(net(clip), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_bare_shortcut():
    """The first shortcut of an X3D here is a filter without a norm, those that widen have one, and the rest is bare."""
    with torch.device("meta"):
        net = vidbench.build("bqn-x3d-m")
    kinds = [[type(block.shortcut).__name__ for block in stage] for stage in net.quiet.stages]
    assert [stage[0] for stage in kinds] == ["Conv3d", "Sequential", "Sequential", "Sequential"]
    assert {kind for stage in kinds for kind in stage[1:]} == {"Identity"}
    assert {exchange.band_pass.spatial.kernel_size for exchange in net.exchanges[-7:]} == {(3, 3)}
    assert {exchange.band_pass.spatial.kernel_size for exchange in net.exchanges[:-7]} == {(7, 7)}


def test_laterals_start_silent():
    """Before training the paths do not hear of each other."""
    exchange = Exchange(8, 3).eval()
    quiet, busy = torch.randn(2, 1, 8, 2, 6, 6).unbind(0)
    heard = exchange(quiet, busy)
    assert torch.equal(heard[0], quiet)
    assert torch.equal(heard[1], busy)


def test_clips_do_not_mix(small):
    """A batch gives each clip's own logits and leaves the clips alone; the order of frames matters."""
    net, size = small
    clips = torch.randn(2, 3, 6, size, size)
    before = clips.clone()
    with torch.no_grad():
        together = net(clips)
        apart = torch.cat([net(clip) for clip in clips.split(1)])
        reversed_ = net(clips.flip(2))
    assert torch.equal(clips, before)
    torch.testing.assert_close(together, apart, rtol=0, atol=2e-5 * float(apart.abs().max()))
    assert (reversed_ - together).abs().max() > 1e-3 * together.abs().max()


def test_gradients(small):
    """Every parameter takes part."""
    net, size = small
    parameters = dict(net.named_parameters())
    found = torch.autograd.grad(net(torch.randn(1, 3, 6, size, size)).square().sum(), parameters.values())
    assert [name for name, grad in zip(parameters, found, strict=True) if not grad.any()] == []


@pytest.mark.parametrize(
    ("kind", "frames", "size", "message"),
    [
        ("resnet", 4, 64, "give a multiple of 3 frames, not 4"),
        ("resnet", 3, 48, "takes maps above 3 x 3, not 3 x 3"),
        ("busy", 5, 64, "give a multiple of 3 frames, not 5"),
        ("x3d", 3, 224, "multiples of 256 alone, not 224 x 224"),
    ],
)
def test_refusals(kind, frames, size, message):
    """A clip that it cannot take is refused by the net itself."""
    with torch.device("meta"):
        net = build(SMALL[kind][0])
    with pytest.raises(InputError, match=message):
        net(torch.empty(1, 3, frames, size, size, device="meta"))


@pytest.mark.parametrize(
    ("name", "clip", "message"),
    [
        ("bqn-tsm-r50", {"frames": 8}, "8 frames: its segments are 3 frames each, .* it takes 6 or 9"),
        ("bqn-tsm-r50", {"size": 48}, "its filters mirror 3 pixels .* it takes sizes of 49, 50, 51"),
        ("bqn-x3d-m", {"size": 224}, "its quiet path's maps are 5/8 .* it takes sizes of 256, 512, 768"),
        ("mbpm-tsm-r50", {"size": 31}, "its total stride is 32; it takes sizes of 32, 33, 34"),
    ],
)
def test_reasons(name, clip, message):
    """The catalog knows, and says why."""
    with pytest.raises(InputError, match=message):
        vidbench.build(name, **clip)


def test_sizes():
    """From 49 on any size goes, also one of other height than width."""
    with torch.device("meta"):
        net = build(SMALL["resnet"][0])
        assert net(torch.empty(2, 3, 3, 49, 77)).shape == (2, 5)
