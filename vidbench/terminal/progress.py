"""Progress on stderr: a bar on a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from vidbench.terminal.screen import open_console
from vidbench.units import format_duration

if TYPE_CHECKING:
    from vidbench.records import Case

QUIET_SECONDS = 1.0  # work shorter than this shows no progress
LONG_SECONDS = 10.0  # work longer than this shows how long it took and will take


class Display:
    """Told of each case as it begins; where batches are searched for, of each batch that is tried.

    Attributes:
        failed: how many cases could not be measured, as whoever measures them counts.
        done: how many are done, as they count who measure several at once; else all that began but the last.
    """

    def __init__(
        self, total: int, show: Callable[[int, int, str], None], *, searching: bool, expected: float | None
    ) -> None:
        self.failed = 0
        self.done: int | None = None
        self._total, self._show, self._searching, self._expected = total, show, searching, expected
        self._begun = time.monotonic()
        self._number = 0
        self._last: Case | None = None

    def __call__(self, case: "Case") -> None:
        """Say that this case begins."""
        first, gone = self._last is None, time.monotonic() - self._begun
        self._number += self._is_next(case)
        if gone > QUIET_SECONDS or (first and case.device != "meta") or self.done == 0:
            self._show(self._number, self._count_done(), f"{_describe(case)}{self._describe_time(gone)}")

    def _is_next(self, case: "Case") -> bool:
        """Whether this is another case, and not another batch of the last."""
        before, self._last = self._last, case
        return not self._searching or before is None or replace(before, batch=case.batch) != case

    def _count_done(self) -> int:
        return self._number - 1 if self.done is None else self.done

    def _describe_time(self, gone: float) -> str:
        """How long it has taken and will take: by the cases that are done, before by what was expected."""
        done = self._count_done()
        left = gone / done * (self._total - done) if done and gone > QUIET_SECONDS else self._expected
        if left is None or gone + left < LONG_SECONDS:
            return ""
        failures = f", {self.failed} failed" if self.failed else ""
        return f" ({format_duration(gone)} gone, about {format_duration(left)} left{failures})"


@contextmanager
def show_progress(total: int, *, searching: bool = False, expected: float | None = None) -> Iterator[Display]:
    """What is to be told of each case as it begins; `expected` is how many seconds all are thought to take.

    On a terminal a bar that is redrawn between cases only, for nothing may compute beside a case that is timed;
    elsewhere a line a case, once the work has taken over a second.
    """
    console = open_console(sys.stderr)
    if not console.is_terminal:

        def tell(number: int, _done: int, text: str) -> None:
            print(f"[{number}/{total}] {text}", file=sys.stderr, flush=True)  # noqa: T201

        yield Display(total, tell, searching=searching, expected=expected)
        return

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    with Progress(
        BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"),
        console=console, transient=True, auto_refresh=False,
    ) as progress:  # fmt: skip
        task = progress.add_task("", total=total)

        def advance(_number: int, done: int, text: str) -> None:
            progress.update(task, description=text, completed=done)
            progress.refresh()

        yield Display(total, advance, searching=searching, expected=expected)


def _describe(case: "Case") -> str:
    run = f", run {case.repeat + 1}" if case.repeat else ""
    mode = "" if case.mode == "eager" else f" {case.mode}"
    return f"{case.model} {case.frames}x{case.size} batch {case.batch} {case.dtype}{mode} on {case.device}{run}"
