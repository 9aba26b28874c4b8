"""Cases that two results have in common, each with its runs on both sides, and what their stacks differ in."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from vidbench.records import GIVEN, RANDOM, Case, Environment, Record
from vidbench.store import Results

ANY = "any"  # the device of a case that is compared across devices
_UNSAID = ("model", "classes", "frames", "size", "repeat")  # of a case's label: named anyway, or no axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One case, its runs in the order they were taken, and what their environments `differ` in, as text."""

    case: Case
    old: tuple[Record, ...]
    new: tuple[Record, ...]
    differ: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """The cases of both results, and those of one alone."""

    pairs: tuple[Pair, ...]
    only_old: tuple[Case, ...]
    only_new: tuple[Case, ...]


def pair_cases(old: Results, new: Results, *, across: bool = False) -> Pairing:
    """Pair the runs of each case that were taken in one environment.

    Where no environment is common to both sides, the latest of each stand against each other, and the pair says what
    they differ in. With `across`, cases that differ in nothing but their device are one case, too.
    """
    earlier, later = (_group(results.records, across=across) for results in (old, new))
    pairs = []
    for case in (case for case in earlier if case in later):
        common = [key for key in earlier[case] if key in later[case]]
        pairs += [Pair(case=case, old=_take(earlier[case], key), new=_take(later[case], key)) for key in common]
        if not common:
            (was, runs), (now, others) = (_latest(side[case]) for side in (earlier, later))
            differ = _describe(was, now, old.environments, new.environments)
            pairs.append(Pair(case=case, old=tuple(runs), new=tuple(others), differ=differ))
    return Pairing(
        pairs=tuple(pairs),
        only_old=tuple(case for case in earlier if case not in later),
        only_new=tuple(case for case in later if case not in earlier),
    )


def list_differences(old: Environment, new: Environment) -> list[str]:
    """What two environments differ in, such as `torch 2.12.0 / 2.13.0`."""
    lines = []
    for name in ("device", "driver", "platform"):
        was, now = getattr(old, name), getattr(new, name)
        lines += [f"{name} {was or 'none'} / {now or 'none'}"] if was != now else []
    for was, now in ((old.stack, new.stack), (old.flags, new.flags)):
        for name in dict.fromkeys([*was, *now]):
            if was.get(name) != now.get(name):
                lines.append(f"{name} {was.get(name, 'none')} / {now.get(name, 'none')}")
    if old.threads != new.threads:
        lines.append(f"CPU threads {old.threads} / {new.threads}")
    return lines


def list_figures(records: Iterable[Record], metric: str) -> list[float]:
    """The metric's figure of each run that has one: of a sampled metric, the median of that run."""
    figures = (record.figure(metric) for record in records)
    return [figure for figure in figures if figure is not None and math.isfinite(figure)]


def list_counts(records: Iterable[Record], metric: str) -> list[float | tuple[float, float]]:
    """The metric's figure, or bounds, of each record that knows them: of an exact metric all the same."""
    values = (measurement.value for record in records if (measurement := record.measurement(metric)))
    return [value for value in values if value is not None and all(map(math.isfinite, parts_of(value)))]


def parts_of(figure: float | tuple[float, float]) -> tuple[float, ...]:
    """Both bounds, or the one figure."""
    return figure if isinstance(figure, tuple) else (figure,)


def label(case: Case) -> str:
    """The case in a few words: its net and clip, and what else is not as usual."""
    parts = [f"{case.model} {case.frames}x{case.size}"]
    for field in fields(Case):
        value = getattr(case, field.name)
        usual = {"weights": (RANDOM, GIVEN), "device": ("cpu", ANY)}.get(field.name, (field.default,))
        if field.name in _UNSAID or value in usual:
            continue
        parts.append(str(value) if isinstance(value, str) else f"{field.name} {value}")
    return " ".join(parts)


def _group(records: Iterable[Record], *, across: bool) -> dict[Case, dict[str, list[Record]]]:
    """The runs of each case, by environment."""
    groups: dict[Case, dict[str, list[Record]]] = {}
    for record in sorted(records, key=lambda record: (record.time, record.case.repeat)):
        case = replace(record.case, repeat=0, device=ANY if across else record.case.device)
        groups.setdefault(case, {}).setdefault(record.environment, []).append(record)
    return groups


def _take(runs: Mapping[str, Sequence[Record]], environment: str) -> tuple[Record, ...]:
    """The runs of one environment; those that failed count wherever they did, for some fail before they tell where."""
    fell = (record for key, records in runs.items() if key != environment for record in records if record.failure)
    return (*runs[environment], *fell)


def _latest(runs: Mapping[str, Sequence[Record]]) -> tuple[str, Sequence[Record]]:
    return max(runs.items(), key=lambda item: item[1][-1].time)


def _describe(was: str, now: str, old: Mapping[str, Environment], new: Mapping[str, Environment]) -> tuple[str, ...]:
    if was not in old or now not in new:
        return (f"environment {was} / {now}",)
    return tuple(list_differences(old[was], new[now])) or (f"environment {was} / {now}",)
