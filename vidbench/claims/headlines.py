"""What the papers claim of cost in a sentence, as ratios with both sides counted, and what can be told of each."""

import math
import tomllib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from vidbench.catalog import find_variant
from vidbench.claims.costs import Counting, Setting
from vidbench.claims.printed import unit
from vidbench.units import format_number

Verdict = Literal["holds", "does not hold", "cannot be told here"]
GIGA = 1e9

LABELS = {
    "params": "parameters",
    "macs": "GMACs a view",
    "macs_of_all_views": "GMACs of all views",
    "memory": "peak memory",
    "latency": "latency",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison: a setting, and how many views of a video its accuracy is of."""

    setting: Setting
    views: int | None = None

    def __str__(self) -> str:
        return f"{self.setting.variant} {self.setting.frames}x{self.setting.size}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Our net and the one that it is said to be cheaper than."""

    ours: Side
    rival: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A sentence of a paper; `factors` are its figures as printed, by quantity."""

    family: str
    text: str
    source: str
    kind: Literal["ratio", "overhead", "sampling"]
    factors: Mapping[str, str]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a device says of one side; None where it could not be measured, and `failure` says why."""

    latency: float | None = None
    memory: float | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What can be told of one quantity of a claim for one pair; base units, None where unknown."""

    claim: Claim
    pair: Pair
    quantity: str
    ours: float | None
    rival: float | None
    ratio: float | None
    verdict: Verdict
    why: str


Measuring = Callable[[Setting], Measured]


@cache
def load_claims() -> tuple[Claim, ...]:
    """All claims of headlines.toml, in its order."""
    rows = tomllib.loads(Path(__file__).with_name("headlines.toml").read_text("utf-8"))["claims"]
    return tuple(
        Claim(
            pairs=tuple(
                Pair(ours=_side(ours), rival=_side(rival))
                for comparison in row.pop("comparisons")
                for rival in comparison["rivals"]
                for ours in comparison["ours"]
            ),
            **row,
        )
        for row in rows
    )


def _side(row: dict[str, Any]) -> Side:
    setting = {key: value for key, value in row.items() if key != "views"}
    return Side(setting=Setting(**setting), views=row.get("views"))


def answer_claims(claims: Iterable[Claim], counting: Counting, measuring: Measuring | None = None) -> list[Answer]:
    """What can be told of each claim, a line a pair and quantity; with `measuring`, of time and memory, too."""
    answer = {"ratio": _ratios, "overhead": _overheads, "sampling": _samplings}
    return [
        line
        for claim in claims
        for pair in claim.pairs
        for line in (
            *answer[claim.kind](claim, pair, counting),
            *(_measured(claim, pair, counting, measuring) if claim.kind != "sampling" else ()),
        )
    ]


def sum_up(answers: Iterable[Answer]) -> list[str]:
    """Which pairs bear out which half of one claim, all of it, and which comes nearest to it; nothing for one pair."""
    told = [answer for answer in answers if answer.claim.kind == "ratio" and answer.verdict != "cannot be told here"]
    pairs = list(dict.fromkeys(answer.pair for answer in told))
    quantities = list(dict.fromkeys(answer.quantity for answer in told))
    if len(pairs) < 2:
        return []
    bearing = {
        q: [answer.pair for answer in told if answer.quantity == q and answer.verdict == "holds"] for q in quantities
    }
    lines = [f"{LABELS[q]} bear it out in {len(bearing[q])} of {len(pairs)} pairs" for q in quantities]
    if len(quantities) > 1:
        whole = [pair for pair in pairs if all(pair in bearing[q] for q in quantities)]
        named = ", ".join(f"{pair.ours} against {pair.rival}" for pair in whole) or "no pair"
        lines.append(f"all of it is borne out by {named}")
    nearest = min(pairs, key=lambda pair: sum(_miss(answer) for answer in told if answer.pair == pair))
    return ["; ".join(lines), f"nearest to its figures: {nearest.ours} against {nearest.rival}"]


def _miss(answer: Answer) -> float:
    """How far a ratio is from the claimed one, by factors; views do not count twice."""
    if not answer.ratio or answer.quantity == "macs_of_all_views":
        return 0
    low, high = _bounds(answer.claim.factors[answer.quantity])
    return max(math.log(low / answer.ratio), math.log(answer.ratio / high), 0)


def _ratios(claim: Claim, pair: Pair, counting: Counting) -> Iterator[Answer]:
    ours, rival = counting.cost(pair.ours.setting), counting.cost(pair.rival.setting)
    if "params" in claim.factors:
        yield _judge(claim, pair, "params", ours.params, rival.params, note=_published_ratio(pair, "params_m"))
    if "macs" in claim.factors:
        yield _judge(claim, pair, "macs", ours.macs, rival.macs, note=_published_ratio(pair, "gmacs"))
    if "macs_of_all_views" in claim.factors and pair.ours.views and pair.rival.views:
        views = f"{pair.rival.views} views against {pair.ours.views}"
        figures = pair.ours.views * ours.macs, pair.rival.views * rival.macs
        yield _judge(claim, pair, "macs_of_all_views", *figures, note=views)


def _judge(claim: Claim, pair: Pair, quantity: str, ours: float, rival: float, *, note: str | None) -> Answer:
    claimed, ratio = claim.factors[quantity], rival / ours
    low, high = _bounds(claimed)
    least, most = low - unit(low) / 2, high + unit(high) / 2
    said = "less than" if ratio < least else "rounds to" if ratio < low else "within" if ratio <= most else "more than"
    why = f"{said} the claimed {claimed}"
    return Answer(
        claim=claim, pair=pair, quantity=quantity, ours=ours, rival=rival, ratio=ratio,
        verdict="holds" if ratio >= least else "does not hold", why="; ".join(filter(None, [why, note])),
    )  # fmt: skip


def _bounds(claimed: str) -> tuple[float, float]:
    """`3 to 4` as two numbers, `16` as one twice; whole ones stay whole, for their digits count."""
    numbers = [float(part) if "." in part else int(part) for part in claimed.split(" to ")]
    return numbers[0], numbers[-1]


def _published_ratio(pair: Pair, figure: str) -> str | None:
    found = []
    for side in (pair.rival, pair.ours):
        at = side.setting
        rows = find_variant(at.variant).published_at(at.frames, at.size, at.classes)
        printed = [value for row in rows if (value := getattr(row, figure)) is not None]
        found += printed[:1]
    if len(found) < 2:
        return None
    return f"the printed {found[0]} and {found[1]} give {found[0] / found[1]:.2f}"


def _overheads(claim: Claim, pair: Pair, counting: Counting) -> Iterator[Answer]:
    cost = counting.cost(pair.ours.setting)
    for quantity, whole, route in (("macs", cost.macs, cost.route_macs), ("params", cost.params, cost.route_params)):
        share, limit = 100 * route / (whole - route), float(claim.factors[quantity].removesuffix(" %"))
        scale, label = (GIGA, "GMACs") if quantity == "macs" else (1e6, "M parameters")
        yield Answer(
            claim=claim,
            pair=pair,
            quantity=quantity,
            ours=whole,
            rival=whole - route,
            ratio=whole / (whole - route),
            verdict="holds" if share < limit else "does not hold",
            why=f"the routes add {format_number(route / scale)} to {format_number((whole - route) / scale)} {label}, "
            f"{share:.2g} %; negligible is less than {limit:g} %",
        )


def _samplings(claim: Claim, pair: Pair, counting: Counting) -> Iterator[Answer]:
    """Bounds alone: how many frames survive hangs on the clips and on trained weights."""
    setting, frames = pair.ours.setting, pair.ours.setting.frames
    whole = counting.cost(pair.rival.setting).macs
    least, most = counting.sampled_macs(setting, 1), counting.sampled_macs(setting, frames)
    kept = range(1, frames + 1)
    halved = bisect_right(kept, whole / 2, key=lambda number: counting.sampled_macs(setting, number))
    where = f"halved where {halved} of {frames} frames ({100 * halved / frames:.0f} %) or fewer survive"
    span = f"{least / GIGA:.2f} to {most / GIGA:.2f} G against {whole / GIGA:.2f} G without sampling"
    yield Answer(
        claim=claim,
        pair=pair,
        quantity="macs",
        ours=None,
        rival=whole,
        ratio=None,
        verdict="cannot be told here",
        why=f"it depends on the clips and on trained weights: {span}; {where if halved else 'never halved'}",
    )


def _measured(claim: Claim, pair: Pair, counting: Counting, measuring: Measuring | None) -> Iterator[Answer]:
    """Memory, where it is claimed; with a device, memory and latency of both sides."""
    if measuring is None:
        if "memory" in claim.factors:
            ours, rival = (counting.cost(side.setting).activations for side in (pair.ours, pair.rival))
            why = f"it needs --device; contractions put out {rival / ours:.2f} times fewer activations"
            yield _untold(claim, pair, "memory", why)
        return
    ours_measured, rival_measured = measuring(pair.ours.setting), measuring(pair.rival.setting)
    failures = [side.failure for side in (ours_measured, rival_measured) if side.failure]
    for quantity in ("memory", "latency"):
        ours, rival = getattr(ours_measured, quantity), getattr(rival_measured, quantity)
        if not ours or not rival:
            yield _untold(claim, pair, quantity, f"not measured: {'; '.join(failures)}")
        elif quantity in claim.factors:
            yield _judge(claim, pair, quantity, ours, rival, note="at inference, batch 1, weights included")
        else:
            near = f"of {pair.rival}, which is near but not the same net without"
            why = "nothing is claimed of it" if claim.kind == "ratio" else near
            yield _untold(claim, pair, quantity, why, ours=ours, rival=rival)


def _untold(
    claim: Claim, pair: Pair, quantity: str, why: str, *, ours: float | None = None, rival: float | None = None
) -> Answer:
    return Answer(
        claim=claim, pair=pair, quantity=quantity, ours=ours, rival=rival,
        ratio=rival / ours if ours and rival else None, verdict="cannot be told here", why=why,
    )  # fmt: skip
