"""Similarity-guided sampling keeps the authors' frames, and says how many; on meta tensors it keeps what it is told."""

import json
from itertools import product
from pathlib import Path

import fingerprint
import numpy as np
import pytest
import torch

import vidbench
from vidbench.errors import CountError, InputError
from vidbench.models.atfr_sgs import SimilarityGuidedSampling, bin_weights, keeping, positions, samplers

DATA = Path(__file__).parents[1] / "data"
FACTS = {fact["variant"]: fact for fact in json.loads((DATA / "variants.json").read_text())}
GOLDENS = [g for g in json.loads((DATA / "golden" / "index.json").read_text()) if g["variant"].endswith("-atfr")]
CLIP = vidbench.Clip(frames=32, size=224)


def kept(net: torch.nn.Module) -> list[tuple[int, ...]]:
    return [layer.frames_kept for layer in samplers(net).values()]


def filled(frames: int = 8) -> tuple[torch.nn.Module, torch.Tensor]:
    return fingerprint.fill(vidbench.build("slim3d-r18-atfr", classes=5)), fingerprint.clip(frames, 32)


@pytest.mark.parametrize("unit", ["a", "b"])
def test_unit(unit):
    """A batch whose clips keep different numbers of frames is binned, ordered, summed and filled up as the authors'."""
    golden = {key: torch.from_numpy(value) for key, value in np.load(DATA / "golden" / f"unit-sgs-{unit}.npz").items()}
    layer = SimilarityGuidedSampling(golden["input"].shape[1])
    bins = int(golden["num_bins"])
    torch.testing.assert_close(positions(golden["embeddings"], bins), golden["pos"], rtol=1e-6, atol=0)
    assert torch.equal(bin_weights(golden["pos"], bins), golden["kernel"])
    output = layer.sample(golden["input"], golden["embeddings"])
    torch.testing.assert_close(output, golden["output"], rtol=1e-5, atol=1e-5)
    assert layer.frames_kept == tuple(golden["mask"].sum(1).tolist())


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: str(golden["file"]).removesuffix(".npz"))
def test_frames_kept(golden):
    """As many frames survive in each layer as in the authors' net, at the distances it saw."""
    data = np.load(DATA / "golden" / golden["file"])
    net = fingerprint.fill(vidbench.build(golden["variant"], classes=golden["classes"]), golden["gain"])
    embedded = []
    for layer in samplers(net).values():
        layer.norm.register_forward_hook(lambda _module, _inputs, output: embedded.append(output))
    with torch.inference_mode():
        net(fingerprint.named_clip(golden["input"], golden["frames"], golden["size"], golden["batch"]))
    assert kept(net) == [(int(data[key]),) for key in data.files if key.endswith("frames_out")]
    for ours, key in zip(embedded, [key for key in data.files if key.endswith("_pos")], strict=True):
        assert np.abs(positions(ours, ours.shape[2]).numpy() - data[key]).max() < 1e-3


@pytest.mark.parametrize("name", ["slim3d-r50-atfr", "slim3d-r18-atfr"])
def test_macs_of_slim(name):
    """The slim nets' MACs grow linearly in the surviving frames; with all of them, sampling itself is what is added."""
    constant, slope = FACTS[name]["macs_formula_f32-r224"]["c"]
    with torch.device("meta"):
        net, plain = vidbench.build(name), vidbench.build(name.removesuffix("-atfr"))
    for frames in (1, 2, 5, 31, 32, 33):
        with keeping(net, frames):
            assert vidbench.count(net, CLIP).macs == constant + slope * min(frames, 32)
        assert kept(net) == [(min(frames, 32),)]
    assert vidbench.count(plain, CLIP).macs == constant + slope * 32 - 102_780_928


