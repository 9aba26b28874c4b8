"""Progress on stderr: a bar on a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from vidbench.terminal.screen import open_console

if TYPE_CHECKING:
    from vidbench.records import Case

QUIET_SECONDS = 1.0  # work shorter than this shows no progress


@contextmanager
def show_progress(total: int, *, searching: bool = False) -> Iterator["Callable[[Case], None]"]:
    """A function to be told of each case as it begins; where batches are searched for, of each batch that is tried.

    On a terminal a bar that is redrawn between cases only, for nothing may compute beside a case that is timed;
    elsewhere a line a case, once the work has taken over a second.
    """
    console = open_console(sys.stderr)
    begun = time.monotonic()
    done = 0
    last: Case | None = None

    def is_next(case: "Case") -> bool:
        """Whether this is another case, and not another batch of the last."""
        nonlocal last
        before, last = last, case
        return not searching or before is None or replace(before, batch=case.batch) != case

    def describe(case: "Case") -> str:
        run = f", run {case.repeat + 1}" if case.repeat else ""
        mode = "" if case.mode == "eager" else f" {case.mode}"
        return f"{case.model} {case.frames}x{case.size} batch {case.batch} {case.dtype}{mode} on {case.device}{run}"

    if not console.is_terminal:

        def tell(case: "Case") -> None:
            nonlocal done
            first = last is None
            done += is_next(case)
            if time.monotonic() - begun > QUIET_SECONDS or (first and case.device != "meta"):
                print(f"[{done}/{total}] {describe(case)}", file=sys.stderr, flush=True)  # noqa: T201

        yield tell
        return

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    with Progress(
        BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"),
        console=console, transient=True, auto_refresh=False,
    ) as progress:  # fmt: skip
        task = progress.add_task("", total=total)

        def advance(case: "Case") -> None:
            nonlocal done
            done += is_next(case)
            progress.update(task, description=describe(case), completed=done - 1)
            progress.refresh()

        yield advance
