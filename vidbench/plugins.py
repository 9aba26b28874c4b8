"""Families that installed packages register: each a module of theirs with its TOML beside it; nothing is imported."""

from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from vidbench.errors import InputError

GROUP = "vidbench.families"


@dataclass(frozen=True, slots=True, order=True)
class Plugin:
    """A family that a package registers: its name, the module that ends in FAMILY, and the package with its version."""

    family: str
    module: str
    package: str


def find_plugins() -> list[Plugin]:
    """All that is registered, in the order of the families' names."""
    return sorted(Plugin(point.name, point.value, _package(point)) for point in entry_points(group=GROUP))


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "no known package"


def find_rows(plugin: Plugin) -> Path:
    """The TOML file beside the module, found without running any code of the package.

    Raises:
        InputError: there is no such module, or no file beside it.
    """
    if not all(part.isidentifier() for part in plugin.module.split(".")):
        raise InputError(f"{plugin.module!r} is no module's name; register the module that ends in FAMILY")
    spec = _find_module(plugin.module)
    if spec is None or not spec.has_location or spec.origin is None:
        raise InputError(f"there is no module {plugin.module}; register the one that ends in FAMILY")
    path = Path(spec.origin).with_suffix(".toml")
    if not path.is_file():
        raise InputError(f"there is no file {path}; the variants stand in a TOML file beside the module")
    return path


def _find_module(name: str) -> ModuleSpec | None:
    """Where the module is; importlib's own search would import what it lies in, and torch with it."""
    top, *inner = name.split(".")
    spec = find_spec(top)
    for part in inner:
        if spec is None or spec.submodule_search_locations is None:
            return None
        # By its last name alone: a folder without __init__.py would otherwise look for its imported parent.
        spec = PathFinder.find_spec(part, list(spec.submodule_search_locations))
    return spec
