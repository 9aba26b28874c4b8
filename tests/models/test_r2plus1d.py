"""R(2+1)D of both recipes, R3D and MC3 by their formulas, written out once more with random tensors."""

import pytest
import torch
from torch.nn import functional

import vidbench as api
from vidbench.models import r2plus1d, r3d
from vidbench.models.r2plus1d import middle

DEPTHS = (1, 2, 1, 1)  # a block without a projection is there beyond the first stage, too
RECIPES = ("torchvision", "mmaction2", "r3d", "mc3")


def build_small(recipe):
    if recipe in ("r3d", "mc3"):
        return r3d.FAMILY.net(r3d.Config(depths=DEPTHS, cubic_stages=4 if recipe == "r3d" else 1, classes=5))
    split = recipe == "mmaction2"
    return r2plus1d.FAMILY.net(r2plus1d.Config(depths=DEPTHS, plain=True, split_shortcuts=split, classes=5))


@torch.no_grad()
def shake(net):
    """The net in eval mode, every tensor different from every other; variances are small, so that epsilons count."""
    torch.manual_seed(0)
    for name, tensor in [*net.named_parameters(), *net.named_buffers()]:
        if tensor.dim() > 1:
            tensor.normal_(std=(2 / tensor[0].numel()) ** 0.5)
        elif name.endswith("running_var"):
            tensor.uniform_(0.01, 0.1)
        elif name.endswith("norm.weight"):
            tensor.uniform_(0.1, 0.4)
        elif tensor.is_floating_point():
            tensor.normal_(std=0.2)
    return net.eval()


