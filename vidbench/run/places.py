"""Where cases will be measured, told before any is: the environments of their devices, precisions and threads."""

from collections.abc import Iterable
from functools import partial

import torch

from vidbench.environment import describe
from vidbench.errors import VidbenchError
from vidbench.records import Case, Environment
from vidbench.run.processes import Processes
from vidbench.run.server import Send
from vidbench.run.setting import set_up


def locate(cases: Iterable[Case], processes: Processes) -> dict[tuple[str, str, int | None], Environment]:
    """The environment of each device, precision and number of threads of the cases, asked for in a process of its own.

    Raises:
        VidbenchError: that process ended before it had told.
    """
    distinct = tuple({(case.device, case.dtype, case.threads): case for case in cases}.values())
    outcome = processes.run(partial(_describe, distinct, torch.get_num_threads()))
    if len(outcome.sent) != len(distinct):
        raise VidbenchError("the devices of these cases cannot be described; --debug and `vidbench env` say more")
    return {(case.device, case.dtype, case.threads): where for case, where in zip(distinct, outcome.sent, strict=True)}


def _describe(cases: Iterable[Case], threads: int, send: Send) -> None:
    torch.set_num_threads(threads)
    for case in cases:
        with set_up(case):
            send(describe(torch.device(case.device)))
