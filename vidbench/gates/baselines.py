"""Baselines: the runs that a gate compares with, as a result file with its provenance, or one from a git revision."""

import socket
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vidbench.errors import InputError, NoBaselineError
from vidbench.records import Case, Record
from vidbench.store import Results, read_all, replace_file

DEFAULT = "baseline.jsonl"
REVISION = "git:"  # how a baseline begins that is read from a revision
_HOW_TO = "`vidbench baseline update RESULTS -o {}` writes one"


@dataclass(frozen=True, slots=True)
class Update:
    """What a baseline holds after an update: cases that came, those kept from before, and failed ones left out."""

    written: tuple[Case, ...]
    kept: tuple[Case, ...]
    failed: tuple[Case, ...]
    fewest: int


def read_baseline(name: str) -> Results:
    """The runs of a file, of all files below a folder, or of `git:REV:PATH` (`git:REV` is its baseline.jsonl).

    Raises:
        NoBaselineError: there is none.
        InputError: the revision is unknown, or what is there is no result file.
    """
    if name.startswith(REVISION):
        revision, _, path = name.removeprefix(REVISION).partition(":")
        return _read_revision(revision, path or DEFAULT)
    if not Path(name).exists():
        raise NoBaselineError(f"there is no baseline {name}; {_HOW_TO.format(name)}")
    return _check_filled(read_all([name]), name)


def write_baseline(results: Results, path: Path, sources: Sequence[str], *, fresh: bool = False) -> Update:
    """Write the runs into the baseline; what it has of other cases and environments is kept, unless it is to be fresh.

    Samples are left out, for a gate needs each run's figures alone. Every record tells under `baseline` of its
    conditions where, when and from what it was written.

    Raises:
        InputError: no run was measured, or the file is no result file or cannot be written.
    """
    good = [record for record in results.records if record.failure is None]
    if not good:
        raise InputError(f"{', '.join(sources)}: no case was measured; a baseline needs one")
    before = Results() if fresh or not path.exists() else read_all([path])
    replaced = {(_case(record), record.environment) for record in good}
    kept = [record for record in before.records if (_case(record), record.environment) not in replaced]
    provenance = describe_origin(sources)
    environments = {**before.environments, **results.environments}
    ready = [*kept, *(_strip(record, provenance) for record in good)]
    replace_file(path, ready, environments)
    runs: dict[tuple[Case, str], int] = {}
    for record in good:
        key = (_case(record), record.environment)
        runs[key] = runs.get(key, 0) + 1
    written = tuple(dict.fromkeys(map(_case, good)))
    failed = dict.fromkeys(_case(record) for record in results.records if record.failure)
    return Update(
        written=written,
        kept=tuple(case for case in dict.fromkeys(map(_case, kept)) if case not in written),
        failed=tuple(case for case in failed if case not in written),
        fewest=min(runs.values()),
    )


def describe_origin(sources: Sequence[str]) -> dict[str, Any]:
    """Host, time, vidbench's version, git revision and whether anything is changed since, and the files read."""
    from vidbench import __version__

    revision = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain") if revision else None
    return {
        "host": socket.gethostname(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "vidbench": __version__,
        "git": revision.decode().strip() if revision else None,
        "changed": None if changed is None else bool(changed.strip()),
        "sources": list(sources),
    }


def tell_origins(records: Iterable[Record]) -> list[str]:
    """A line for each origin that records of a baseline tell of."""
    lines: dict[str, None] = {}
    for origin in (record.conditions.get("baseline") for record in records):
        if isinstance(origin, dict):
            revision = f"git {str(origin['git'])[:12]}" if origin.get("git") else "no git revision"
            changed = " with changes" if origin.get("changed") else ""
            written = f"{origin.get('written')} on {origin.get('host')}"
            lines[f"baseline: written {written}, vidbench {origin.get('vidbench')}, {revision}{changed}"] = None
    return list(lines)


def _case(record: Record) -> Case:
    return replace(record.case, repeat=0)


def _strip(record: Record, provenance: dict[str, Any]) -> Record:
    measurements = tuple(replace(measurement, samples=()) for measurement in record.measurements)
    return replace(record, measurements=measurements, conditions={**record.conditions, "baseline": provenance})


def _read_revision(revision: str, path: str) -> Results:
    if _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}") is None:
        raise InputError(f"git knows no revision {revision!r} in this folder; fetch it, or give a baseline file")
    name = f"{REVISION}{revision}:{path}"
    text = _git("cat-file", "blob", f"{revision}:./{path}")
    if text is None:
        raise NoBaselineError(f"there is no {path} in revision {revision}; {_HOW_TO.format(path)}, to be committed")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "baseline.jsonl"
        copy.write_bytes(text)
        try:
            results = read_all([copy])
        except InputError as error:
            raise InputError(str(error).replace(str(copy), name)) from error
    return _check_filled(replace(results, warnings=tuple(w.replace(str(copy), name) for w in results.warnings)), name)


def _check_filled(results: Results, name: str) -> Results:
    if not results.records:
        raise NoBaselineError(f"the baseline {name} holds no record; {_HOW_TO.format('FILE')}")
    return results


def _git(*arguments: str) -> bytes | None:
    """What git says in the current folder; None where it fails, or is not there."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
