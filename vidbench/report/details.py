"""What is known of each case: its figures, its samples as strips, its conditions and cautions."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vidbench.metrics import METRICS, TIMED
from vidbench.pictures.entries import Entry, Mark
from vidbench.records import Measurement, Record
from vidbench.repeats import BETWEEN
from vidbench.report.columns import UNKNOWN, finite
from vidbench.statistics import thin
from vidbench.units import column_scale, format_tolerance

DETAILED = 1000  # runs; cases without have their rows alone
STRIPS = 10  # of one metric
SAMPLES = 100  # of one strip
LETTERS = 4000  # of a condition's value
WIDTH, MARGIN = 420, 6  # of a strip, in pixels


@dataclass(frozen=True, slots=True)
class Strip:
    """The samples of a run along a line: a tick each, a band for the interval of the median, a line for the median."""

    words: str
    ticks: str
    median: float
    band: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Sampled:
    """The strips of a metric, all on one scale from `low` to `high`."""

    metric: str
    low: str
    high: str
    strips: list[Strip]
    left_out: int


@dataclass(frozen=True, slots=True)
class FigureLine:
    """A metric of a run, in words; `method` is its number in the list of methods."""

    metric: str
    run: int
    value: str
    spread: str
    method: int


@dataclass(frozen=True, slots=True)
class Detail:
    """All of a case that the page shows when it is opened."""

    number: int
    name: str
    marks: tuple[Mark, ...]
    figures: list[FigureLine]
    between: list[str]
    sampled: list[Sampled]
    conditions: list[tuple[str, str]]
    environment: int | None
    taken: str
    several: bool


class Numbered:
    """Texts that many cases share, each kept once and named by its number from 1 on."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The text's number."""
        return self.texts.setdefault(text, len(self.texts) + 1)


def choose_detailed(entries: Sequence[Entry]) -> list[int]:
    """The numbers of those that are shown in detail: all, or of very many those that are marked, then the first."""
    chosen, room = [], DETAILED
    for number in sorted(range(len(entries)), key=lambda number: not entries[number].marks):
        room -= min(len(entries[number].runs), STRIPS)
        if room < 0:
            break
        chosen.append(number)
    return sorted(chosen)


def detail(number: int, name: str, entry: Entry, methods: Numbered, environments: Mapping[str, int]) -> Detail:
    """What is known of the case; texts of methods go to `methods`, environments are named by their numbers."""
    return Detail(
        number=number,
        name=name,
        marks=entry.marks,
        figures=[line for run, record in enumerate(entry.runs, 1) for line in _lines(run, record, methods)],
        between=[line for metric in TIMED if (line := _tell_between(metric, entry))],
        sampled=[found for metric in TIMED if (found := _sample(metric, entry.runs))],
        conditions=_conditions(entry.runs),
        environment=environments.get(entry.runs[0].environment),
        taken=", ".join(f"{run.time} ({run.id})" for run in entry.runs[:STRIPS]),
        several=len(entry.runs) > 1,
    )


def _tell_between(metric: str, entry: Entry) -> str:
    """Of a case that ran several times: the median of its runs, and its interval between them."""
    row, runs = entry.row, sum(run.figure(metric) is not None for run in entry.runs)
    low, high, reach = (finite(row.get(f"{metric}_{part}")) for part in ("low", "high", BETWEEN))
    if low is None or high is None or reach is None:
        return ""
    unit = METRICS[metric].unit
    sure = 100 * (finite(row.get(f"{metric}_confidence")) or 0)
    return (
        f"{metric}: {_write(finite(row[metric]), unit)} is the median of {runs} runs, its {sure:.3g}% interval "
        f"{_write(low, unit)} to {_write(high, unit)} ({format_tolerance(reach)})"
    )


def _lines(run: int, record: Record, methods: Numbered) -> Iterable[FigureLine]:
    for measurement in record.measurements if run <= STRIPS else ():
        unit = METRICS[measurement.metric].unit if measurement.metric in METRICS else measurement.unit
        values = measurement.value if isinstance(measurement.value, tuple) else (measurement.value,)
        told = " to ".join(_write(finite(value), unit) for value in values)
        yield FigureLine(
            measurement.metric, run, told, _spread(measurement, unit), methods.number(measurement.method)
        )  # fmt: skip