class Naive:
    """The four nets as the tables of their sources have them."""

    def __init__(self, recipe, net):
        self.recipe, self.told = recipe, net.state_dict()
        self.outer_eps = 1e-3 if recipe == "mmaction2" else 1e-5

    def conv(self, path, x, stride):
        weight = self.told[f"{path}.weight"]
        return functional.conv3d(x, weight, None, stride, [k // 2 for k in weight.shape[2:]])

    def norm(self, path, x, eps):
        mean, var, scale, shift = (
            self.told[f"{path}.{key}"].view(1, -1, 1, 1, 1) for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (var + eps).sqrt() * scale + shift

    def split(self, path, x, stride=1, time_stride=None):
        x = self.norm(f"{path}.norm", self.conv(f"{path}.spatial", x, (1, stride, stride)), 1e-5).clamp(min=0)
        return self.conv(f"{path}.temporal", x, (time_stride or stride, 1, 1))

    def filter(self, path, x, stage, stride):
        if self.recipe in ("torchvision", "mmaction2"):
            return self.split(path, x, stride)
        flat = self.recipe == "mc3" and stage > 0
        return self.conv(path, x, (1 if flat else stride, stride, stride))

    def block(self, path, x, stage, stride):
        y = self.filter(f"{path}.branch.first", x, stage, stride)
        y = self.norm(f"{path}.branch.first_norm", y, self.outer_eps).clamp(min=0)
        y = self.norm(f"{path}.branch.norm", self.filter(f"{path}.branch.second", y, stage, 1), self.outer_eps)
        if stride == 2 and self.recipe == "mmaction2":
            x = self.norm(f"{path}.shortcut.norm", self.split(f"{path}.shortcut.conv", x, 2), 1e-3)
        elif stride == 2:
            time_stride = 1 if self.recipe == "mc3" else 2
            x = self.norm(f"{path}.shortcut.norm", self.conv(f"{path}.shortcut.conv", x, (time_stride, 2, 2)), 1e-5)
        return (x + y).clamp(min=0)

    def __call__(self, x):
        if self.recipe in ("torchvision", "mmaction2"):
            x = self.split("stem.conv", x, 2, time_stride=1)
        else:
            x = self.conv("stem.conv", x, (1, 2, 2))
        x = self.norm("stem.norm", x, self.outer_eps).clamp(min=0)
        if self.recipe == "mmaction2":
            x = functional.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1))
        for stage, depth in enumerate(DEPTHS):
            for i in range(depth):
                x = self.block(f"stages.{stage}.{i}", x, stage, 2 if stage > 0 and i == 0 else 1)
        return x.mean((2, 3, 4)) @ self.told["head.classifier.weight"].T + self.told["head.classifier.bias"]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(("frames", "height", "width"), [(5, 33, 40), (1, 32, 32)])
def test_whole_nets(recipe, frames, height, width):
    """Clips go through as the recipe says, each for itself."""
    net = shake(build_small(recipe))
    clips = torch.randn(2, 3, frames, height, width)
    with torch.inference_mode():
        logits, naive = net(clips), Naive(recipe, net)
        expected = torch.cat([naive(clip) for clip in clips.split(1)])
    scale = float(expected.abs().max())
    torch.testing.assert_close(logits, expected, rtol=0, atol=2e-5 * scale)
    assert (expected[0] - expected[1]).abs().max() > 0.01 * scale
    if frames > 1:
        with torch.inference_mode():
            assert (net(clips.flip(2)) - logits).abs().max() > 1e-3 * scale


@pytest.mark.parametrize("recipe", RECIPES)
def test_time(recipe):
    """Three stages halve time, rounding up, but for MC3's, which keep it."""
    with torch.device("meta"):
        net = build_small(recipe)
        maps = [net.stem(torch.empty(1, 3, 9, 32, 32))]
    for stage in net.stages:
        maps.append(stage(maps[-1]))
    assert [x.shape[2] for x in maps] == ([9] * 5 if recipe == "mc3" else [9, 9, 5, 3, 2])


@pytest.mark.parametrize(
    ("c_in", "c_out", "area", "mid"),
    [
        (64, 64, 9, 144), (64, 128, 9, 230), (128, 128, 9, 288), (128, 256, 9, 460), (256, 256, 9, 576),
        (256, 512, 9, 921), (512, 512, 9, 1152), (64, 128, 1, 54), (128, 256, 1, 109), (256, 512, 1, 219),
        (3, 64, 49, 83),
    ],
)  # fmt: skip
def test_middles(c_in, c_out, area, mid):
    """A split filter has at most the weights of the whole one, and with one channel more it would have more."""
    assert middle(c_in, c_out, area) == mid
    weights = [m * (area * c_in + 3 * c_out) for m in (mid, mid + 1)]
    assert weights[0] <= 3 * area * c_in * c_out < weights[1]


@pytest.mark.parametrize("name", ["r2plus1d-18", "r2plus1d-34-mm"])
def test_middles_of_a_strided_block(name):
    """Torchvision's block has one middle for both filters, mmaction2's one for each and one for the shortcut."""
    with torch.device("meta"):
        block = api.build(name).stages[1][0]
    mids = [conv.spatial.out_channels for conv in (block.branch.first, block.branch.second)]
    assert mids == ([230, 230] if name == "r2plus1d-18" else [230, 288])
    assert hasattr(block.shortcut.conv, "spatial") == (name == "r2plus1d-34-mm")


@pytest.mark.parametrize("name", ["r2plus1d-18", "r3d-18"])
@torch.no_grad()
def test_start(name):
    """Norms start as they are, none at zero; the classifier starts small, without a bias."""
    net = api.build(name)
    norms = [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm3d)]
    assert all(bool((norm.weight == 1).all()) for norm in norms)
    assert net.head.classifier.weight.std().item() == pytest.approx(0.01, rel=0.02)
    assert not net.head.classifier.bias.any()
    filters = net.stages[3][0].branch.first
    filters = filters.temporal if name == "r2plus1d-18" else filters
    fan_out = filters.weight.numel() / filters.in_channels
    assert filters.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.02)


@pytest.mark.parametrize("recipe", RECIPES)
def test_gradients(recipe):
    """In training every parameter moves, and the clip is left as it was."""
    net = shake(build_small(recipe)).train()
    clips = torch.randn(2, 3, 4, 32, 32)
    before = clips.clone()
    net(clips).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
    assert torch.equal(clips, before)


def test_the_default_is_still_the_bottleneck_net():
    """The family's name stands for pytorchvideo's net of 50 layers."""
    with torch.device("meta"):
        net = api.build("r2plus1d")
    assert isinstance(net, r2plus1d.R2Plus1D)


def test_refused_below_the_total_stride(vidbench):
    """The nets without a pool behind their stem take smaller frames than the one with it."""
    done = vidbench("profile", "mc3-18", "--size", "15", "--device", "meta")
    assert done.code == 2
    assert "its total stride is 16" in done.err
    assert vidbench("profile", "r2plus1d-18", "r3d-18", "--size", "16", "--device", "meta").code == 0
    assert "its total stride is 32" in vidbench("profile", "r2plus1d-34-mm", "--size", "16", "--device", "meta").err
