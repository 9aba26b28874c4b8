"""What the runs of two sides say about a limit: exceeded, kept, or not known yet; pure numbers, lower being better."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from vidbench.comparison.ranks import bound_ratio, least_chance, rank_test, ratios
from vidbench.gates.limits import Rules
from vidbench.statistics import spread_of

Answer = Literal["exceeded", "kept", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What can be told, and of what.

    `change` is the middle of the ratios of every new run to every old one, less 1. Above `low` it lies but for the
    risk of a false alarm, below `high` but for the risk of a miss; both are None where the runs are too few.
    """

    answer: Answer
    reason: str
    change: float
    low: float | None
    high: float | None
    widened: float


def decide(old: Sequence[float], new: Sequence[float], limit: float, noise: float, rules: Rules) -> Decision:
    """Hold the new runs against the old ones, each in the order they were taken.

    Args:
        old: a figure a run, lower being better; at least one.
        new: the same of the other side.
        limit: the share by which the new may be greater.
        noise: how far runs of one and the same thing lie apart, as a share, where that is known from elsewhere.
        rules: how sure to be.
    """
    tolerated = max(limit, rules.effect)
    spread = max(noise, spread_of(old), spread_of(new))
    widened = max(tolerated, spread)
    low = bound_ratio(old, new, rules.alarm).low - 1
    high = bound_ratio(old, new, rules.miss).high - 1
    answer: Answer = "unknown"
    if unsteady := _find_unsteady(old, new, rules):
        reason = f"the machine was not steady: {unsteady} later runs lie apart from the earlier ones"
    elif low > widened:
        answer, reason = "exceeded", "above the limit"
    elif high <= tolerated:
        answer, reason = "kept", "within the limit"
    elif least_chance(len(old), len(new)) > rules.alarm:
        reason = f"{len(old)} and {len(new)} runs are too few to tell; take 10 or more of each (--repeats 10)"
    elif low > tolerated:
        reason = f"above the limit, but runs of one side lie {spread:.1%} apart"
    else:
        reason = "the runs lie too far apart to tell"
    return Decision(
        answer=answer,
        reason=reason,
        change=median(ratios(old, new)) - 1,
        low=low if low > -1 else None,
        high=high if math.isfinite(high) else None,
        widened=widened,
    )


def is_unsteady(runs: Sequence[float], rules: Rules) -> bool:
    """Whether the earlier half of the runs and the later half differ by more than chance, and by what matters."""
    half = len(runs) // 2
    if not half or rank_test(runs[:half], runs[half:]) > rules.unsteady:
        return False
    return abs(median(ratios(runs[:half], runs[half:])) - 1) > rules.effect


def _find_unsteady(old: Sequence[float], new: Sequence[float], rules: Rules) -> str | None:
    """Whose runs were not taken in peace."""
    sides = {"the baseline's": old, "the new": new}
    return next((name for name, runs in sides.items() if is_unsteady(runs, rules)), None)
