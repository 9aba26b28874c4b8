"""A TOML table becomes a dataclass, or is refused with the name of what is wrong in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from vidbench.errors import InputError
from vidbench.fields import build_row


@dataclass(frozen=True)
class Row:
    """All kinds of fields that the catalog has."""

    name: str
    frames: int
    gmacs: float | None = None
    views: int | str | None = None
    fixed: bool = False
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    widths: tuple[int, ...] = ()
    follows: tuple[Literal["frames", "size"], ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)


def test_values():
    """What fits is taken as it is, lists as tuples; what is not given has its default."""
    table = {"name": "a", "frames": 8, "gmacs": 3, "views": "10x3", "mean": [0, 0.5, 1], "follows": ["size"]}
    table["config"] = {"depth": [1]}
    assert build_row(Row, table, "here") == Row("a", 8, 3, "10x3", False, (0, 0.5, 1), (), ("size",), {"depth": [1]})
    assert build_row(Row, {"name": "a", "frames": 8, "widths": []}, "here") == Row("a", 8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frame": 8}, "unknown key 'frame'; did you mean frames?"),
        ({"zzz": 8}, "unknown key 'zzz'"),
        ({"frames": "8"}, "frames is '8', not a whole number"),
        ({"frames": 8.0}, "frames is 8.0, not a whole number"),
        ({"frames": True}, "frames is True, not a whole number"),
        ({"name": 8}, "name is 8, not a text"),
        ({"gmacs": "8"}, "gmacs is '8', not a number"),
        ({"views": [30]}, "views is [30], not a whole number or a text"),
        ({"fixed": 1}, "fixed is 1, not true or false"),
        ({"mean": [0.45]}, "mean is [0.45], not a list of 3, each a number"),
        ({"mean": [0.1, 0.2, "b"]}, "mean is [0.1, 0.2, 'b'], not a list of 3, each a number"),
        ({"widths": 8}, "widths is 8, not a list"),
        ({"widths": ["a"]}, "widths is ['a'], not a list"),
        ({"follows": ["time"]}, "follows is ['time'], not a list of 'frames' or 'size'"),
        ({"config": [8]}, "config is [8], not a table"),
    ],
)
def test_refusals(changes, message):
    """A key that is unknown or of another type is named, with what it should be."""
    with pytest.raises(InputError) as caught:
        build_row(Row, {"name": "a", "frames": 8, **changes}, "a.toml, net-a")
    assert str(caught.value) == f"a.toml, net-a: {message}"


def test_missing():
    """Keys that have to be there are named together."""
    with pytest.raises(InputError, match=r"^a\.toml: no name and no frames$"):
        build_row(Row, {}, "a.toml")
