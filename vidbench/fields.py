"""A TOML table as a dataclass: keys that are missing, unknown or of another type are refused by name."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from vidbench.errors import InputError

T = TypeVar("T")
NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", tuple: "a list"}


def build_row(kind: Callable[..., T], table: Mapping[str, Any], place: str) -> T:
    """The dataclass with the table's values, lists as tuples.

    Raises:
        InputError: a key is missing, unknown or of another type; the message begins with `place`.
    """
    hints, required = _fields(kind)
    for key in table.keys() - hints.keys():
        near = get_close_matches(key, hints, n=1)
        raise InputError(f"{place}: unknown key {key!r}" + (f"; did you mean {near[0]}?" if near else ""))
    if missing := [key for key in required if key not in table]:
        raise InputError(f"{place}: no {' and no '.join(missing)}")
    for key, value in table.items():
        if not _fits(value, hints[key]):
            raise InputError(f"{place}: {key} is {value!r}, not {_name(hints[key])}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in table.items()})


@cache
def _fields(kind: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The types of a dataclass's fields by name, and the names of those without a default."""
    required = tuple(f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING)
    return get_type_hints(kind), required


def _fits(value: object, hint: Any) -> bool:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return any(_fits(value, part) for part in parts)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return False
        several = parts[:1] * len(value) if parts[-1] is ... else parts
        return len(value) == len(several) and all(map(_fits, value, several))
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return value in parts if origin is Literal else isinstance(value, origin or hint)


def _name(hint: Any) -> str:
    """What a value should be, in words."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return " or ".join(_name(part) for part in parts if part is not NoneType)
    if origin is tuple and parts[-1] is not ...:
        return f"a list of {len(parts)}, each {_name(parts[0])}"
    if origin is tuple and get_origin(parts[0]) is Literal:
        return f"a list of {_name(parts[0])}"
    if origin is Literal:
        return " or ".join(map(repr, parts))
    return NAMES.get(origin or hint, "a table")
