"""The architectures, read from TOML files without torch: variants, default clips, published figures."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Literal

from vidbench.errors import InputError, first_line
from vidbench.fields import build_row
from vidbench.plugins import Plugin, find_plugins, find_rows
from vidbench.records import RGB

NAME = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")  # of families and variants
POSITIVE = (
    "frames", "size", "classes", "params", "stride", "frames_min", "frames_multiple", "size_min", "size_multiple",
)  # fmt: skip
OWN_CLIP = (16, 224)  # frames and size for nets of users' own

# A data set that is not here has the classes of the variant whose figure is published for it.
DATASET_CLASSES = {"K400": 400, "K600": 600, "SSv1": 174, "SSv2": 174, "SSv1/SSv2": 174}


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
class Net:
    """What can be told of a net before it is built; of a user's own neither its classes nor its parameters."""

    name: str
    family: str
    frames: int
    size: int
    classes: int | None = None
    params: int | None = None
    stride: int = 1
    config: Mapping[str, Any] = field(default_factory=dict)
    published: tuple[Published, ...] = ()
    frames_min: int = 1
    frames_multiple: int = 1
    frames_fixed: bool = False
    size_min: int = 1
    size_multiple: int = 1
    size_fixed: bool = False
    clip_reason: str | None = None  # why it takes no other clips than these
    params_follow: tuple[Literal["frames", "size"], ...] = ()  # what of the clip its parameters are shaped for
    unsampled: str | None = None  # the variant that an adaptive one is without its sampling
    adaptive: bool = False  # its work depends on what the clip holds

    @property
    def least_frames(self) -> int:
        """The fewest frames that it takes."""
        return self.frames if self.frames_fixed else _round_up(self.frames_min, self.frames_multiple)

    @property
    def least_size(self) -> int:
        """The smallest size that it takes."""
        return self.size if self.size_fixed else _round_up(max(self.size_min, self.stride), self.size_multiple)

    def check_frames(self, frames: int) -> None:
        """Raise InputError where the net cannot take that many frames."""
        least, step = self.least_frames, 0 if self.frames_fixed else self.frames_multiple
        if not _is_taken(frames, least, step):
            reason = f": {self.clip_reason}" if self.clip_reason else ""
            raise InputError(
                f"{self.name} cannot take {frames} frames{reason}; it takes {_name_taken(frames, least, step)}"
            )

    def check_size(self, size: int) -> None:
        """Raise InputError where the net cannot take frames of that size, or they are smaller than its total stride."""
        least, step = self.least_size, 0 if self.size_fixed else self.size_multiple
        if not _is_taken(size, least, step):
            stride = f"its total stride is {self.stride}" if size < self.stride else None
            # What there is to say of frames is not why a size below the stride is refused.
            why = (stride if self.least_size == self.stride else None) or self.clip_reason or stride
            reason = f": {why}" if why else ""
            raise InputError(
                f"{self.name} cannot take frames of {size} x {size}{reason}; "
                f"it takes sizes of {_name_taken(size, least, step)}"
            )

    def built_for(self, frames: int, size: int) -> dict[str, int]:
        """That of a clip which the net's parameters are shaped for; where two clips agree in it, one net takes both."""
        clip = {"frames": frames, "size": size}
        return {key: clip[key] for key in self.params_follow}

    def published_at(self, frames: int, size: int, classes: int) -> tuple[Published, ...]:
        """The published figures taken at exactly this setting."""
        wanted = (frames, size, classes)
        return tuple(
            p
            for p in self.published
            if (p.frames, p.size, DATASET_CLASSES.get(p.dataset, self.classes)) == wanted and p.gmacs is not None
        )

    def headline(self) -> Published | None:
        """What to show where there is room for one: a figure at the default clip and classes if there is any."""

        def distance(p: Published) -> tuple[bool, ...]:
            at_default = (p.frames, p.size) == (self.frames, self.size)
            other_classes = DATASET_CLASSES.get(p.dataset, self.classes) != self.classes
            return p.gmacs is None, other_classes, not at_default, p.top1 is None

        return min(self.published, key=distance, default=None)


