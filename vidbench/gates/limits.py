"""By how much a figure may be worse, and how sure a gate is to be of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from vidbench.comparison.pairs import label
from vidbench.errors import InputError
from vidbench.metrics import METRICS
from vidbench.records import Case, Record

LIMITS: Mapping[str, float | None] = {
    **{metric.name: 0.0 for metric in METRICS.values() if metric.kind == "exact"},
    "latency": 0.015,
    "peak_memory": 0.02,
}


def _nothing(_: Case) -> Mapping[str, float | None]:
    return {}


@dataclass(frozen=True, slots=True)
class Limits:
    """By how much figures may be worse, as a share of the baseline's; None is as much as they like.

    `by_case` overrides `shared` for cases whose model or label (`x3d-m 16x224`) a shell pattern matches, later ones
    overriding earlier ones. Between the two stands what `special` gives for a case. With `only`, no other metrics are
    limited.

    Raises:
        InputError: there is no such metric, or a limit is negative.
    """

    shared: Mapping[str, float | None] = field(default_factory=lambda: LIMITS)
    by_case: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    special: Callable[[Case], Mapping[str, float | None]] = _nothing
    only: frozenset[str] | None = None

    def __post_init__(self) -> None:
        for limits in (self.shared, *self.by_case.values()):
            for name, limit in limits.items():
                if name not in METRICS:
                    raise InputError(f"no limit can be set for {name!r}, which is no metric; there are {_names()}")
                if limit is not None and not 0 <= limit < float("inf"):
                    raise InputError(f"the limit of {name} cannot be {limit}; give a share such as 0.05, or 0")

    def of(self, case: Case) -> dict[str, float]:
        """The metrics that are limited for the case, in METRICS' order."""
        found = {**self.shared, **self.special(case)}
        for pattern, limits in self.by_case.items():
            if fnmatchcase(case.model, pattern) or fnmatchcase(label(case), pattern):
                found |= limits
        wanted = METRICS if self.only is None else [name for name in METRICS if name in self.only]
        return {name: limit for name in wanted if (limit := found.get(name)) is not None}


def list_limited(limits: Limits, records: Iterable[Record]) -> list[str]:
    """The metrics that any of these records has and that are limited for its case, in METRICS' order."""
    found = {m.metric for record in records for m in record.measurements if m.metric in limits.of(record.case)}
    return [name for name in METRICS if name in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How sure a gate is to be, and how long it may measure.

    Attributes:
        alarm: the risk, at each look, that a bound above the limit is chance.
        miss: the risk, at each look, that a bound below the limit is chance.
        effect: the change of a sampled figure that nobody needs to know; smaller limits are as large as this.
        unsteady: earlier and later runs of one side that differ by less chance than this, and by more than `effect`,
            were not taken in peace.
        rounds: runs that are added at a time.
        most: new runs of a case after which no more are added, save to confirm a regression.
    """

    alarm: float = 0.01
    miss: float = 0.01
    effect: float = 0.01
    unsteady: float = 0.01
    rounds: int = 5
    most: int = 20


def _names() -> str:
    return ", ".join(METRICS)
