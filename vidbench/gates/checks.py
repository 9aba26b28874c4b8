"""One metric of one case against its limit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from vidbench.comparison.pairs import Pair, label, list_counts, list_figures, parts_of
from vidbench.gates.decisions import decide
from vidbench.gates.limits import Rules
from vidbench.metrics import METRICS
from vidbench.records import Case

Verdict = Literal["regression", "could not measure", "no baseline", "inconclusive", "pass"]
EXIT_CODES: Mapping[Verdict, int] = {
    "regression": 1,
    "could not measure": 3,
    "no baseline": 5,
    "inconclusive": 4,
    "pass": 0,
}  # of several verdicts the first here is the gate's
Figure = float | tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What became of one metric of one case; of the case as a whole, where `metric` is empty.

    `change` is how much worse it has become, as a share of the baseline's figure (of throughput: how much longer a clip
    takes), `low` and `high` bound it. `limit` is what was asked for, `widened` what the noise of runs made of it.
    `runs` are how many the baseline has, and the new side.
    """

    case: Case
    metric: str
    verdict: Verdict
    reason: str
    limit: float | None = None
    widened: float | None = None
    old: Figure = None
    new: Figure = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    runs: tuple[int, int] = (0, 0)

    @property
    def name(self) -> str:
        """The case and the metric, such as `x3d-m 16x224 latency`."""
        return f"{label(self.case)} {METRICS[self.metric].label if self.metric else ''}".rstrip()

    @property
    def sentence(self) -> str:
        """What became of it, and why, in one line."""
        if self.change is None or self.limit is None:
            return f"{self.name}: {self.verdict}: {self.reason}"
        bounds = [f"{bound:+.1%}" if bound is not None else "unknown" for bound in (self.low, self.high)]
        between = f" (between {bounds[0]} and {bounds[1]})" if METRICS[self.metric].kind == "sampled" else ""
        widened = f", widened to {self.widened:.1%}" if self.widened and self.widened > self.limit else ""
        return (
            f"{self.name}: {self.verdict}: {self.change:+.1%}{between}, limit {self.limit:.1%}{widened}; "
            f"{self.runs[0]} runs before, {self.runs[1]} now; {self.reason}"
        )


def check_exact(pair: Pair, metric: str, limit: float) -> Check | None:
    """A counted figure, or bounds, against the baseline's; nothing where neither side knows it."""
    was, now = (next(iter(list_counts(records, metric)), None) for records in (pair.old, pair.new))
    if was is None and now is None:
        return None
    shared: dict[str, Any] = {"case": pair.case, "metric": metric, "limit": limit, "old": was, "new": now}
    if was is None:
        return Check(verdict="no baseline", reason="the baseline does not have it", **shared)
    if now is None or len(parts_of(now)) != len(parts_of(was)):
        return Check(verdict="could not measure", reason="the baseline has it, but it is unknown now", **shared)
    change = max(_grow(*both) for both in zip(parts_of(was), parts_of(now), strict=True))
    return Check(
        verdict="regression" if change > limit else "pass",
        reason="counted: the same" if was == now else f"counted: it has {'grown' if change > 0 else 'shrunk'}",
        change=change,
        widened=limit,
        runs=(len(pair.old), len(pair.new)),
        **shared,
    )


def check_sampled(
    pair: Pair, metric: str, limit: float, *, noise: float, rules: Rules, confirmed_from: int | None
) -> Check | None:
    """A measured figure's runs against the baseline's; nothing where neither side has it.

    A regression must hold of the new runs from `confirmed_from` on alone, too; where that is None they are yet to come.
    """
    old, new = (list_figures(records, metric) for records in (pair.old, pair.new))
    if not old and not new:
        return None
    shared: dict[str, Any] = {"case": pair.case, "metric": metric, "limit": limit, "runs": (len(old), len(new))}
    shared |= {"old": median(old) if old else None, "new": median(new) if new else None}
    if not old or pair.differ:
        why = f"the baseline is of another stack: {', '.join(pair.differ)}" if old else "the baseline does not have it"
        return Check(verdict="no baseline", reason=why, **shared)
    if not new:
        return Check(verdict="could not measure", reason="the baseline has it, but it is unknown now", **shared)
    if not all(0 < figure < float("inf") for figure in (*old, *new)):
        same = len({*old, *new}) == 1
        why = "all runs are alike" if same else "a figure of 0 has no share by which another is greater"
        return Check(verdict="pass" if same else "inconclusive", reason=why, **shared)
    before, after = (_as_costs(metric, figures) for figures in (old, new))
    found = decide(before, after, limit, noise, rules)
    verdict: Verdict = "pass" if found.answer == "kept" else "inconclusive"
    reason = found.reason
    if found.answer == "exceeded":
        later = after[confirmed_from:] if confirmed_from is not None else []
        if later and median(later) / median(before) - 1 > found.widened:
            verdict = "regression"
        else:
            reason = "above the limit, but not so in the later runs alone" if later else SUSPECTED
    return Check(
        verdict=verdict, reason=reason, change=found.change, low=found.low, high=found.high, widened=found.widened,
        **shared,
    )  # fmt: skip


SUSPECTED = "above the limit, to be confirmed"


def _as_costs(metric: str, figures: Iterable[float]) -> list[float]:
    """Figures of which lower is better: seconds a clip in place of clips a second."""
    return [1 / figure for figure in figures] if METRICS[metric].better == "higher" else list(figures)


def _grow(was: float, now: float) -> float:
    """By what share a figure has grown; from nothing to something, by all of it."""
    if was == now:
        return 0.0
    return (now - was) / was if was else 1.0
