"""How often to call: warming up until the time of a call stands still, then sampling until its median is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, NamedTuple, Protocol

from vidbench.records import NOT_SETTLED, Measurement
from vidbench.statistics import (
    CONFIDENCE,
    count_outliers,
    median_interval,
    quantile,
    relative_precision,
    summarise,
    thin,
)
from vidbench.units import format_tolerance

WARM_UP_CALLS, WARM_UP_SECONDS, WARM_UP_LIMIT = 2, 0.5, 3.0
MOVEMENT = 0.02  # of the running median: less is standing still
WARM_UP_KEPT = 100  # samples
PRECISION = 0.01
SPARSELY = 10  # whether enough is known is asked again after a tenth more samples, not after each
UNSTEADY = (
    f"the warm-up reached its limit of {WARM_UP_LIMIT:g} s before its running median was seen to stand still; "
    "the first samples may be too slow"
)

Take = Callable[[], float]  # one sample: the seconds that a call, or several, took


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to sample: at least `calls` and `seconds`, then until the median is known or `budget` seconds are spent.

    `precision` is how well the median is to be known, as a share of it: how far its 95% interval may reach.
    """

    calls: int
    seconds: float
    budget: float
    precision: float = PRECISION

    def to(self, precision: float) -> "Effort":
        """The same for another precision."""
        return replace(self, precision=precision)

    def describe(self, what: str, warm_up: str | None = None) -> str:
        """For a method, of samples that are called so, after that warm-up."""
        least = f"at least {self.calls} {what}" + (f" and {self.seconds:g} s" if self.seconds else "")
        return (
            f"{least}, until the 95% interval of the median is within {format_tolerance(self.precision)} of it or "
            f"{self.budget:g} s are spent, after {warm_up or WARM_UP}"
        )


WARM_UP = (
    f"a warm-up until its running median moves by less than {100 * MOVEMENT:g}% or than calls scatter "
    f"({WARM_UP_SECONDS:g} to {WARM_UP_LIMIT:g} s)"
)


class WarmUp(NamedTuple):
    """Seconds of each warm-up call, and whether their running median came to stand still."""

    samples: tuple[float, ...]
    steady: bool

    @property
    def details(self) -> dict[str, Any]:
        """What of it stays with a figure."""
        return {
            "warm_up_calls": len(self.samples),
            "warm_up": thin(self.samples, WARM_UP_KEPT),
            "steady": self.steady,
        }

    @property
    def caveats(self) -> tuple[str, ...]:
        """What must be said of figures taken after it."""
        return () if self.steady else (UNSTEADY,)


def warm_up(take: Take) -> WarmUp:
    """Call until the running median stands still: for at least 2 calls and 0.5 s, for at most 3 s after the first."""
    samples: list[float] = []
    seconds, ask, steady = 0.0, 0, False
    while len(samples) < WARM_UP_CALLS or seconds < WARM_UP_SECONDS or (seconds < WARM_UP_LIMIT and not steady):
        samples.append(take())
        seconds += samples[-1] if len(samples) > 1 else 0.0  # a first call may compile for longer than the limit
        if seconds >= WARM_UP_SECONDS and len(samples) >= ask:
            steady = is_steady(samples)
            ask = _later(len(samples))
    return WarmUp(tuple(samples), is_steady(samples))


def is_steady(samples: Sequence[float]) -> bool:
    """Whether the medians of the last two quarters differ by under 2%, or by less than samples scatter in either."""
    quarter = len(samples) // 4
    if quarter == 0:
        return False
    before, after = sorted(samples[-2 * quarter : -quarter]), sorted(samples[-quarter:])
    scatter = min(quantile(part, 0.75) - quantile(part, 0.25) for part in (before, after))
    return abs(median(after) - median(before)) <= max(MOVEMENT * median(before), scatter)


def sample(
    take: Take, effort: Effort, figure: Callable[[float], float] = float, tick: Callable[[], None] = lambda: None
) -> tuple[list[float], float]:
    """Figures made of one sample each until their median is known well enough, and the seconds that this took.

    `tick` is called after each, outside of what is timed: to look at the machine, say.
    """
    figures: list[float] = []
    spent, ask = 0.0, 0
    while True:
        seconds = take()
        spent += seconds
        figures.append(figure(seconds))
        tick()
        if len(figures) < effort.calls or spent < effort.seconds:
            continue
        if spent >= effort.budget:
            return figures, spent
        if len(figures) >= ask:
            if is_settled(figures, effort.precision):
                return figures, spent
            ask = _later(len(figures))


def is_settled(figures: Sequence[float], precision: float) -> bool:
    """Whether a 95% interval of their median reaches no further from it than that share of it."""
    interval = median_interval(figures)
    return interval.confidence >= CONFIDENCE and relative_precision(figures, interval) <= precision


def describe_samples(figures: Sequence[float], effort: Effort) -> dict[str, Any]:
    """Their summary, outliers, the interval of their median, how precise it is and whether that is what was asked."""
    interval = median_interval(figures)
    return {
        **summarise(figures),
        "outliers": count_outliers(figures),
        "interval": [interval.low, interval.high],
        "confidence": interval.confidence,
        "precision": relative_precision(figures, interval),
        "precision_asked": effort.precision,
        "settled": is_settled(figures, effort.precision),
    }


def doubt_samples(figures: Sequence[float], spent: float, effort: Effort, what: str) -> tuple[str, ...]:
    """Where the median is not known as well as was asked, a caveat that says how well it is."""
    if is_settled(figures, effort.precision):
        return ()
    interval = median_interval(figures)
    known = format_tolerance(relative_precision(figures, interval))
    sure = "" if interval.confidence >= CONFIDENCE else f" at {interval.confidence:.0%} instead of {CONFIDENCE:.0%}"
    asked = format_tolerance(effort.precision)
    after = f"after {len(figures)} {what} in {spent:.1f} s"
    return (f"{NOT_SETTLED}: {after} the median is known to {known}{sure}, not {asked}",)


class Beside(Protocol):
    """What goes with samples: their warm-up, or the window in which the machine was watched."""

    @property
    def details(self) -> dict[str, Any]:
        """What of it stays with the figure."""

    @property
    def caveats(self) -> tuple[str, ...]:
        """What must be said of the figure."""


def make_figure(
    metric: str,
    unit: str,
    method: str,
    *beside: Beside,
    samples: Sequence[float],
    spent: float,
    effort: Effort,
    what: str,
) -> Measurement:
    """The median of samples that took `spent` seconds, with how well it is known and what went beside them."""
    return Measurement(
        metric=metric,
        value=median(samples),
        unit=unit,
        method=method,
        samples=thin(samples),
        details={**describe_samples(samples, effort), **{k: v for one in beside for k, v in one.details.items()}},
        caveats=(*doubt_samples(samples, spent, effort, what), *(c for one in beside for c in one.caveats)),
    )


def doubt_clips(taken: Sequence[Measurement]) -> tuple[str, ...]:
    """The caveats of figures taken of a clip each, as one of each kind."""
    caveats = []
    if loose := [one.details["precision"] for one in taken if not one.details["settled"]]:
        worst, asked = format_tolerance(max(loose)), format_tolerance(taken[0].details["precision_asked"])
        caveats.append(
            f"{NOT_SETTLED}: medians of {len(loose)} of {len(taken)} clips are known to {worst} at worst, not {asked}"
        )
    if not all(one.details["steady"] for one in taken):
        caveats.append(UNSTEADY)
    return tuple(caveats)


def _later(count: int) -> int:
    return count + max(1, count // SPARSELY)
