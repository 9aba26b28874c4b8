"""Cases in processes of their own: the record of each, whatever becomes of its process."""

import os
import platform
import signal
import traceback
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import torch

from vidbench.catalog import is_own
from vidbench.environment import check_dtype
from vidbench.errors import VidbenchError
from vidbench.metrics import METRICS
from vidbench.records import Case, Clip, Environment, Failure, Measurement, Record
from vidbench.run.ceiling import available_bytes, count_kills
from vidbench.run.nets import META, Nets, build_net
from vidbench.run.plan import Plan
from vidbench.run.processes import Outcome, Processes
from vidbench.run.server import Send
from vidbench.run.worker import describe_shortage, make_record, measure_case, predict

MAIN = "__main__:"  # the start of the names of own nets that no other process can import


def is_timed(case: Case, metrics: Iterable[str]) -> bool:
    """Whether the case's net computes to be measured, and not to be counted alone."""
    return case.device != "meta" and any(METRICS[name].kind == "sampled" for name in metrics)


def can_be_sent(case: Case) -> bool:
    """Whether another process can build the case's net."""
    return not case.model.startswith(MAIN)


def measure_isolated(case: Case, clips: Sequence[Clip], plan: Plan, processes: Processes) -> tuple[Record, Environment]:
    """Measure one case in a process of its own; if that dies or hangs, the record has what came before.

    Raises:
        VidbenchError: no process can be started.
    """
    free, kills = available_bytes(), count_kills()
    outcome = processes.run(partial(_measure, _Errand(case, clips, plan, torch.get_num_threads())))
    last = outcome.sent[-1] if outcome.sent else None
    environment = next((one for one in outcome.sent if isinstance(one, Environment)), None) or _name_place(case)
    if isinstance(last, Record):
        return last, environment
    measurements = [one for one in outcome.sent if isinstance(one, Measurement)]
    if isinstance(last, Failure):
        return make_record(case, environment, measurements, last, {"isolated": True}), environment
    failure = _describe_end(outcome, processes.limit)
    if outcome.signal == signal.SIGKILL and not outcome.timed_out and count_kills() > kills:
        nets = Nets()
        predicted = None if is_own(case.model) else predict(case, measurements, nets)
        message = f"out of memory: the system killed its process; {describe_shortage(predicted, free)}"
        failure = Failure(kind="oom", message=message)
    return make_record(case, environment, measurements, failure, {"isolated": True}), environment


class _Errand(NamedTuple):
    """What a case's process is to measure, and how."""

    case: Case
    clips: Sequence[Clip]
    plan: Plan
    threads: int  # the caller's


def _measure(errand: _Errand, send: Send) -> None:
    """In the case's process: send its environment, each measurement, and the record."""
    if torch.get_num_threads() != errand.threads:
        torch.set_num_threads(errand.threads)
    try:
        record, _ = measure_case(errand.case, errand.clips, errand.plan, Nets(), isolated=True, report=send)
    except (SystemExit, KeyboardInterrupt) as error:
        what = f"{type(error).__name__}: {error}"
        send(Failure(kind="error", message=f"the net's code would end the process ({what})"))
    else:
        send(record)


def _describe_end(outcome: Outcome, limit: float) -> Failure:
    if outcome.timed_out:
        return Failure(kind="timeout", message=f"it took over {limit:g} s and was ended; --timeout gives it longer")
    if outcome.status is None:
        return Failure(kind="crash", message="its process and the one that it was forked from ended")
    if outcome.signal is not None:
        hint = ", perhaps for want of memory" if outcome.signal == signal.SIGKILL else ""
        return Failure(kind="crash", message=f"its process was ended by {outcome.signal.name}{hint}")
    code = os.waitstatus_to_exitcode(outcome.status)
    return Failure(kind="crash", message=f"its process ended itself with exit code {code}")


def _name_place(case: Case) -> Environment:
    """All that can be told of where a case was to be measured, without touching its device."""
    return Environment(
        device=case.device,
        driver=None,
        platform=f"{platform.system()} {platform.machine()}",
        stack={"python": platform.python_version(), "torch": torch.__version__},
        flags={},
        threads=case.threads or torch.get_num_threads(),
    )


def check_isolated(check: Callable[[], None], processes: Processes) -> None:
    """Do a check in a process of its own, that is found by its name; one that dies or hangs has refused nothing.

    Raises:
        VidbenchError: what the check raised.
    """
    outcome = processes.run(partial(_check, check))
    if outcome.sent:
        raise outcome.sent[0]


def _check(check: Callable[[], None], send: Send) -> None:
    try:
        check()
    except VidbenchError as error:
        error.add_note(f"It was raised in a process of its own:\n{''.join(traceback.format_exception(error))}")
        send(error)


def check_dtypes(pairs: Iterable[tuple[str, torch.device]]) -> None:
    """Raise InputError where a net cannot run in one of those precisions on its device."""
    for dtype, device in pairs:
        check_dtype(dtype, device)


def check_nets(cases: Iterable[Case]) -> None:
    """Raise InputError where one of the cases' nets cannot be built."""
    for case in cases:
        build_net(case, META)
