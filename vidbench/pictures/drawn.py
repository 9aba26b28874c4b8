"""What pictures of results show, whoever draws them: points and their front, lines over clip length, bars of memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from vidbench.catalog import Published
from vidbench.metrics import METRICS
from vidbench.pictures.entries import Entry, name_entries, name_place
from vidbench.query.accuracy import explain_none, name_other_clip, published_top1
from vidbench.query.fronts import find_front

COUNTED = "counted"  # the place of figures that no device was needed for
MEASURED_COSTS = ("latency", "throughput", "peak_memory")  # that a picture of growth has, where they were taken
COUNTED_COSTS = ("macs", "predicted_memory")  # and of cases of which nothing was measured
POINTS, CURVES, BARS = 250, 16, 32  # that one picture has room for
PARTS = ("weights", "inputs", "activations")  # that memory consists of


@dataclass(frozen=True, slots=True)
class Point:
    """A case between its cost and its published top-1; `front` says that no other has less cost and more accuracy."""

    entry: Entry
    name: str
    cost: float
    published: Published
    front: bool

    @property
    def top1(self) -> float:
        """Published top-1 in percent."""
        return self.published.top1 or 0.0

    @property
    def label(self) -> str:
        """Its name, with a star where its accuracy is published at another size."""
        other = name_other_clip(self.published.frames, self.published.size, self.entry.case.size)
        return f"{self.name}*" if other else self.name


@dataclass(frozen=True, slots=True)
class Scatter:
    """Top-1 on a data set against a metric; `place` is where it was taken, `common` what all points share."""

    metric: str
    dataset: str
    place: str
    common: str
    points: tuple[Point, ...]

    @property
    def front(self) -> tuple[Point, ...]:
        """The points of the front, the cheapest first."""
        better = METRICS[self.metric].better
        return tuple(sorted((p for p in self.points if p.front), key=lambda p: p.cost, reverse=better == "higher"))


@dataclass(frozen=True, slots=True)
class Series:
    """A net's cost at two clip lengths or more: (frames, figure), the shortest first."""

    entry: Entry
    name: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Growth:
    """A metric against clip length, a line a net."""

    metric: str
    place: str
    common: str
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """Where a call's memory goes: PARTS in bytes, and the peak that was measured, where it was."""

    entry: Entry
    name: str
    parts: dict[str, float]
    measured: float | None

    @property
    def total(self) -> float:
        """The parts' sum, in bytes."""
        return sum(self.parts.values())


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of cases at one place, the largest first."""

    place: str
    common: str
    bars: tuple[Bar, ...]


def scatter(entries: Sequence[Entry], metric: str) -> list[Scatter]:
    """A picture for each data set and, of measured metrics, each place; figures are never mixed across places.

    Counted figures do not depend on batch, device or precision: of each net and clip there is one point.
    """
    counted = METRICS[metric].kind == "exact"
    groups: dict[tuple[str, str], dict[object, tuple[Entry, Published]]] = {}
    for entry in entries:
        if not _drawable(entry.row[metric]):
            continue
        case = entry.case
        same = (case.model, case.frames, case.size, case.classes) if counted else (id(entry),)
        for dataset, published in published_top1(case).items():
            place = COUNTED if counted else name_place(entry.environment)
            groups.setdefault((dataset, place), {}).setdefault(same, (entry, published))
    return [_plot(metric, *key, list(group.values()), counted=counted) for key, group in sorted(groups.items())]


def _drawable(value: object) -> bool:
    """Whether that is a figure that has a place on an axis, as nothing, zero and what broken files hold have not."""
    return isinstance(value, int | float) and 1e-30 < value < 1e30


def _plot(metric: str, dataset: str, place: str, found: Sequence[tuple[Entry, Published]], *, counted: bool) -> Scatter:
    shown = [entry for entry, _ in found]
    unseen = ("batch", "dtype", "mode", "device", "weights", "clip", "threads") if counted else ("device",)
    names, common = name_entries(shown, without=unseen)
    sign = -1 if METRICS[metric].better == "higher" else 1
    front = find_front([(sign * entry.row[metric], published.top1 or 0.0) for entry, published in found])
    points = [
        Point(entry, name, entry.row[metric], published, best)
        for (entry, published), name, best in zip(found, _shorten(shown, names), front, strict=True)
    ]
    return Scatter(metric, dataset, place, common, tuple(points))


def _shorten(entries: Sequence[Entry], names: Sequence[str]) -> list[str]:
    """The model alone where it occurs once."""
    occurs = Counter(entry.case.model for entry in entries)
    return [
        entry.case.model if occurs[entry.case.model] == 1 else name for entry, name in zip(entries, names, strict=True)
    ]


def missing_accuracy(entries: Sequence[Entry]) -> list[str]:
    """The cases that no picture of accuracy can have, with the reason, each net and clip once."""
    without = [entry.case for entry in entries if entry.case.task == "inference" and not published_top1(entry.case)]
    return list(dict.fromkeys(map(explain_none, without)))


def grow(entries: Sequence[Entry]) -> list[Growth]:
    """A picture a place and cost of what was taken at two clip lengths or more; counted costs of what never ran."""
    measured = {id(entry) for entry in entries if any(_drawable(entry.row[metric]) for metric in MEASURED_COSTS)}
    found = [growth for metric in MEASURED_COSTS for growth in _grow(entries, metric)]
    found.sort(key=lambda growth: growth.place)
    counted = [entry for entry in entries if id(entry) not in measured]
    return found + [growth for metric in COUNTED_COSTS for growth in _grow(counted, metric)]


def _grow(entries: Sequence[Entry], metric: str) -> list[Growth]:
    counted = METRICS[metric].kind == "exact"
    places: dict[str, dict[object, dict[int, Entry]]] = {}
    for entry in entries:
        if _drawable(entry.row[metric]):
            case = entry.case
            place = COUNTED if counted else name_place(entry.environment)
            setting = (case.model, case.classes, case.size, case.batch, case.dtype, case.mode, case.task, case.weights)
            lines = places.setdefault(place, {})
            lines.setdefault(setting, {}).setdefault(case.frames, entry)
    found = []
    for place, lines in places.items():
        grown = [line for line in lines.values() if len(line) > 1]
        first = [next(iter(line.values())) for line in grown]
        names, common = name_entries(first, without=("frames", "device", "clip", "threads"))
        series = [
            Series(entry, name, tuple((frames, line[frames].row[metric]) for frames in sorted(line)))
            for entry, name, line in zip(first, _shorten(first, names), grown, strict=True)
        ]
        if series:
            found.append(Growth(metric, place, common, tuple(series)))
    return found


def split_memory(entries: Sequence[Entry]) -> list[Memory]:
    """A picture a place, of the cases whose memory was predicted or measured in parts."""
    places: dict[str, list[tuple[Entry, dict[str, float]]]] = {}
    for entry in entries:
        if parts := _parts(entry):
            place = COUNTED if entry.case.device == "meta" else name_place(entry.environment)
            places.setdefault(place, []).append((entry, parts))
    return [_split(place, found) for place, found in places.items()]


def _parts(entry: Entry) -> dict[str, float] | None:
    """PARTS as predicted; where nothing was, those of the measured peak, of which activations are what is left."""
    predicted = next(filter(None, (run.measurement("predicted_memory") for run in entry.runs)), None)
    if predicted is not None and all(_drawable(predicted.details.get(part)) for part in PARTS):
        return {part: float(predicted.details[part]) for part in PARTS}
    measured = next(filter(None, (run.measurement("peak_memory") for run in entry.runs)), None)
    weights, peak = entry.row["weight_memory"], entry.row["peak_memory"]
    before = measured.details.get("weights_and_input") if measured else None
    if not (_drawable(peak) and _drawable(weights) and _drawable(before)) or not weights <= before <= peak:
        return None
    return dict(zip(PARTS, (weights, before - weights, peak - before), strict=True))


def _split(place: str, found: Sequence[tuple[Entry, dict[str, float]]]) -> Memory:
    names, common = name_entries([entry for entry, _ in found], without=("device",))
    bars = [
        Bar(entry, name, parts, peak if _drawable(peak := entry.row["peak_memory"]) else None)
        for (entry, parts), name in zip(found, names, strict=True)
    ]
    return Memory(place, common, tuple(sorted(bars, key=lambda bar: -(bar.measured or bar.total))))
