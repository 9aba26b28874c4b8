"""vidbench: what video-recognition networks cost, measured and explained."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidbench.counting import Count as Count
    from vidbench.counting import count as count
    from vidbench.counting import register_rule as register_rule
    from vidbench.errors import VidbenchError as VidbenchError
    from vidbench.models import build as build
    from vidbench.records import Clip as Clip
    from vidbench.run import profile as profile
    from vidbench.table import read as read

__version__ = "0.1.0"

# Loaded when first asked for: `vidbench list` must not pay for torch, nor `import vidbench` for either.
_HOMES = {
    "Clip": "vidbench.records",
    "Count": "vidbench.counting",
    "VidbenchError": "vidbench.errors",
    "build": "vidbench.models",
    "count": "vidbench.counting",
    "profile": "vidbench.run",
    "read": "vidbench.table",
    "register_rule": "vidbench.counting",
}

__all__ = ["Clip", "Count", "VidbenchError", "build", "count", "profile", "read", "register_rule"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vidbench' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
