"""The architectures, read from models/*.toml without torch: variants, default clips, published figures."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from vidbench.errors import InputError

DATASET_CLASSES = {"K400": 400, "SSv1": 174, "SSv2": 174, "SSv1/SSv2": 174}


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a source prints for a variant at one setting; None where it prints nothing."""

    dataset: str
    frames: int
    source: str
    size: int | None = None
    gmacs: float | None = None
    params_m: float | None = None
    views: int | str | None = None
    top1: float | None = None
    top5: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One net of a family: its default clip, the clips it takes, its configuration and its published figures."""

    name: str
    family: str
    frames: int
    size: int
    classes: int
    params: int
    stride: int
    config: Mapping[str, Any]
    published: tuple[Published, ...]
    frames_min: int = 1
    frames_multiple: int = 1
    size_fixed: bool = False
    unsampled: str | None = None  # the variant that an adaptive one is without its sampling
    adaptive: bool = False  # its work depends on what the clip holds

    def check_frames(self, frames: int) -> None:
        """Raise InputError where the net cannot take that many frames."""
        step, least = self.frames_multiple, max(self.frames_min, self.frames_multiple)
        if frames >= least and frames % step == 0:
            return
        possible = f"{least}, {least + step}, {least + 2 * step}, ..."
        if step > 1 and frames > least:
            possible = f"{frames // step * step} or {frames // step * step + step} (multiples of {step})"
        raise InputError(f"{self.name} cannot take {frames} frames; it takes {possible}")

    def check_size(self, size: int) -> None:
        """Raise InputError where the frames are smaller than the net's total stride."""
        if self.size_fixed and size != self.size:
            raise InputError(
                f"{self.name} cannot take frames of {size} x {size}: its position embedding is for {self.size} alone"
            )
        if size < self.stride:
            raise InputError(
                f"{self.name} cannot take frames of {size} x {size}: its total stride is {self.stride}, "
                f"so a size of {self.stride} or more"
            )

    def published_at(self, frames: int, size: int, classes: int) -> tuple[Published, ...]:
        """The published figures taken at exactly this setting."""
        return tuple(
            p
            for p in self.published
            if (p.frames, p.size, DATASET_CLASSES.get(p.dataset)) == (frames, size, classes) and p.gmacs is not None
        )

    def headline(self) -> Published | None:
        """What to show where there is room for one: a figure at the default clip and classes if there is any."""

        def distance(p: Published) -> tuple[bool, ...]:
            at_default = (p.frames, p.size) == (self.frames, self.size)
            other_classes = DATASET_CLASSES.get(p.dataset) != self.classes
            return p.gmacs is None, other_classes, not at_default, p.top1 is None

        return min(self.published, key=distance, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Variants that one file of models/ builds; `mean` and `std` are how their authors normalise RGB in 0..1."""

    name: str
    title: str
    paper: str
    code: str
    default: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    variants: Mapping[str, Variant]


@cache
def families() -> Mapping[str, Family]:
    """All families by name, in the order of their names."""
    files = {file.stem.replace("_", "-"): file for file in Path(__file__).with_name("models").glob("*.toml")}
    return {name: _family(name, tomllib.loads(files[name].read_text("utf-8"))) for name in sorted(files)}


def _family(name: str, head: dict[str, Any]) -> Family:
    stride = head.pop("stride")
    variants = {
        key: Variant(
            name=key,
            family=name,
            stride=row.pop("stride", stride),
            published=tuple(Published(**figures) for figures in row.pop("published")),
            **row,
        )
        for key, row in head.pop("variants").items()
    }
    return Family(name=name, variants=variants, mean=tuple(head.pop("mean")), std=tuple(head.pop("std")), **head)


@cache
def variants() -> Mapping[str, Variant]:
    """All variants by name."""
    return {name: variant for family in families().values() for name, variant in family.variants.items()}


def find_variant(name: str) -> Variant:
    """The variant of that name; a family's name stands for its default variant.

    Raises:
        InputError: there is no such name; the message has the nearest ones.
    """
    if name in families():
        name = families()[name].default
    if name not in variants():
        raise InputError(_unknown("model", name, [*variants(), *families()], "`vidbench list` shows all"))
    return variants()[name]


def find_variants(pattern: str) -> list[Variant]:
    """The variants a name or a shell pattern (`x3d-*`, `*`) stands for.

    Raises:
        InputError: nothing has that name or fits that pattern.
    """
    if not set("*?[") & set(pattern):
        return [find_variant(pattern)]
    found = [variant for name, variant in variants().items() if fnmatchcase(name, pattern)]
    if not found:
        raise InputError(f"no model fits {pattern!r}; `vidbench list` shows all")
    return found


def find_family(name: str) -> Family:
    """The family of that name, or the family of the variant of that name.

    Raises:
        InputError: there is no such family; the message has the nearest ones.
    """
    if name in variants():
        name = variants()[name].family
    if name not in families():
        raise InputError(_unknown("family", name, list(families()), f"there are {', '.join(families())}"))
    return families()[name]


def _unknown(kind: str, name: str, names: list[str], otherwise: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name.lower().replace("_", "-"), names, n=3, cutoff=0.5)
    return f"unknown {kind} {name!r}; " + (f"did you mean {' or '.join(near)}?" if near else otherwise)
