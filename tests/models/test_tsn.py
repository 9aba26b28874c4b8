"""The frame-wise baselines have no authors' figures: what they must cost is worked out from ImageNet's ResNet."""

import fingerprint
import pytest
import torch
from torch import nn

import vidbench
from vidbench.catalog import find_variant
from vidbench.models.blvnet_tam import TemporalAggregation

IMAGENET = {  # parameters and, at 224 x 224, MACs with 1000 classes, as widely published for the stride on the 3x3
    "tsn-r50": (25_557_032, 4_089_184_256),
    "tsn-r101": (44_549_160, 7_801_405_440),
}
DEPTHS = {"tsn-r50": (3, 4, 6, 3), "tsn-r101": (3, 4, 23, 3), "tam-r50": (3, 4, 6, 3)}


def resnet(depths: tuple[int, ...], classes: int) -> tuple[int, int, tuple[int, int]]:
    """Parameters, MACs of a 224 x 224 frame, and (weights, products) of three taps on the input of every block."""
    params, macs, width, size = 49 * 3 * 64 + 2 * 64, 49 * 3 * 64 * 112**2, 64, 56
    taps_macs = taps = 0
    for stage, depth in enumerate(depths):
        for block in range(depth):
            mid, out, before = 64 * 2**stage, 256 * 2**stage, size
            taps, taps_macs = taps + 3 * width, taps_macs + 3 * width * size**2
            size = size // 2 if stage and not block else size
            filters = [(width * mid, before), (9 * mid * mid, size), (mid * out, size)]
            norms = 2 * (mid + mid + out)
            if not block:
                filters.append((width * out, size))
                norms += 2 * out
            params += sum(weights for weights, _ in filters) + norms
            macs += sum(weights * side**2 for weights, side in filters)
            width = out
    fc = width * classes
    return params + fc + classes, macs + fc, (taps, taps_macs)


def build_meta(name: str, classes: int) -> nn.Module:
    with torch.device("meta"):
        return vidbench.build(name, classes=classes)


@pytest.mark.parametrize("name", IMAGENET)
def test_imagenet(name):
    """With ImageNet's classes, one frame costs what the image net is known to cost."""
    params, macs = IMAGENET[name]
    counted = vidbench.count(build_meta(name, 1000), vidbench.Clip(frames=1, size=224))
    assert (counted.params, counted.macs) == (params, macs)
    assert resnet(DEPTHS[name], 1000)[:2] == (params, macs)


@pytest.mark.parametrize("name", DEPTHS)
@pytest.mark.parametrize("frames", [1, 8, 13])
def test_cost_is_linear_in_frames(name, frames):
    """With the default classes, T frames cost T times one; a module at the head of each block adds its products."""
    params, macs, (taps, taps_macs) = resnet(DEPTHS[name], 400)
    temporal = name == "tam-r50"
    net = build_meta(name, 400)
    counted = vidbench.count(net, vidbench.Clip(frames=frames, size=224))
    assert counted.params == params + temporal * taps == find_variant(name).params
    assert counted.macs == frames * (macs + temporal * taps_macs)
    assert not counted.unknown


def test_frames_are_averaged():
    """The logits of clips are the means of their frames' logits."""
    net = fingerprint.fill(vidbench.build("tsn-r50", classes=10))
    clips = torch.randn(2, 3, 3, 64, 70)
    with torch.inference_mode():
        logits = net(clips)
        expected = torch.stack([net(clips[:, :, t : t + 1]) for t in range(3)]).mean(0)
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


def test_aggregation_that_keeps_each_frame():
    """With (0, 1, 0) for taps tam-r50 is tsn-r50, for what enters a block is never negative; with others it is not."""
    plain, temporal = (fingerprint.fill(vidbench.build(name, classes=10)) for name in ("tsn-r50", "tam-r50"))
    modules = [module for module in temporal.modules() if isinstance(module, TemporalAggregation)]
    assert len(modules) == sum(DEPTHS["tam-r50"])
    for module in modules:
        for weight, value in ((module.previous, 0.0), (module.current, 1.0), (module.next, 0.0)):
            nn.init.constant_(weight, value)
    clips = torch.randn(2, 3, 3, 64, 64)
    with torch.inference_mode():
        expected, logits = plain(clips), temporal(clips)
        nn.init.constant_(modules[0].next, 0.1)
        changed = temporal(clips)
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))
    assert not torch.allclose(changed, expected, rtol=1e-3)