def _round_up(number: int, step: int) -> int:
    return -(-number // step) * step


def _is_taken(number: int, least: int, step: int) -> bool:
    """Whether it is `least`, or so many steps more; without a step, `least` alone."""
    return number == least if step == 0 else number >= least and number % step == 0


def _name_taken(number: int, least: int, step: int) -> str:
    """What is taken, as near as can be to a number that is not."""
    if step == 0:
        return f"{least} alone"
    if number < least:
        return f"{least}, {least + step}, {least + 2 * step}, ..."
    return f"{number // step * step} or {number // step * step + step} (multiples of {step})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant(Net):
    """One net of a family: its default clip, the clips it takes, its configuration and its published figures.

    `mean` and `std` are how its authors normalise RGB in 0..1.
    """

    classes: int
    params: int
    stride: int
    config: Mapping[str, Any]
    published: tuple[Published, ...]
    mean: RGB
    std: RGB


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Variants that one module builds.

    `module` is what to import for it, `package` who registered it; None where it is built in.
    """

    name: str
    title: str
    paper: str
    code: str
    default: str
    variants: Mapping[str, Variant]
    module: str
    package: str | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A family that a package registers and that cannot be had."""

    plugin: Plugin
    reason: str

    def __str__(self) -> str:
        return f"the family {self.plugin.family} of the package {self.plugin.package} is left out: {self.reason}"


def families() -> Mapping[str, Family]:
    """All families by name, in the order of their names, those that packages register last."""
    return _load().families


def variants() -> Mapping[str, Variant]:
    """All variants by name."""
    return _load().variants


def left_out() -> tuple[LeftOut, ...]:
    """The families that packages register and that are not among `families`, with the reason of each."""
    return _load().left_out


@dataclass(frozen=True, slots=True)
class _Catalog:
    families: Mapping[str, Family]
    variants: Mapping[str, Variant]
    left_out: tuple[LeftOut, ...]


@cache
def _load() -> _Catalog:
    files = {file.stem: file for file in Path(__file__).with_name("models").glob("*.toml")}
    built_in = [
        _read(stem.replace("_", "-"), files[stem], f"vidbench.models.{stem}", package=None) for stem in sorted(files)
    ]
    found = {family.name: family for family in built_in}
    problems = []
    for plugin in find_plugins():
        try:
            family = _read(plugin.family, find_rows(plugin), plugin.module, plugin.package)
            _check_plugin(family, found)
            found[family.name] = family
        except (ValueError, OSError) as error:  # InputError, and what reading files and TOML raises
            problems.append(LeftOut(plugin, first_line(error)))
    every = {name: variant for family in found.values() for name, variant in family.variants.items()}
    return _Catalog(found, every, tuple(problems))


def _read(name: str, path: Path, module: str, package: str | None) -> Family:
    """A family from its TOML file.

    Raises:
        InputError: a key is missing, unknown or of another type.
    """
    head = tomllib.loads(path.read_text("utf-8"))
    shared = {key: head.pop(key) for key in ("stride", "mean", "std") if key in head}  # of rows without their own
    rows = head.pop("variants", None)
    if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
        raise InputError(f"{path}: no variants; give each a table [variants.NAME]")
    variants = {}
    for key, row in rows.items():
        place = f"{path}, {key}"
        figures = row.pop("published", None)
        if not isinstance(figures, list) or not all(isinstance(one, dict) for one in figures):
            raise InputError(f"{place}: published is no list of tables; give one, empty where nothing is published")
        published = tuple(build_row(Published, one, f"{place}, published") for one in figures)
        told = {**shared, **row, "name": key, "family": name, "published": published}
        variants[key] = build_row(Variant, told, place)
    told = {**head, "name": name, "variants": variants, "module": module, "package": package}
    return build_row(Family, told, str(path))


def _check_plugin(family: Family, others: Mapping[str, Family]) -> None:
    """Raise InputError where a name is taken or no name, or a row contradicts itself."""
    taken = {*others, *(name for other in others.values() for name in other.variants)}
    for name in (family.name, *family.variants):
        if name in taken:
            raise InputError(f"there is another {name}; give it another name")
        if not NAME.fullmatch(name):
            raise InputError(f"{name!r} is no name; use lower-case letters, figures and hyphens")
    if family.default not in family.variants:
        raise InputError(f"its default {family.default} is none of its variants ({', '.join(family.variants)})")
    if family.name in family.variants and family.name != family.default:
        raise InputError(
            f"its variant {family.name} bears the family's name, which stands for the default {family.default}; "
            "give it another name"
        )
    for variant in family.variants.values():
        for key in POSITIVE:
            if getattr(variant, key) < 1:
                raise InputError(f"{key} of {variant.name} is {getattr(variant, key)}; give 1 or more")
        if variant.unsampled is not None and variant.unsampled not in {*taken, *family.variants}:
            raise InputError(f"there is no {variant.unsampled}, which {variant.name} is said to be without sampling")
        variant.check_frames(variant.frames)
        variant.check_size(variant.size)


def find_variant(name: str) -> Net:
    """The variant of that name; a family's name stands for its default variant, which may bear it.

    A name with a colon is a user's own net: `package.module:factory`, which is not looked for until it is built.

    Raises:
        InputError: there is no such name; the message has the nearest ones.
    """
    if is_own(name):
        return _describe_own(name)
    if name in families():
        name = families()[name].default
    if name not in variants():
        raise InputError(_unknown("model", name, list({**variants(), **families()}), "`vidbench list` shows all"))
    return variants()[name]


def find_variants(pattern: str) -> list[Net]:
    """The variants a name or a shell pattern (`x3d-*`, `*`) stands for.

    Raises:
        InputError: nothing has that name or fits that pattern.
    """
    if not is_pattern(pattern):
        return [find_variant(pattern)]
    found: list[Net] = [variant for name, variant in variants().items() if fnmatchcase(name, pattern)]
    if not found:
        raise InputError(f"no model fits {pattern!r}; `vidbench list` shows all")
    return found


def find_nets(names: Iterable[str]) -> tuple[list[Net], frozenset[str]]:
    """What names and shell patterns stand for, each once, and the names of those that patterns alone stand for.

    Raises:
        InputError: nothing has one of the names or fits one of the patterns.
    """
    found: dict[str, Net] = {}
    named: set[str] = set()
    for name in names:
        nets = {net.name: net for net in find_variants(name)}
        found |= nets
        named |= set() if is_pattern(name) else nets.keys()
    return [*found.values()], frozenset(found.keys() - named)


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


def is_own(name: str) -> bool:
    """Whether that is the name of a user's own net, `package.module:factory`, rather than one of the catalog's."""
    return ":" in name


def is_pattern(name: str) -> bool:
    """Whether that is a shell pattern, which stands for all variants that it fits."""
    return not is_own(name) and bool(set("*?[") & set(name))


def _describe_own(name: str) -> Net:
    """Of a user's own net is known what to import, and that it takes any clip.

    Raises:
        InputError: the name is not of that form.
    """
    module, _, attribute = name.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
        likely = module.removesuffix(".py").strip("./").replace("/", ".")
        raise InputError(
            f"{name!r} is no name of a net; write what Python would import, a colon, and what makes the net: "
            f"{likely or 'package.module'}:{attribute or 'factory'}"
        )
    frames, size = OWN_CLIP
    # A factory may build another net for each clip.
    return Net(name=name, family=name, frames=frames, size=size, params_follow=("frames", "size"))


def _unknown(kind: str, name: str, names: list[str], otherwise: str) -> str:
    from difflib import get_close_matches

    missing = [str(problem) for problem in left_out() if problem.plugin.family == name]
    if missing:
        return missing[0]
    near = get_close_matches(name.lower().replace("_", "-"), names, n=3, cutoff=0.5)
    return f"unknown {kind} {name!r}; " + (f"did you mean {' or '.join(near)}?" if near else otherwise)
