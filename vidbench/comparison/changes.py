"""Two results case by case: exact figures are equal or changed, measured ones have a ratio, its interval, a verdict."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from vidbench.comparison.pairs import Pair, Pairing, label, list_counts, list_figures, pair_cases
from vidbench.comparison.ranks import bound_pairs, least_chance, pair_means, rank_test
from vidbench.comparison.resampling import bootstrap_ratio
from vidbench.errors import InputError
from vidbench.metrics import METRICS, TIMED
from vidbench.records import Case, Record
from vidbench.statistics import CONFIDENCE, Interval, deviation_of, spread_of
from vidbench.store import Results

EFFECT = 0.01  # what nobody needs to know: ratios this close to 1 are the same
APART = 0.005  # what the medians of two processes differ by, however well each is known
BEYOND = 4  # spreads of single runs by which two of them must differ to say anything

Verdict = Literal["faster", "slower", "less", "more", "same", "equal", "changed", "inconclusive", "failed", "unknown"]
Figure = float | tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One metric of one case on both sides.

    A sampled figure is the median of the runs' figures, of which there are `runs`; `ratio` is new to old, in `interval`
    with 95% by the bootstrap over runs, and `chance` the p value of the rank test. `why` explains what cannot be told.
    """

    case: Case
    metric: str
    old: Figure
    new: Figure
    verdict: Verdict
    ratio: float | None = None
    interval: Interval | None = None
    chance: float | None = None
    runs: tuple[int, int] = (0, 0)
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two results have in common, what each has alone, and what must be known beside that."""

    changes: tuple[Change, ...]
    only_old: tuple[Case, ...] = ()
    only_new: tuple[Case, ...] = ()
    notes: tuple[str, ...] = ()


def compare(
    old: Results, new: Results, *, across: bool = False, effect: float = EFFECT, noise: float | None = None
) -> Comparison:
    """Compare the cases that two results share.

    Args:
        old: what is compared with.
        new: what is compared.
        across: compare figures of different stacks and devices, too, and say what they differ in.
        effect: the share up to which a change of a measured figure is none.
        noise: how far single runs of one thing lie apart on this machine, as a share; by default it is taken from the
            cases that have several runs. It decides where a side has too few runs to tell.

    Raises:
        InputError: nothing is common to both, or the stacks differ and `across` is not given.
    """
    pairing = pair_cases(old, new, across=across)
    if not pairing.pairs:
        raise InputError(f"the two have no case in common: {_show(pairing.only_old)} against {_show(pairing.only_new)}")
    differ = Counter(difference for pair in pairing.pairs for difference in pair.differ)
    if differ and not across:
        raise InputError(
            f"they were measured on different stacks: {'; '.join(differ)} (old / new); measure both on one, or compare "
            "them with --across, which says so"
        )
    noises = {name: noise if noise is not None else find_noise(pairing.pairs, name) for name in METRICS}
    changes = [change for pair in pairing.pairs for change in _compare_pair(pair, effect, noises)]
    return Comparison(
        changes=tuple(changes),
        only_old=pairing.only_old,
        only_new=pairing.only_new,
        notes=tuple(_write_notes(pairing, changes, differ, effect)),
    )


def find_noise(pairs: Iterable[Pair], metric: str) -> float | None:
    """The largest spread between the runs of any case that has four or more; None where none has."""
    sides = [list_figures(side, metric) for pair in pairs for side in (pair.old, pair.new)]
    return max((spread_of(side) for side in sides if len(side) >= 4), default=None)


def _compare_pair(pair: Pair, effect: float, noises: Mapping[str, float | None]) -> list[Change]:
    """A change for each metric of either side, or one that tells of the failure of all runs of one."""
    failed = [side[-1].failure for side in (pair.old, pair.new) if all(record.failure for record in side)]
    if failed:
        runs = (len(pair.old), len(pair.new))
        why = failed[0].message if failed[0] else None
        return [Change(case=pair.case, metric="", old=None, new=None, verdict="failed", runs=runs, why=why)]
    taken = {m.metric for record in (*pair.old, *pair.new) for m in record.measurements}
    return [
        _compare_exact(pair, name) if metric.kind == "exact" else _compare_sampled(pair, name, effect, noises[name])
        for name, metric in METRICS.items()
        if name in taken
    ]


def _compare_exact(pair: Pair, metric: str) -> Change:
    old, new = (list_counts(side, metric) for side in (pair.old, pair.new))
    was, now = (side[0] if side else None for side in (old, new))
    alike = len({*old, *new}) == 1
    ratio = now / was if isinstance(now, int | float) and isinstance(was, int | float) and was else None
    return Change(
        case=pair.case,
        metric=metric,
        old=was,
        new=now,
        verdict="unknown" if was is None or now is None else "equal" if alike else "changed",
        ratio=ratio,
        runs=(len(old), len(new)),
        why="runs of one side differ from one another" if max(len(set(old)), len(set(new))) > 1 else None,
    )


def _compare_sampled(pair: Pair, metric: str, effect: float, noise: float | None) -> Change:
    old, new = (list_figures(side, metric) for side in (pair.old, pair.new))
    runs = (len(old), len(new))
    was, now = (median(side) if side else None for side in (old, new))
    if was is None or now is None or min(*old, *new) <= 0:
        return Change(case=pair.case, metric=metric, old=was, new=now, verdict="unknown", runs=runs)
    ratio = now / was
    verdict: Verdict
    interval, chance = None, None
    if 2 * least_chance(*runs) > 1 - CONFIDENCE:
        verdict, why = _judge_few(metric, ratio, effect, noise)
    else:
        interval, chance = bootstrap_ratio(old, new), rank_test(old, new)
        verdict, why = _judge(metric, ratio, interval, chance, effect)
    return Change(
        case=pair.case, metric=metric, old=was, new=now, verdict=verdict, ratio=ratio, interval=interval, chance=chance,
        runs=runs, why=why,
    )  # fmt: skip


def _judge(metric: str, ratio: float, interval: Interval, chance: float, effect: float) -> tuple[Verdict, str | None]:
    """By an interval and a rank test between runs."""
    if 1 - effect <= interval.low and interval.high <= 1 + effect:
        return "same", None
    differs = not interval.low <= 1 <= interval.high and chance <= 1 - CONFIDENCE
    if differs and abs(ratio - 1) > effect:
        return _name(metric, ratio), None
    why = "there is a change, but it may be none to speak of" if differs else "the runs lie too far apart"
    return "inconclusive", why


def _judge_few(metric: str, ratio: float, effect: float, noise: float | None) -> tuple[Verdict, str | None]:
    """By what is known of the machine, where the runs are too few to tell how far they lie apart themselves."""
    if noise is not None and abs(ratio - 1) > max(BEYOND * noise, effect):
        return _name(metric, ratio), f"too few runs; told from the machine's noise, {noise:.2%}"
    if noise is not None and abs(ratio - 1) + BEYOND * noise <= effect:
        return "same", f"too few runs; told from the machine's noise, {noise:.2%}"
    why = "too few runs (--repeats 5 or more on both sides can tell)"
    return "inconclusive", why if noise is None else f"{why}, and within the machine's noise"


def _name(metric: str, ratio: float) -> Verdict:
    """What it is called, if the new figure is so many times the old."""
    if metric in TIMED or METRICS[metric].unit == "seconds":
        return "faster" if (ratio < 1) == (METRICS[metric].better == "lower") else "slower"
    return "less" if ratio < 1 else "more"


def _write_notes(
    pairing: Pairing, changes: Sequence[Change], differ: Mapping[str, int], effect: float
) -> Iterable[str]:
    if differ:
        yield f"measured on different stacks, which may be all that the figures show: {'; '.join(differ)} (old / new)"
    equal = [METRICS[name].label for name in METRICS if _all_equal(changes, name)]
    if equal:
        yield f"equal in all cases: {', '.join(equal)}"
    if any(change.interval for change in changes):
        yield (
            "ratio: the median of the new runs' medians to that of the old, with its 95% interval, which is the "
            "bootstrap's over runs; same: all of it within "
            f"{effect:.2g} of 1; faster, slower, less, more: none of it on both sides of 1, p of the rank test at most "
            f"5%, and {100 * effect:g}% or more"
        )
    for what, cases in (("old", pairing.only_old), ("new", pairing.only_new)):
        if cases:
            yield f"only in the {what}: {_show(cases)}"
    versions = [_versions(pairing.pairs, side) for side in ("old", "new")]
    if versions[0] != versions[1]:
        yield f"vidbench itself differs: {versions[0]} / {versions[1]}; its methods may, too"


def _all_equal(changes: Iterable[Change], metric: str) -> bool:
    verdicts = {change.verdict for change in changes if change.metric == metric}
    return verdicts == {"equal"}


def _versions(pairs: Iterable[Pair], side: str) -> str:
    records: Iterable[Record] = (record for pair in pairs for record in getattr(pair, side))
    return ", ".join(sorted({str(record.conditions.get("vidbench", "unknown")) for record in records}))


def _show(cases: Sequence[Case]) -> str:
    shown = ", ".join(label(case) for case in cases[:5])
    return f"{shown} and {len(cases) - 5} more" if len(cases) > 5 else shown or "none"


def judge_alternation(
    case: Case, rounds: Sequence[Sequence[tuple[float, float]]], effect: float = EFFECT, looks: int = 1
) -> Change:
    """The latency of two sides that were measured in turns: the ratio of neighbours, which drift alike.

    Args:
        case: what was measured.
        rounds: for each pair of processes the seconds of a call of the old side and of the new, burst by burst.
        effect: the share up to which a change is none.
        looks: how often it may be judged as rounds are added; all of them together are wrong as seldom as one.
    """
    ratios = [median(new / old for old, new in bursts) for bursts in rounds]
    weights = [_weigh(bursts) for bursts in rounds]
    bounds, ratio = bound_pairs(ratios, (1 - CONFIDENCE) / 2 / looks, weights), median(pair_means(ratios, weights))
    interval = Interval(*bounds, CONFIDENCE) if bounds.low else None
    why = None
    verdict: Verdict
    if interval is None:
        verdict, why = "inconclusive", "too few rounds (--rounds 6 or more can tell)"
    elif 1 - effect <= interval.low and interval.high <= 1 + effect:
        verdict = "same"
    elif not interval.low <= 1 <= interval.high and abs(ratio - 1) > effect:
        verdict = _name("latency", ratio)
    else:
        verdict, why = "inconclusive", "the rounds lie too far apart; --rounds gives more"
    old, new = (median(burst[side] for bursts in rounds for burst in bursts) for side in (0, 1))
    return Change(
        case=case, metric="latency", old=old, new=new, verdict=verdict, ratio=ratio, interval=interval,
        runs=(len(rounds), len(rounds)), why=why,
    )  # fmt: skip


def _weigh(bursts: Sequence[tuple[float, float]]) -> float:
    """How much a round tells, as the inverse of its median's standard error: machines are steady at times only."""
    logs = [math.log(new / old) for old, new in bursts]
    return 1 / math.hypot(APART, math.sqrt(math.pi / 2 / len(logs)) * deviation_of(logs))
