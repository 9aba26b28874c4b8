"""What a family file hands over: its configuration and the net built from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn


@dataclass(frozen=True, slots=True)
class Architecture:
    """A family's `Config` (its fields are the keys of the family's TOML rows) and the net that takes one."""

    config: type[Any]
    net: Callable[[Any], nn.Module]

    def build(self, config: dict[str, Any], classes: int) -> nn.Module:
        """The net of one TOML row; lists of the row become tuples, for configurations are frozen."""
        return self.net(self.config(**{key: _frozen(value) for key, value in config.items()}, classes=classes))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
