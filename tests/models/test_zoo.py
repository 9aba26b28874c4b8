"""Every variant is the authors' net: parameters, shapes, MACs and logits equal the facts in tests/data."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import fingerprint
import numpy as np
import pytest
import torch

import vidbench
from vidbench.catalog import variants
from vidbench.models.atfr_sgs import keeping, samplers

DATA = Path(__file__).parents[1] / "data"
FACTS = json.loads((DATA / "variants.json").read_text())
GOLDENS = json.loads((DATA / "golden" / "index.json").read_text())
ANALYTIC = {"tsn-r50", "tsn-r101", "tam-r50"}  # without authors' figures: test_tsn.py works theirs out

# The frames a family takes (at least, and a multiple of), where its configuration does not tell.
FRAMES = {"blvnet-tam": (1, 2), "tada2d": (3, 1), "tadaconvnextv2": (5, 1), "tadaformer": (6, 2)}


@cache
def build_meta(name: str, classes: int) -> torch.nn.Module:
    with torch.device("meta"):
        return vidbench.build(name, classes=classes)


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


@pytest.mark.parametrize("fact", FACTS, ids=fact_id)
def test_macs(fact):
    """MACs are the authors' at every listed clip."""
    net = build_meta(fact["variant"], fact["classes"])
    counted = {}
    for setting in fact["macs"]:
        frames, size, *bound = setting.split("-")
        clip = vidbench.Clip(frames=int(frames[1:]), size=int(size[1:]))
        with keeping(net, 1 if bound == ["min"] else clip.frames):
            counted[setting] = vidbench.count(net, clip).macs
    assert counted == fact["macs"]


@pytest.mark.parametrize("variant", variants().values(), ids=lambda variant: variant.name)
def test_rows_agree_with_the_nets(variant):
    """What the TOML rows state beside the configuration is true of the net that they build."""
    net = build_meta(variant.name, variant.classes)
    assert sum(p.numel() for p in net.parameters()) == variant.params
    told = (2 if variant.config.get("pool_time") else 1, variant.config.get("alpha", 1))
    assert (variant.frames_min, variant.frames_multiple) == FRAMES.get(variant.family, told)
    assert variant.stride == variant.config.get("patch", 32)
    assert variant.adaptive == bool(samplers(net))


@pytest.mark.parametrize("variant", variants().values(), ids=lambda variant: variant.name)
def test_published_figures_are_the_facts(variant):
    """The rows print what the sources print, and nothing else."""
    facts = [figures for fact in FACTS if fact["variant"] == variant.name for figures in fact["published"]]
    renamed = {"res": "size", "gflops": "gmacs"}
    expected = [{renamed.get(k, k): v for k, v in figures.items() if k != "verified"} for figures in facts]
    ours = [{key: getattr(p, key) for key in expected[0]} for p in variant.published]
    assert ours == expected


@pytest.mark.parametrize("variant", variants().values(), ids=lambda variant: variant.name)
def test_smallest_clip(variant):
    """The smallest clip the catalog admits goes through, on meta tensors, for two clips at once."""
    frames = max(variant.frames_min, variant.frames_multiple)
    net = build_meta(variant.name, variant.classes)
    size = variant.size if variant.size_fixed else variant.stride
    with keeping(net, frames):
        logits = net(torch.empty(2, 3, frames, size, size, device="meta"))
    assert logits.shape == (2, variant.classes)


@pytest.mark.parametrize("golden", GOLDENS, ids=golden_id)
def test_logits(golden):
    """Filled by the fingerprint rule, the net answers the fixed clip with the authors' logits and leaves it alone."""
    net = fingerprint.fill(vidbench.build(golden["variant"], classes=golden["classes"]), golden["gain"])
    clip = fingerprint.named_clip(golden["input"], golden["frames"], golden["size"], golden["batch"])
    before = clip.clone()
    with torch.inference_mode():
        logits = net(clip).numpy()
    expected = np.load(DATA / "golden" / golden["file"])["logits"]
    tolerance = 3e-4 if variants()[golden["variant"]].adaptive else 2e-5
    assert np.abs(logits - expected).max() <= tolerance * np.abs(expected).max()
    assert torch.equal(clip, before)
