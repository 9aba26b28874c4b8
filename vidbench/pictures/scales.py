"""Axes: from figures to places on paper, with ticks at round figures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDE = 8.0  # from this ratio of the greatest to the least figure on, an axis is logarithmic
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Axis:
    """From `low` to `high`, which lie at `start` and `end`; ticks are figures."""

    low: float
    high: float
    start: float
    end: float
    log: bool
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Where the figure lies."""
        low, high, at = (
            (math.log(x) for x in (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        )
        return self.start + (at - low) / (high - low) * (self.end - self.start)


def make_axis(
    values: Sequence[float],
    start: float,
    end: float,
    *,
    log: bool | None = None,
    zero: bool = False,
    room: float = 0.06,
) -> Axis:
    """An axis that holds all values with some room, logarithmic where they are positive and far apart.

    Args:
        values: at least one.
        start: where the least figure lies.
        end: where the greatest lies.
        log: whether it is logarithmic, whatever the values.
        zero: whether it begins at 0.
        room: share of the axis that is left free at either end.
    """
    low, high = min(values), max(values)
    if log is None:
        log = not zero and low > 0 and high / low >= WIDE
    if log:
        free = max((high / low) ** room, 1.06)
        low, high = low / free, high * free
        return Axis(low, high, start, end, log, _log_ticks(low, high))
    free = room * (high - low) or room * abs(high) or 1.0
    low, high = (0.0 if zero else low - free), high + free
    return Axis(low, high, start, end, log, _ticks(low, high))


def _ticks(low: float, high: float, about: int = 5) -> tuple[float, ...]:
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in STEPS if step * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(number * step, 12) for number in range(first, last + 1))


def _log_ticks(low: float, high: float) -> tuple[float, ...]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)):
        ticks = tuple(digit * 10.0**power for power in decades for digit in digits)
        ticks = tuple(tick for tick in ticks if low <= tick <= high)
        if len(ticks) >= 4:
            return ticks
    return ticks if len(ticks) > 1 else _ticks(low, high, about=4)
