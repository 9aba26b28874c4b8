"""The state of a process in which a case is measured: its threads, its precision, and where its nets may print."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

import torch

from vidbench.environment import precision
from vidbench.records import Case


@contextmanager
def set_up(case: Case) -> Iterator[None]:
    """While this is open, torch has the case's threads and precision flags; what users' nets print goes to stderr."""
    before = torch.get_num_threads()
    torch.set_num_threads(case.threads or before)
    try:
        with precision(case.dtype), redirect_stdout(sys.stderr):  # stdout is for results
            yield
    finally:
        torch.set_num_threads(before)
