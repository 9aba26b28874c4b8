"""Runs on a cluster: their jobs, how far they are, and what became of them."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from vidbench.terminal.screen import open_console, warn
from vidbench.units import format_count, format_duration

if TYPE_CHECKING:
    from vidbench.cluster.following import Standing
    from vidbench.cluster.kinds import Kind

SHOWN = 10  # numbers of jobs of which the same is said


def print_jobs(sizes: Sequence[int], seconds: Sequence[float]) -> None:
    """How many jobs there are, and how long the longest of them will take."""
    most = f"at most {format_count(max(sizes), 'case')} each, the longest about {format_duration(max(seconds))}"
    print_line(f"{format_count(len(sizes), 'job')}, {most}")


def print_kinds(kinds: "Sequence[Kind]") -> None:
    """On what all cases are measured, where that is each kind of GPU that there is."""
    if kinds:
        told = [f"{kind.name} ({format_count(kind.nodes, 'node')})" for kind in kinds]
        print_line(f"each case on {format_count(len(kinds), 'kind')} of GPU: {', '.join(told)}")


def print_line(text: str) -> None:
    """One line of what was asked for."""
    open_console(sys.stdout).print(Text(text), soft_wrap=True)


def describe(standing: "Standing") -> str:
    """How far a run is, in one line."""
    done = standing.measured + standing.left
    parts = [f"{done} of {format_count(standing.total, 'case')}"]
    parts += [f"{standing.failed} of them failed"] if standing.failed else []
    parts += [f"{standing.left} measured before"] if standing.left else []
    parts += [f"{format_count(standing.running, 'job')} running"] if standing.running else []
    reasons = ", ".join(f"{reason}: {count}" for reason, count in standing.waiting.most_common() if reason != "None")
    waiting = f"{format_count(standing.waiting.total(), 'job')} waiting"
    parts += [f"{waiting} ({reasons})" if reasons else waiting] if standing.waiting else []
    return "; ".join(parts)


class Watching:
    """Says how far a run is: on a terminal in one line that is written over, elsewhere a line a change."""

    def __init__(self) -> None:
        self._last = ""

    def show(self, standing: "Standing") -> None:
        """Say what is new."""
        text = describe(standing)
        if text == self._last:
            return
        if sys.stderr.isatty():
            print(f"\r{text:<{len(self._last)}}", end="", file=sys.stderr, flush=True)  # noqa: T201
        else:
            print(text, file=sys.stderr, flush=True)  # noqa: T201
        self._last = text

    def end(self) -> None:
        """Leave the line."""
        if self._last and sys.stderr.isatty():
            print(file=sys.stderr)  # noqa: T201


def print_files(files: Mapping[Path, int]) -> None:
    """Where a run's records are."""
    for path, records in files.items():
        print_line(f"{format_count(records, 'record')} in {_shorten(path)}")


def print_outcome(standing: "Standing", logs: Path) -> None:
    """Which jobs of a run measured nothing, and which ended before they had measured all."""
    for reason, numbers in _group(standing.refused):
        warn(f"{_name_jobs(numbers)} cannot be measured: {reason}")
    for state, numbers in _group(standing.ended):
        its = "its" if len(numbers) == 1 else "their"
        warn(f"{_name_jobs(numbers)} ended before {its} cases were done ({state}); see {_shorten(logs)}")


def _group(reasons: Mapping[int, str]) -> list[tuple[str, list[int]]]:
    """The jobs of each reason."""
    found: dict[str, list[int]] = {}
    for number, reason in reasons.items():
        found.setdefault(reason, []).append(number)
    return list(found.items())


def _name_jobs(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:SHOWN]))
    more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
    return f"job{'' if len(numbers) == 1 else 's'} {shown}{more}"


def _shorten(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
