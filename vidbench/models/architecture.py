"""What a family file hands over: its configuration and the net built from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from torch import nn


@dataclass(frozen=True, slots=True)
class Architecture:
    """A family's `Config` (its fields are the keys of the family's TOML rows) and the net that takes one.

    A Config with a field `frames` or `size`, which its rows leave out, is told the clip that the net is built for.
    """

    config: type[Any]
    net: Callable[[Any], nn.Module]

    def build(self, config: Mapping[str, Any], *, classes: int, frames: int, size: int) -> nn.Module:
        """The net of one TOML row; lists of the row become tuples, for configurations are frozen."""
        row = {key: _frozen(value) for key, value in config.items()}
        known = {field.name for field in fields(self.config)}
        clip = {key: value for key, value in (("frames", frames), ("size", size)) if key in known - row.keys()}
        return self.net(self.config(**row, **clip, classes=classes))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
