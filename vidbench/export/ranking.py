"""Which figures of a column are the best and the second best among their rivals."""

from collections.abc import Hashable, Sequence
from typing import Literal

Mark = Literal["", "best", "second"]


def rank_figures(
    figures: Sequence[float | None], rivals: Sequence[Hashable], better: Literal["lower", "higher"]
) -> list[Mark]:
    """A mark for each figure, which competes with those that have the same `rivals`; none for None.

    Equal figures are marked alike. Where all are equal none is best, and of two different ones none is second.
    """
    found: dict[Hashable, set[float]] = {}
    for rival, figure in zip(rivals, figures, strict=True):
        if figure is not None:
            found.setdefault(rival, set()).add(figure)
    marks: dict[tuple[Hashable, float], Mark] = {}
    for rival, values in found.items():
        ranked = sorted(values, reverse=better == "higher")
        if len(ranked) > 1:
            marks[rival, ranked[0]] = "best"
        if len(ranked) > 2:
            marks[rival, ranked[1]] = "second"
    return [
        "" if figure is None else marks.get((rival, figure), "") for rival, figure in zip(rivals, figures, strict=True)
    ]
