"""How a cost grows with clip length: the factor per doubling of the frames."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from vidbench.table import Row

GROWING = ("macs", "latency", "peak_memory")


@dataclass(frozen=True, slots=True)
class Growth:
    """The factors of one setting of one model by metric, from the shortest to the longest clip they are known for."""

    model: str
    setting: str
    shortest: int
    longest: int
    factors: dict[str, float]


def fit_growth(rows: Iterable[Row]) -> list[Growth]:
    """The growth of each setting that was taken at several frame counts; metrics known for other clips stand apart.

    A factor is 2 to the slope of the least-squares line through log2(cost) over log2(frames): 2 is linear, less than 2
    where part of the cost (the weights' memory, say) does not grow.
    """
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        mode = "" if row["mode"] == "eager" else f", {row['mode']}"
        setting = f"size {row['size']}, batch {row['batch']}, {row['dtype']}{mode}"
        groups[row["model"], setting].append(row)
    found = []
    for (model, setting), group in groups.items():
        spans: dict[tuple[int, int], dict[str, float]] = defaultdict(dict)
        for metric in GROWING:
            points = [(row["frames"], row[metric]) for row in group if row[metric]]
            frames = {x for x, _ in points}
            if len(frames) > 1:
                factor = 2 ** _slope([(math.log2(x), math.log2(y)) for x, y in points])
                spans[min(frames), max(frames)][metric] = factor
        found += [Growth(model, setting, *span, factors) for span, factors in spans.items()]
    return found


def _slope(points: list[tuple[float, float]]) -> float:
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
