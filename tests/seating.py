"""Seats on the CPU, for tests of what goes on where there are several; and a suite run there, as a command runs it."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from vidbench.cli.run import _run
from vidbench.cli.seats import plan_on_seats
from vidbench.run.processes import Processes
from vidbench.run.seats import Seat
from vidbench.runs import FAILURES
from vidbench.suites.files import read_suite


@contextmanager
def open_cpu_seats(limit: float = 120.0) -> Iterator[tuple[Seat, ...]]:
    """Two, which are called as GPUs are; their processes have their number in the variable SEAT."""
    with ExitStack() as stack:
        seats = []
        for number in range(2):
            variables = {"SEAT": str(number)}
            processes = stack.enter_context(Processes(limit, variables=variables))
            seats.append(Seat(name=f"cuda:{number}", device="cpu", variables=variables, processes=processes))
        yield tuple(seats)


def main() -> None:
    """Measure what is missing of the current folder's mine.toml."""
    with open_cpu_seats() as seats:
        sys.exit(_run(plan_on_seats(read_suite("mine.toml"), "results", seats, resume=True, retry=FAILURES)))
