"""Stacked bars: what share of the MACs, the bytes and the time each kind of operator has."""

from collections.abc import Callable, Iterator, Sequence
from textwrap import fill
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.patches import Patch

from vidbench.explain.explanation import Explanation, Work
from vidbench.plots.colours import OUTSIDE, REST, Look, look_of, place_of
from vidbench.plots.labels import NAME_LETTERS
from vidbench.units import Scale, column_scale

SMALL = 0.01  # a kind with less of everything is drawn with others like it
VISIBLE = 0.001
LABELLED = 0.065  # a share that is wide enough for its percentage
HEIGHT = 0.78


class Bar(NamedTuple):
    """A head, what the whole bar is, and shares of it by kind."""

    head: str
    whole: str
    shares: dict[str, float]
    outside: float = 0.0


def bars(explanation: Explanation) -> list[Bar]:
    """MACs and bytes and, where it was timed, time."""
    work = explanation.root.work

    def shares(of: Callable[[Work], float | None]) -> dict[str, float]:
        return {kind.name: of(kind.work) or 0.0 for kind in explanation.kinds}

    found = [
        Bar("MACs", f"{Scale(1e9, 'G').format(work.macs)} G", shares(explanation.share_of_macs)),
        Bar("bytes", _written(work.bytes, "bytes"), shares(explanation.share_of_bytes)),
    ]
    if explanation.total:
        head = "est. time" if explanation.peaks and explanation.peaks.estimate else "time"
        outside = max((explanation.outside or 0.0) / explanation.total, 0.0)
        found.append(Bar(head, _written(explanation.total, "seconds"), shares(explanation.share_of_time), outside))
    return found


def _written(value: float, unit: str) -> str:
    scale = column_scale([value], unit)
    return f"{scale.format(value)} {scale.label}"


def draw_shares(figure: SubFigure, explanations: Sequence[Explanation], names: Sequence[str]) -> None:
    """Bars of each explanation under its name, from the top down, and one legend below them all."""
    axes = figure.subplots()
    groups = [bars(explanation) for explanation in explanations]
    kinds = _shown(groups)
    place, places, heads = 0.0, [], []
    for name, group in zip(names, groups, strict=True):
        if len(groups) > 1:
            lines = fill(name, NAME_LETTERS)
            place += 0.4 * lines.count("\n")
            axes.text(0, place + 0.1, lines, fontsize=8, va="bottom")
            place += 0.7
        for bar in group:
            _draw_bar(axes, place, bar, kinds)
            places.append(place)
            heads.append(f"{bar.head}\n{bar.whole}")
            place += 1
        place += 0.35
    axes.set_yticks(places, heads)
    axes.tick_params("y", length=0)
    axes.set_ylim(place - 0.8, -0.6)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100%"])
    axes.spines["left"].set_visible(False)
    handles = list(_legend(kinds, groups, waits=any(explanation.waits for explanation in explanations)))
    figure.legend(
        handles=handles, loc="outside lower center", ncols=2, handlelength=1.4, handleheight=1.0, columnspacing=1.2,
        labelspacing=0.35,
    )  # fmt: skip


def _shown(groups: Sequence[Sequence[Bar]]) -> list[str]:
    """The kinds that are not SMALL in all of the bars, in the order of bars and legend."""
    shown = {kind for group in groups for bar in group for kind, share in bar.shares.items() if share >= SMALL}
    return sorted(shown, key=lambda kind: (place_of(kind), kind))


def _segments(bar: Bar, kinds: Sequence[str]) -> Iterator[tuple[float, Look]]:
    yield from ((bar.shares.get(kind, 0.0), look_of(kind)) for kind in kinds)
    yield _rest(bar, kinds), REST
    yield bar.outside, OUTSIDE


def _rest(bar: Bar, kinds: Sequence[str]) -> float:
    return sum(share for kind, share in bar.shares.items() if kind not in kinds)


def _draw_bar(axes: Axes, place: float, bar: Bar, kinds: Sequence[str]) -> None:
    left = 0.0
    for share, look in _segments(bar, kinds):
        if share <= 0:
            continue
        axes.barh(place, share, HEIGHT, left, color=look.colour, hatch=look.hatch, edgecolor="white")
        if share >= LABELLED:
            text = f"{100 * share:.0f}"
            box = {"boxstyle": "square,pad=0.1", "facecolor": look.colour, "edgecolor": "none"} if look.hatch else None
            colour = "white" if look.is_dark else "black"
            axes.text(left + share / 2, place, text, ha="center", va="center", fontsize=7, color=colour, bbox=box)
        left += share


def _legend(kinds: Sequence[str], groups: Sequence[Sequence[Bar]], *, waits: bool) -> Iterator[Patch]:
    def patch(look: Look, label: str) -> Patch:
        return Patch(facecolor=look.colour, hatch=look.hatch, edgecolor="white", label=label)

    yield from (patch(look_of(kind), kind) for kind in kinds)
    all_bars = [bar for group in groups for bar in group]
    if any(_rest(bar, kinds) >= VISIBLE for bar in all_bars):
        yield patch(REST, f"all else, each under {100 * SMALL:.0f}%")
    if any(bar.outside > 0 for bar in all_bars):
        yield patch(OUTSIDE, "waiting for launches" if waits else "in no operator")
