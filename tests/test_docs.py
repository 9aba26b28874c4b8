"""docs/models.md has a section a family, and every figure of cost in it is counted here anew."""

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

import vidbench
from vidbench.catalog import families, variants
from vidbench.counting import Count
from vidbench.models.atfr_sgs import keeping

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "models.md").read_text()

NUMBER = r"(\d+(?:\.\d+)?)"
CASE = r"([a-z0-9-]+) at (\d+)x(\d+)"
FIGURES = {
    "macs": rf"`{CASE}: {NUMBER} GMACs`",
    "range": rf"`{CASE}: {NUMBER} to {NUMBER} GMACs`",
    "published": rf"`{CASE}: {NUMBER} GMACs published`",
    "centred": rf"`{CASE}: {NUMBER} GMACs with a centring matrix`",
    "params": rf"`([a-z0-9-]+): {NUMBER} M parameters`",
    "share": rf"`{CASE}, ([^:`]+): {NUMBER} %`",
    "held": rf"`([a-z0-9-]+), ([^:`]+): {NUMBER} % of the parameters`",
    "ratio": rf"`{CASE} / {CASE}: {NUMBER} x GMACs`",
}
FOUND = [(kind, *found.groups()) for kind, form in FIGURES.items() for found in re.finditer(form, PAGE)]

Choice = Callable[[str, nn.Module], bool]


def at(*patterns: str) -> Choice:
    return lambda path, _: any(fnmatchcase(path, pattern) for pattern in patterns)


def is_pointwise(_: str, module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d | nn.Conv3d) and set(module.kernel_size) == {1} and module.groups == 1


def is_depthwise(_: str, module: nn.Module) -> bool:
    return isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d) and module.groups == module.in_channels > 1


# What a share is of: the words of the page, and the modules that they mean.
PARTS: dict[str, Choice] = {
    "1x1x1 convolutions": is_pointwise,
    "1x1 convolutions": is_pointwise,
    "depthwise convolutions": is_depthwise,
    "aggregation": at("*.aggregate"),
    "stem": at("stem"),
    "fast pathway": at("fast_stem", "fast_stages"),
    "laterals": at("laterals"),
    "non-local blocks": at("*.attend?", "*.attend??"),
    "time convolutions": at("*.temporal", "*.aggregate.last"),
    "big branches": at("pairs.*.big"),
    "little branches": at("pairs.*.little"),
    "last stage": at("last"),
    "TAM": at("*.aggregation"),
    "motion excitation": at("*.excite"),
    "motion branches": at("*.filter.motion"),
    "latent motion": at("motion"),
    "event adaptive blocks": at("adaptive.?"),
    "token head": at("head"),
    "relational operators": at("*.relate"),
    "routes": at("*.route"),
    "MLPs": at("*.mlp"),
    "attention": at("blocks.*.attention"),
    "covariance head": at("head"),
    "attention over time": at("blocks.*.time"),
    "attention over space": at("blocks.*.space"),
    "adapters": at("*.adapter"),
    "poolings": at("*.pool_?"),
    "relative positions": at("*.positions"),
    "sampling": at("*.sampling"),
    "gates": at("*.gate"),
    "exchanges": at("exchanges.*"),
    "band-pass filters": at("band_pass", "*.band_pass"),
}


@cache
def build_meta(name: str) -> nn.Module:
    with torch.device("meta"):
        return vidbench.build(name)


@cache
def counted(name: str, frames: int, size: int, kept: int) -> Count:
    with keeping(build_meta(name), kept):
        return vidbench.count(build_meta(name), vidbench.Clip(frames=frames, size=size))


def gmacs(name: str, frames: str, size: str, kept: str | None = None) -> float:
    return counted(name, int(frames), int(size), int(kept or frames)).macs / 1e9


def outermost(name: str, part: str) -> dict[str, nn.Module]:
    """The modules of that part, without those inside one another."""
    chosen = {path: module for path, module in build_meta(name).named_modules() if PARTS[part](path, module)}
    assert chosen, f"{name} has no {part}"
    return {
        path: module for path, module in chosen.items() if not any(path.startswith(f"{other}.") for other in chosen)
    }


def share(name: str, frames: str, size: str, part: str) -> float:
    """Percent of the MACs."""
    count = counted(name, int(frames), int(size), int(frames))
    return 100 * sum(count.by_module.get(path, 0) for path in outermost(name, part)) / count.macs


def params(*modules: nn.Module) -> int:
    return sum(p.numel() for module in modules for p in module.parameters())


def rounded(value: float, like: str) -> str:
    return f"{value:.{len(like.partition('.')[2])}f}"


@pytest.mark.parametrize("figure", FOUND, ids=" ".join)
def test_figures(figure):
    """A figure of the page is what the net counts, to the last digit shown."""
    kind, *told = figure
    if kind == "published":
        name, *setting = told
        assert tuple(map(float, setting)) in {(p.frames, p.size, p.gmacs) for p in variants()[name].published}
        return
    shown = told[-2:] if kind == "range" else told[-1:]
    if kind == "range":
        assert variants()[told[0]].adaptive
        values = [gmacs(*told[:3], kept="1"), gmacs(*told[:3])]
    elif kind == "macs":
        assert not variants()[told[0]].adaptive
        values = [gmacs(*told[:3])]
    elif kind == "centred":
        frames, size = int(told[1]), int(told[2])
        values = [gmacs(*told[:3]) + 128 * (frames * (size // 16) ** 2) ** 2 / 1e9]  # channels, and places by places
    elif kind == "params":
        values = [params(build_meta(told[0])) / 1e6]
    elif kind == "held":
        values = [100 * params(*outermost(*told[:2]).values()) / params(build_meta(told[0]))]
    elif kind == "share":
        values = [share(*told[:4])]
    else:
        values = [gmacs(*told[:3]) / gmacs(*told[3:6])]
    assert [rounded(value, like) for value, like in zip(values, shown, strict=True)] == shown


def test_no_figure_escapes():
    """Each figure with a unit stands in a form that the test above reads, and every form is used."""
    rest = PAGE
    for form in FIGURES.values():
        rest = re.sub(form, "", rest)
    assert {kind for kind, *_ in FOUND} == set(FIGURES)
    assert not re.findall(r"\d[\d.,]*\s?(?:[GM]MACs|GFLOPs|%|M\b|G\b|times\b)", rest)
    assert not re.findall(r"`[^`\n]*: [^`\n]*\d[^`\n]*`", rest)


def test_every_family_has_its_section():
    """Each family of the catalog stands in a heading's section by its default variant, with its paper."""
    sections = re.split(r"^## ", PAGE, flags=re.M)[1:]
    for family in families().values():
        (section,) = [text for text in sections if f"`{family.name}`" in text.splitlines()[0]]
        assert all(number in section for number in re.findall(r"\d{4}\.\d{5}", family.paper))
        assert any(name in section for name in family.variants)
    for section in sections:
        assert all(f"**{part}.**" in section for part in ("Block", "Cost", "Paper and code"))
