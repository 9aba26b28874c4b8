"""How much the same case differs between processes: which difference of two runs means something."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from vidbench.records import Case
from vidbench.statistics import quantile

ALIKE = 0.95  # of the pairs of runs differ by less than what is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """The medians of one case timed in several processes, one after the other, and their spread.

    All but `medians` and `median`, which are in seconds, are shares of `median`.

    Attributes:
        case: what was timed, and `medians` its latency in each process.
        quartiles: how far the quartiles are apart; `range` is the greatest median less the least.
        deviation: median distance from the median.
        difference: by less than this 95% of all pairs of these runs differ.
        within: how far the 95% interval of the median reaches within one process; the median of that over processes.
        disturbed: processes of whose samples more than a few were taken beside other load, or throttled.
        failed: why processes gave no figure, one message each.
    """

    case: Case
    medians: tuple[float, ...]
    median: float
    quartiles: float
    range: float
    deviation: float
    difference: float
    within: float
    disturbed: int
    failed: tuple[str, ...] = ()


def summarise_runs(
    case: Case,
    medians: Sequence[float],
    precisions: Sequence[float],
    *,
    disturbed: int = 0,
    failed: Sequence[str] = (),
) -> Noise:
    """The spread of at least two medians; `precisions` are how well each is known within its process."""
    middle = median(medians)
    ordered = sorted(medians)
    differences = sorted(abs(one - other) for one, other in combinations(medians, 2))
    return Noise(
        case=case,
        medians=tuple(medians),
        median=middle,
        quartiles=(quantile(ordered, 0.75) - quantile(ordered, 0.25)) / middle,
        range=(ordered[-1] - ordered[0]) / middle,
        deviation=median(abs(one - middle) for one in medians) / middle,
        difference=quantile(differences, ALIKE) / middle,
        within=median(precisions),
        disturbed=disturbed,
        failed=tuple(failed),
    )
