"""Nets that users' own code makes: whatever can be imported as `package.module:factory`, and registered families."""

import inspect
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from copy import deepcopy
from difflib import get_close_matches
from functools import partial
from importlib import import_module, invalidate_caches
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from torch import nn

from vidbench.catalog import Family, Variant
from vidbench.errors import InputError, OwnCodeError, first_line
from vidbench.models.architecture import Architecture

SHOWN = 5  # names in a message
BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
CATCH_ALL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def build_own(name: str, *, frames: int, size: int, classes: int | None) -> nn.Module:
    """The net that `package.module:factory` gives, the current folder being on Python's path.

    A factory or class is called with those of `frames`, `size` and `classes` that its signature names; `classes` is
    left out where it is None. A module that stands ready is copied.

    Raises:
        InputError: it cannot be found or called, gives something else than a module, or takes no classes although
            they are given.
        OwnCodeError: its code fails.
    """
    module, _, path = name.partition(":")
    _add_current_folder()
    maker = _find(_import(module), path)
    wanted = {"frames": frames, "size": size, "classes": classes}
    if isinstance(maker, nn.Module):
        if classes is not None:
            raise InputError(f"{name} is a module that stands ready, and takes no classes; leave out --classes")
        return _call(name, lambda: deepcopy(maker), {})
    if not callable(maker):
        raise InputError(f"{name} is {_kind(maker)}; name a function, a class or a torch.nn.Module")
    return _call(name, maker, _choose_arguments(name, maker, wanted))


def load_architecture(family: Family) -> Architecture:
    """What a family's module hands over.

    Raises:
        InputError: a package registered the module, and it hands over something else.
        OwnCodeError: a package registered the module, and it cannot be imported.
    """
    if family.package is None:
        built_in: Architecture = import_module(family.module).FAMILY
        return built_in
    whose = f"the family {family.name} of the package {family.package} cannot be used: "
    try:
        found = getattr(_import(family.module), "FAMILY", None)
    except InputError as error:
        raise OwnCodeError(f"{whose}{error}") from error.__cause__
    if not isinstance(found, Architecture):
        raise InputError(f"{whose}{family.module} does not end in FAMILY = Architecture(Config, Net)")
    return found


def build_variant(variant: Variant, family: Family, *, classes: int, frames: int, size: int) -> nn.Module:
    """The net of a family's row, for such clips.

    Raises:
        InputError: a package registered the family, and it gives something else than a module.
        OwnCodeError: a package registered the family, and its code fails.
    """
    architecture = load_architecture(family)
    make = partial(architecture.build, variant.config, classes=classes, frames=frames, size=size)
    if family.package is None:
        return make()
    return _call(f"{variant.name} of the package {family.package}", make, {})


def _add_current_folder() -> None:
    """As `python -m` does, and for good: what is imported may import more when it is called."""
    here = Path.cwd()
    if not any(Path(place).resolve() == here for place in sys.path):
        sys.path.insert(0, str(here))


def _import(name: str) -> ModuleType:
    invalidate_caches()
    try:
        # Whatever users' code prints must not mix with results on stdout.
        with redirect_stdout(sys.stderr):
            return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None:
            raise OwnCodeError(_failure(f"importing {name}", error)) from error
        if f"{name}.".startswith(f"{error.name}."):
            raise InputError(_no_module(error.name)) from error
        raise OwnCodeError(
            f"{name} is there but needs the module {error.name}, which is not; install it, or mend the import"
        ) from error
    except (Exception, SystemExit) as error:
        raise OwnCodeError(_failure(f"importing {name}", error)) from error


def _no_module(name: str) -> str:
    parent, _, last = name.rpartition(".")
    places = getattr(sys.modules[parent], "__path__", []) if parent else None
    near = get_close_matches(last, {module.name for module in iter_modules(places)}, n=1)
    where = f"in {parent}" if parent else f"in {Path.cwd()} or among the installed packages"
    asked = f"; did you mean {f'{parent}.' if parent else ''}{near[0]}?" if near else "; check its name and the folder"
    return f"there is no module {last} {where}{asked}"


def _find(module: ModuleType, path: str) -> object:
    """What stands in the module under that dotted name."""
    found: object = module
    for depth, part in enumerate(path.split(".")):
        if not hasattr(found, part):
            holder = ".".join([module.__name__, *path.split(".")[:depth]])
            names = [name for name, value in getattr(found, "__dict__", {}).items() if _is_maker(value, module)]
            near = get_close_matches(part, names, n=1, cutoff=0.5)
            asked = f"did you mean {near[0]}?" if near else f"it has {', '.join(names[:SHOWN]) or 'nothing to call'}"
            raise InputError(f"{holder} has no {part}; {asked}")
        found = getattr(found, part)
    return found


def _is_maker(value: object, module: ModuleType) -> bool:
    """Whether that is a module, or a function or class of that file, rather than one that it imports."""
    return isinstance(value, nn.Module) or (callable(value) and getattr(value, "__module__", None) == module.__name__)


def _choose_arguments(name: str, maker: Callable[..., Any], wanted: Mapping[str, int | None]) -> dict[str, int]:
    """Those that the maker's signature names; `**kwargs` names none."""
    try:
        parameters = list(inspect.signature(maker).parameters.values())
    except (TypeError, ValueError):  # something written in C
        parameters = []
    named = {parameter.name for parameter in parameters if parameter.kind in BY_NAME}
    if wanted["classes"] is not None and "classes" not in named:
        raise InputError(
            f"{name} takes no classes: give it a parameter of that name, or leave out --classes (classes= in Python)"
        )
    chosen = {key: value for key, value in wanted.items() if key in named and value is not None}
    needed = [p.name for p in parameters if p.default is p.empty and p.kind not in CATCH_ALL and p.name not in chosen]
    if needed == ["classes"]:
        raise InputError(f"{name} needs a number of classes; give --classes (classes= in Python)")
    if needed:
        raise InputError(
            f"{name} needs {' and '.join(needed)}, which vidbench cannot give; give defaults, or name a factory whose "
            "parameters are among frames, size and classes"
        )
    return chosen


def _call(name: str, maker: Callable[..., Any], arguments: Mapping[str, int]) -> nn.Module:
    shown = f"{name}({', '.join(f'{key}={value}' for key, value in arguments.items())})" if arguments else name
    try:
        with redirect_stdout(sys.stderr):
            net = maker(**arguments)
    except (Exception, SystemExit) as error:
        raise OwnCodeError(_failure(f"building {shown}", error)) from error
    if not isinstance(net, nn.Module):
        raise InputError(f"{shown} gives {_kind(net)}; it has to return a torch.nn.Module")
    return net


def _failure(doing: str, error: Exception | SystemExit) -> str:
    if isinstance(error, SystemExit):
        return f"{doing} would end the process (SystemExit: {error.code}); keep that for `if __name__ == '__main__'`"
    return f"{doing} failed: {type(error).__name__}: {first_line(error)}"


def _kind(thing: object) -> str:
    if isinstance(thing, type):
        return f"the class {thing.__name__}"
    return "None" if thing is None else f"something of type {type(thing).__name__}"