def _write(value: float | None, unit: str) -> str:
    if value is None:
        return UNKNOWN
    scale = column_scale([value], unit)
    label = f"{scale.label} {unit}" if unit in ("parameters", "elements") else scale.label
    return f"{scale.format(value)} {label}".strip()


def _spread(measurement: Measurement, unit: str) -> str:
    """How many samples, within which interval, after which warm-up."""
    known = measurement.details
    said = [
        f"{known['count']:,} samples" if _is_count(known.get("count")) else "",
        _interval(known, unit),
        *(f"{part} {_write(value, unit)}" for part in ("p90", "p99") if (value := finite(known.get(part))) is not None),
        f"{known['outliers']:,} outliers" if _is_count(known.get("outliers")) else "",
        f"after {known['warm_up_calls']:,} calls of warm-up" if _is_count(known.get("warm_up_calls")) else "",
    ]
    return ", ".join(part for part in said if part)


def _is_count(value: object) -> bool:
    return isinstance(value, int)


def _interval(known: Mapping[str, Any], unit: str) -> str:
    ends = _ends(known)
    if ends is None:
        return ""
    confidence = finite(known.get("confidence"))
    sure = f"{100 * confidence:.3g}% " if confidence else ""
    precision = finite(known.get("precision"))
    reach = f" ({format_tolerance(precision)})" if precision is not None else ""
    return f"{sure}interval of the median {_write(ends[0], unit)} to {_write(ends[1], unit)}{reach}"


def _ends(known: Mapping[str, Any]) -> tuple[float, float] | None:
    interval = known.get("interval")
    if not isinstance(interval, list | tuple) or len(interval) != 2:
        return None
    low, high = map(finite, interval)
    return None if low is None or high is None else (low, high)


def _sample(metric: str, runs: Sequence[Record]) -> Sampled | None:
    taken = [(run, m) for run, record in enumerate(runs, 1) if (m := record.measurement(metric)) and m.samples]
    shown = [(run, m, thin([s for s in m.samples if finite(s) is not None], SAMPLES)) for run, m in taken[:STRIPS]]
    shown = [(run, m, samples) for run, m, samples in shown if samples]
    if not shown:
        return None
    ends = [end for _, m, _ in shown for end in _ends(m.details) or ()]
    low, high = (pick([*ends, *(s for _, _, samples in shown for s in samples)]) for pick in (min, max))
    scale = column_scale([low, high], METRICS[metric].unit)

    def place(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)

    strips = []
    for run, measurement, samples in shown:
        middle = finite(measurement.value) if not isinstance(measurement.value, tuple) else None
        band = _ends(measurement.details)
        words = f"run {run}, " if len(runs) > 1 else ""
        words += (
            f"{len(samples):,} of {len(measurement.samples):,} samples"
            if len(samples) < len(measurement.samples)
            else f"{len(samples):,} samples"
        )
        ticks = "".join(f"M{place(sample):g} 7v10" for sample in samples)
        at = place(min(max(low if middle is None else middle, low), high))
        strips.append(Strip(words, ticks, at, band and (place(band[0]), place(band[1]))))
    return Sampled(
        metric, f"{scale.format(low)} {scale.label}", f"{scale.format(high)} {scale.label}", strips,
        len(taken) - len(shown),
    )  # fmt: skip


def _conditions(runs: Sequence[Record]) -> list[tuple[str, str]]:
    """Names and values, those of parts joined by dots; where runs differ, each run's own."""
    flat = [dict(_flatten(run.conditions)) for run in runs[:STRIPS]]
    names = dict.fromkeys(name for one in flat for name in one)
    found = []
    for name in names:
        values = list(dict.fromkeys(one[name] for one in flat if name in one))
        found.append((name, "; ".join(values)[:LETTERS]))
    return found


def _flatten(parts: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, str]]:
    for name, value in parts.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{before}{name}.")
        else:
            yield (
                f"{before}{name}",
                value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str),
            )
