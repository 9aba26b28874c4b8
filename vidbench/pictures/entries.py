"""What a table's row stands for: a case, with the runs it was measured in and where, and what to beware of in it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vidbench.catalog import variants
from vidbench.records import DISTURBED, FAILED, NOT_SETTLED, RANDOM, Case, Environment, Record
from vidbench.repeats import merge_runs
from vidbench.table import Row, identify, rows

KINDS = (NOT_SETTLED, DISTURBED, "caution")  # of caveats, the gravest first


@dataclass(frozen=True, slots=True)
class Mark:
    """Why not to trust or to expect a figure: `kind` in a word or two, `reason` in full."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A case: its row (of several runs, the merged one), the records of its runs, and their environment."""

    row: Row
    runs: tuple[Record, ...]
    environment: Environment | None

    @property
    def case(self) -> Case:
        """The setting, as its first run has it."""
        return self.runs[0].case

    @property
    def family(self) -> str:
        """The family of its net; of a user's own, and of one that is not in the catalog, the net's own name."""
        variant = variants().get(self.case.model)
        return variant.family if variant else self.case.model

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What failed, what is not settled, what was disturbed, and other cautions; the gravest come first."""
        found = [*self._failures(), *self._caveats()]
        return tuple(dict.fromkeys(found))

    def _failures(self) -> Iterable[Mark]:
        failed = [run for run in self.runs if run.failure is not None]
        for run in failed:
            if run.failure is not None:
                some = f"{len(failed)} of {len(self.runs)} runs " if len(failed) < len(self.runs) else ""
                yield Mark(some + FAILED[run.failure.kind], run.failure.message)

    def _caveats(self) -> Iterable[Mark]:
        said = [(m.metric, *_sort(caveat)) for run in self.runs for m in run.measurements for caveat in m.caveats]
        for wanted in KINDS:
            yield from (Mark(kind, f"{metric}: {reason}") for metric, kind, reason in said if kind == wanted)


def _sort(caveat: str) -> tuple[str, str]:
    """Its kind, and what it says beside it."""
    kind = next((kind for kind in KINDS if caveat.startswith(f"{kind}: ")), KINDS[-1])
    return kind, caveat.removeprefix(f"{kind}: ")


def gather_entries(records: Sequence[Record], environments: Mapping[str, Environment]) -> list[Entry]:
    """An entry a case, in the order of their first records; runs of one case in one environment share an entry."""
    groups: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        groups.setdefault(identify(record), []).append(record)
    merged = merge_runs(rows(records, environments))
    return [
        Entry(row, tuple(runs), environments.get(runs[0].environment))
        for row, runs in zip(merged, groups.values(), strict=True)
    ]


def name_place(where: Environment | None) -> str:
    """Where figures were taken, and with what, in a few words."""
    if where is None:
        return "a machine that the file does not describe"
    threads = f"{where.threads} CPU thread{'' if where.threads == 1 else 's'}"
    parts = [where.device, where.driver and f"driver {where.driver}", threads, f"torch {where.stack.get('torch', '?')}"]
    return ", ".join(part for part in parts if part)


_SHOWN = ("batch", "dtype", "mode", "task", "device", "views", "weights")  # in a name, where cases differ in it
_RARE = ("classes", "clip", "threads")  # only in names that are else the same
_USUAL = {"mode": "eager", "task": "inference", "weights": RANDOM, "device": None}


def name_entries(entries: Sequence[Entry], *, without: Sequence[str] = ()) -> tuple[list[str], str]:
    """A name for each, its model with what it does not have in common with the others; and what all have in common.

    `without` are settings that the picture shows otherwise.
    """
    settings = [_settings(entry.case, without) for entry in entries]
    seen: dict[str, set[str]] = (
        {part: {setting[part] for setting in settings} for part in settings[0]} if settings else {}
    )
    differ = [part for part, words in seen.items() if len(words) > 1]
    usual = [part for part in differ if part not in _RARE]
    names = [_join(entry, setting, usual) for entry, setting in zip(entries, settings, strict=True)]
    occurs = Counter(names)
    names = [
        name if occurs[name] == 1 else _join(entry, setting, differ)
        for name, entry, setting in zip(names, entries, settings, strict=True)
    ]
    unusual = [
        part for part in seen if part not in differ and getattr(entries[0].case, part, "") != _USUAL.get(part, "")
    ]
    return names, ", ".join(settings[0][part] for part in unusual if settings[0][part] and part != "device")


def _settings(case: Case, without: Sequence[str]) -> dict[str, str]:
    """What each setting of the case is called; nothing where it says nothing."""
    told = {
        "size": f"{case.size} pixels" if "frames" in without else f"{case.frames}x{case.size}",
        **{part: str(getattr(case, part) or "") for part in _SHOWN + _RARE},
        "batch": f"batch {case.batch}",
        "device": f"on {case.device}",
        "views": f"views {case.views}" if case.views else "",
        "weights": f"weights {case.weights}",
        "classes": f"{case.classes} classes" if case.classes else "",
        "clip": f"{case.clip} clip",
        "threads": f"{case.threads} threads" if case.threads else "",
    }
    return {part: words for part, words in told.items() if part not in without}


def _join(entry: Entry, setting: Mapping[str, str], parts: Sequence[str]) -> str:
    return " ".join([entry.case.model, *(setting[part] for part in parts if setting[part])])
