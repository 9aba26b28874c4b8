"""Every variant is the authors' net: parameters, shapes, MACs and logits equal the facts in tests/data."""

import json
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import fingerprint
import numpy as np
import pytest
import torch

import vidbench
from vidbench.catalog import families, variants
from vidbench.models.atfr_sgs import keeping, samplers
from vidbench.models.imported import load_architecture

DATA = Path(__file__).parents[1] / "data"
FACTS = [fact for part in ("variants", "variants2") for fact in json.loads((DATA / f"{part}.json").read_text())]
GOLDENS = json.loads((DATA / "golden" / "index.json").read_text())
ANALYTIC = {"tsn-r50", "tsn-r101", "tam-r50"}  # without authors' figures: test_tsn.py works theirs out

# The frames a family takes (at least, and a multiple of), where its configuration does not tell.
FRAMES = {
    "blvnet-tam": (1, 2),
    "bqn": (1, 3),
    "mvit": (1, 2),
    "mvitv2": (1, 2),
    "s3d": (13, 1),
    "tada2d": (3, 1),
    "tadaconvnextv2": (5, 1),
    "tadaformer": (6, 2),
    "tcpnet": (1, 4),
}

# Total, of a family or a variant, where it is neither 32 nor the patch.
STRIDES = {"mvit": 4, "mvitv2": 4, "r2plus1d-18": 16, "r2plus1d-34": 16, "r3d": 16, "tcpnet": 16, "timesformer": 16}


@cache
def build_meta(name: str, classes: int, **clip: int) -> torch.nn.Module:
    with torch.device("meta"):
        return vidbench.build(name, classes=classes, **clip)


def build_for(name: str, classes: int, frames: int, size: int) -> torch.nn.Module:
    """The net for such a clip, on meta."""
    return build_meta(name, classes, **variants()[name].built_for(frames, size))


def read_clip(setting: str) -> dict[str, int]:
    """Of `f16-r224`, the frames and the size."""
    frames, size = setting.split("-")[:2]
    return {"frames": int(frames[1:]), "size": int(size[1:])}


def fact_id(fact: dict[str, Any]) -> str:
    segments = f"-f{fact['segments']}" if "segments" in fact else ""  # facts of a net built twice, one a clip length
    return f"{fact['variant']}-{fact['classes']}{segments}"


def golden_id(golden: dict[str, Any]) -> str:
    return str(golden["file"]).removesuffix(".npz")


def test_facts_cover_every_variant():
    """No variant of the catalog goes unchecked."""
    known = {fact["variant"] for fact in FACTS}
    assert not known & ANALYTIC
    assert known | ANALYTIC == set(variants())


@pytest.mark.parametrize("fact", FACTS, ids=fact_id)
def test_parameters(fact):
    """Parameter count, parameter tensors and the multiset of their shapes are the authors'."""
    net = build_meta(fact["variant"], fact["classes"])
    parameters = list(net.parameters())
    assert sum(p.numel() for p in parameters) == fact["params"]
    assert len(parameters) == fact["param_tensors"]
    assert fingerprint.param_shapes(net) == json.loads((DATA / fact["param_shapes"]).read_text())


@pytest.mark.parametrize("fact", [fact for fact in FACTS if "params_at" in fact], ids=fact_id)
def test_parameters_that_follow_the_clip(fact):
    """A net is built for a clip where its parameters depend on it."""
    built = {s: build_for(fact["variant"], fact["classes"], **read_clip(s)) for s in fact["params_at"]}
    assert {s: sum(p.numel() for p in net.parameters()) for s, net in built.items()} == fact["params_at"]