@pytest.mark.parametrize("name", ["slowfast-4x16-r50-atfr", "slowfast-8x8-r50-atfr"])
def test_macs_of_slowfast(name):
    """SlowFast's MACs follow the longer of the slow frames and of what the fast ones become on joining them."""
    formula = FACTS[name]["macs_formula_f32-r224"]
    alpha, kernel, c = formula["alpha"], formula["K"], formula["c"]
    with torch.device("meta"):
        net = vidbench.build(name)
    for slow, fast in product((1, 3, 32 // alpha), (1, 7, 19, 32)):
        joined = (fast + 2 * (kernel // 2) - kernel) // alpha + 1
        with keeping(net, slow, fast):
            counted = vidbench.count(net, CLIP)
        assert counted.macs == c[0] + c[1] * slow + c[2] * fast + c[3] * max(slow, joined) + c[4] * joined
        assert counted.unknown == ()
        assert kept(net) == [(slow,), (fast,)]


def test_meta_needs_a_number():
    """Without numbers nothing decides which frames survive, and the error says what to do."""
    with torch.device("meta"):
        net = vidbench.build("atfr-sgs")
    for run in (lambda: net(torch.empty(1, 3, 32, 64, 64, device="meta")), lambda: vidbench.count(net, CLIP)):
        with pytest.raises(CountError, match=r"depends on its input.*real clip"):
            run()


def test_real_counts_are_the_formula():
    """On a real clip the count is that of as many frames as survived, with nothing unknown in it."""
    net, clip = filled()
    counted = vidbench.count(net, clip)
    ((survivors,),) = kept(net)
    with torch.device("meta"):
        meta = vidbench.build("slim3d-r18-atfr", classes=5)
    with keeping(meta, survivors):
        assert vidbench.count(meta, vidbench.Clip(frames=8, size=32)).macs == counted.macs
    assert counted.unknown == ()


def test_keeping():
    """The frames that would survive anyway change nothing; fewer leave the farthest out; more add zero frames."""
    torch.manual_seed(0)
    layer, x = SimilarityGuidedSampling(4).eval(), torch.randn(1, 4, 12, 2, 2)
    free = layer(x)
    (survivors,) = layer.frames_kept
    assert free.shape == (1, 4, survivors, 2, 2)
    with keeping(layer, survivors):
        assert torch.equal(layer(x), free)
    with keeping(layer, 2):
        assert torch.equal(layer(x), free[:, :, :2])
    with keeping(layer, 99):
        padded = layer(x)
    assert padded.shape[2] == 12
    torch.testing.assert_close(padded[:, :, :survivors], free)
    assert not padded[:, :, survivors:].any()
    assert layer.keep is None


@pytest.mark.parametrize("frames", [(), (0,), (3, 0), (1, 2, 3)])
def test_keeping_refuses(frames):
    """Numbers below 1, or not one for each layer, are refused."""
    with torch.device("meta"):
        net = vidbench.build("atfr-sgs")
    with pytest.raises(InputError, match="2 layers"), keeping(net, *frames):
        pass


@pytest.mark.parametrize("name", ["slim3d-r18-atfr", "slowfast-4x16-r50-atfr"])
def test_other_clips(name):
    """Two clips that keep as many frames each give the logits of two runs; rectangles and other lengths go through."""
    net = fingerprint.fill(vidbench.build(name, classes=5))
    clip = fingerprint.clip(24, 32, 64)
    with torch.inference_mode():
        single, double = net(clip), net(clip.repeat(2, 1, 1, 1, 1))
    assert all(len(set(frames)) == 1 and len(frames) == 2 for frames in kept(net))
    torch.testing.assert_close(double, single.repeat(2, 1), rtol=1e-4, atol=float(single.abs().max()) * 3e-5)


@pytest.mark.parametrize("frames", [1, 2, 7, 25, 31, 41, 61, 100])
def test_farthest_frame_survives(frames):
    """The frame at the outer edge of the last bin lives on 1e-7, so never fewer than one is left."""
    torch.manual_seed(frames)
    weights = bin_weights(positions(torch.randn(500, 8, frames), frames), frames)
    assert (weights[:, -1].amax(1) > 0).all()
    layer = SimilarityGuidedSampling(2)
    still = layer.sample(torch.ones(1, 2, frames, 1, 1), torch.ones(1, 8, frames))
    assert layer.frames_kept == (1,)
    assert still.shape == (1, 2, 1, 1, 1)
    assert 0 < still.max() < 1e-5 * frames


def test_fixed_bins():
    """A layer may have fewer bins than frames, or more; neither changes how many can survive at most."""
    x, embedded = torch.randn(1, 2, 16, 1, 1), torch.randn(1, 8, 16)
    for bins in (4, 40):
        layer = SimilarityGuidedSampling(2, bins)
        assert layer.sample(x, embedded).shape[2] == layer.frames_kept[0] <= min(16, bins)


def test_gradients():
    """Distances get sign(centre - distance) inside the bins from what left, and every parameter gets a gradient."""
    generator = torch.Generator().manual_seed(0)
    places = torch.rand(1, 6, generator=generator) * 12
    places[0, 0] = 12
    places.requires_grad_()
    weights = bin_weights(places, 6)
    towards = torch.randn(weights.shape, generator=generator)
    (gradient,) = torch.autograd.grad(weights, places, towards)
    centres = torch.arange(1, 12, 2)[:, None]
    expected = (towards * (weights > 0) * (centres - places[:, None]).sign()).sum(1)
    torch.testing.assert_close(gradient, expected)

    net, clip = filled()
    net.train()(clip.repeat(2, 1, 1, 1, 1) + torch.randn(2, 3, 8, 32, 32, generator=generator)).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    (layer,) = samplers(net).values()
    assert layer.embed.squeeze.weight.grad.any()


def test_half_precision():
    """In bfloat16 the bins are still laid in float32, and the farthest frame survives."""
    net, clip = filled()
    with torch.inference_mode():
        logits = net.bfloat16()(clip.bfloat16())
    assert logits.dtype == torch.bfloat16
    assert logits.isfinite().all()
