"""Limits of gates from texts: `latency=5%`, `macs=0`, `latency=none`, `x3d-*:latency=5%`."""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from vidbench.cli.options import read_share
from vidbench.errors import InputError

if TYPE_CHECKING:
    from vidbench.gates import Limits
    from vidbench.records import Case


def add_limits(
    limits: "Limits", texts: Iterable[str], only: Collection[str] | None = None, cases: "Sequence[Case]" = ()
) -> "Limits":
    """The limits of these cases with those of the texts over them; of `only` these metrics, where some are named.

    Raises:
        InputError: a text has another form, or names no metric; nothing limits one of `only`.
    """
    from vidbench.gates import Limits
    from vidbench.metrics import METRICS

    shared = dict(limits.shared)
    by_case = {pattern: dict(own) for pattern, own in limits.by_case.items()}
    for text in texts:
        place, equals, amount = text.rpartition("=")
        pattern, _, metric = place.rpartition(":")
        if not equals or not metric:
            raise InputError(f"--limit takes a metric and a share, such as latency=5% or 'x3d-*:macs=0', not {text!r}")
        own = by_case.setdefault(pattern, {}) if pattern else shared
        own[metric] = parse_limit(f"--limit {place}", amount)
    for name in only or ():
        if name not in METRICS:
            raise InputError(f"--only: unknown metric {name!r}; there are {', '.join(METRICS)}")
        patterns = any(name in own for own in by_case.values())
        if name not in shared and not patterns and not any(name in limits.special(case) for case in cases):
            raise InputError(f"--only {name}: it has no limit; give one with --limit {name}=5%")
    return Limits(shared, by_case, limits.special, None if only is None else frozenset(only))


def parse_limit(option: str, text: str) -> float | None:
    """`5%`, `0.05` or `0` as a share; None for `none`, as much as it likes."""
    if text.strip().lower() == "none":
        return None
    share = read_share(text)
    if not 0 <= share < float("inf"):
        raise InputError(f"{option} takes a share such as 5%, 0.05 or 0, or none, not {text!r}")
    return share