@pytest.mark.parametrize("variant", variants().values(), ids=lambda variant: variant.name)
@pytest.mark.parametrize("axis", ["frames", "size"])
def test_rows_tell_what_parameters_follow(variant, axis: str):
    """The rows name what of the clip the parameters depend on, and nothing else."""
    config = load_architecture(families()[variant.family]).config
    if getattr(variant, f"{axis}_fixed") or axis not in {field.name for field in fields(config)}:
        assert axis not in variant.params_follow
        return
    default = build_meta(variant.name, variant.classes)
    other = build_meta(variant.name, variant.classes, **{axis: 2 * getattr(variant, axis)})
    same = [p.shape for p in other.parameters()] == [p.shape for p in default.parameters()]
    assert same == (axis not in variant.params_follow)


@pytest.mark.parametrize("fact", FACTS, ids=fact_id)
def test_macs(fact):
    """MACs are the authors' at every listed clip."""
    counted = {}
    for setting in fact["macs"]:
        clip = vidbench.Clip(**read_clip(setting))
        net = build_for(fact["variant"], fact["classes"], clip.frames, clip.size)
        with keeping(net, 1 if setting.endswith("-min") else clip.frames):
            counted[setting] = vidbench.count(net, clip).macs
    assert counted == fact["macs"]


@pytest.mark.parametrize("variant", variants().values(), ids=lambda variant: variant.name)
def test_rows_agree_with_the_nets(variant):
    """What the TOML rows state beside the configuration is true of the net that they build."""
    net = build_meta(variant.name, variant.classes)
    assert sum(p.numel() for p in net.parameters()) == variant.params
    told = (2 if variant.config.get("pool_time") else 1, variant.config.get("alpha", 1))
    assert (variant.frames_min, variant.frames_multiple) == FRAMES.get(variant.family, told)
    family_stride = STRIDES.get(variant.family, variant.config.get("patch", 32))
    assert variant.stride == STRIDES.get(variant.name, family_stride)
    assert variant.adaptive == bool(samplers(net))


@pytest.mark.parametrize("variant", variants().values(), ids=lambda variant: variant.name)
def test_published_figures_are_the_facts(variant):
    """The rows print what the sources print for a clip that they name, and nothing else."""
    facts = [figures for fact in FACTS if fact["variant"] == variant.name for figures in fact["published"]]
    renamed = {"res": "size", "gflops": "gmacs"}
    expected = [
        {renamed.get(key, key): value for key, value in figures.items() if key not in ("verified", "note")}
        for figures in facts
        if figures["frames"] is not None
    ]
    ours = [{key: getattr(p, key) for key in expected[0]} for p in variant.published]
    assert ours == expected


@pytest.mark.parametrize("variant", variants().values(), ids=lambda variant: variant.name)
def test_smallest_clip(variant):
    """The smallest clip the catalog admits goes through, on meta tensors, for two clips at once."""
    frames, size = variant.least_frames, variant.least_size
    net = build_for(variant.name, variant.classes, frames, size)
    with keeping(net, frames):
        logits = net(torch.empty(2, 3, frames, size, size, device="meta"))
    assert logits.shape == (2, variant.classes)


@pytest.mark.parametrize("golden", GOLDENS, ids=golden_id)
def test_logits(golden):
    """Filled by the fingerprint rule, the net answers the fixed clip with the authors' logits and leaves it alone."""
    taken = {"frames": golden["frames"], "size": golden["size"]}
    built_for = read_clip(golden["built_for"]) if "built_for" in golden else taken
    with fingerprint.unfilled():
        net = vidbench.build(golden["variant"], classes=golden["classes"], **built_for)
    fingerprint.fill(net, golden["gain"])
    clip = fingerprint.named_clip(golden["input"], golden["frames"], golden["size"], golden["batch"])
    before = clip.clone()
    with torch.inference_mode():
        logits = net(clip).numpy()
    expected = np.load(DATA / "golden" / golden["file"])["logits"]
    tolerance = 3e-4 if variants()[golden["variant"]].adaptive else 2e-5
    assert np.abs(logits - expected).max() <= tolerance * np.abs(expected).max()
    assert torch.equal(clip, before)
