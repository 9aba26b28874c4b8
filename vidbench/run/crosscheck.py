"""Other counters beside a record's MACs: each in a process of its own, on the CPU, for some damage what they count."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from tempfile import TemporaryFile

import torch
from torch import Tensor, nn

from vidbench.counting.crosscheck import compare
from vidbench.differences import COUNTERS, describe_unexplained
from vidbench.errors import CountError, VidbenchError, first_line
from vidbench.records import RANDOM, SYNTHETIC, Case, Clip, CrossCheck, Record
from vidbench.run.ceiling import memory_ceiling
from vidbench.run.nets import Nets
from vidbench.run.worker import is_adaptive

TIME_LIMIT = 900.0  # seconds for one counter: a start, the net's construction and up to three forward passes

Task = Callable[[], tuple[nn.Module, Tensor]]  # gives a net that has weights, and one clip


class CrossChecks:
    """What other counters make of cases; each net and clip is counted once, whatever the batch and the precision.

    Args:
        module: a user's own net, which then stands for every case's model.
        limit: seconds that a counter may take.
    """

    def __init__(self, module: nn.Module | None = None, limit: float = TIME_LIMIT) -> None:
        self._module = module
        self._limit = limit
        self._taken: dict[object, list[CrossCheck]] = {}

    def add_to(self, record: Record) -> Record:
        """The record with the counters' figures in the details of its MACs, a caveat for each that is unexplained."""
        macs = record.measurement("macs")
        if macs is None:
            return record
        checks = self._check(record.case)
        caveats = [
            f"{check.counter} differs without explanation: {describe_unexplained(check)}"
            for check in checks
            if check.unexplained
        ]
        others = {check.ours for check in checks} - {None, macs.value}
        caveats += [f"counted on the CPU it has {ours:,} MACs" for ours in others]
        found = [asdict(check) for check in checks]
        added = replace(macs, details={**macs.details, "cross_check": found}, caveats=(*macs.caveats, *caveats))
        return replace(record, measurements=tuple(added if m is macs else m for m in record.measurements))

    def _check(self, case: Case) -> list[CrossCheck]:
        if is_adaptive(case):
            return [CrossCheck(counter=name, failure="was not asked: work depends on the clip") for name in COUNTERS]
        if case.task != "inference":
            return [CrossCheck(counter=name, failure="was not asked: it counts no training") for name in COUNTERS]
        alike = (case.model, case.classes, case.frames, case.size)
        if alike not in self._taken:
            task = partial(_prepare, _counted(case), self._module)
            self._taken[alike] = [ask_in_process(name, task, self._limit) for name in COUNTERS]
        return self._taken[alike]


def _counted(case: Case) -> Case:
    """The case as it is cross-checked: one synthetic clip in fp32 on the CPU, random weights."""
    return replace(case, batch=1, device="cpu", dtype="fp32", clip=SYNTHETIC, threads=None, weights=RANDOM)


def _prepare(case: Case, module: nn.Module | None) -> tuple[nn.Module, Tensor]:
    nets = Nets(module)
    clip = nets.load(Clip(frames=case.frames, size=case.size), case)
    if module is None:
        return nets.measured(case), clip
    if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
        raise CountError("the module is on meta, and other counters compute; give one that has weights")
    return module.float(), clip


def ask_in_process(counter: str, task: Task, limit: float = TIME_LIMIT) -> CrossCheck:
    """Let a counter count in a new Python process, which is started without a fork and sees no GPU.

    Whatever goes wrong there, or takes longer than `limit` seconds, is the failure of the check.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", f"from {__name__} import answer; answer({counter!r})"]
    with TemporaryFile() as file:  # no pipe: its other end may be gone before all of a large net is through
        try:
            torch.save(task, file)
        except Exception as error:  # pickling runs the net's own code
            return _fail(counter, f"the net cannot be sent to a process of its own ({_say(error)})")
        file.seek(0)
        try:
            done = subprocess.run(  # noqa: S603  # ourselves
                command, stdin=file, capture_output=True, env=environment, timeout=limit, check=False
            )
        except subprocess.TimeoutExpired:
            return _fail(counter, f"it took over {limit:g} s")
    return CrossCheck(**json.loads(done.stdout)) if done.returncode == 0 else _fail(counter, _describe_end(done))


def _describe_end(done: "subprocess.CompletedProcess[bytes]") -> str:
    if done.returncode < 0:
        return f"its process ended with {signal.Signals(-done.returncode).name}"
    said = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
    return f"its process ended with {done.returncode} ({said[-1]})"


def answer(counter: str) -> None:
    """In the new process: do the task on stdin, and write the CrossCheck to stdout as JSON, alone there."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # where nets and counters print
        json.dump(asdict(_answer(counter)), answers)


def _answer(counter: str) -> CrossCheck:
    try:
        with memory_ceiling(torch.device("cpu")):
            # The parent wrote it; a net on a GPU comes to the CPU.
            task: Task = torch.load(sys.stdin.buffer, map_location="cpu", weights_only=False)
            return compare(counter, *task())
    except Exception as error:  # counters fail in ways of their own
        return _fail(counter, _say(error))


def _fail(counter: str, reason: str) -> CrossCheck:
    return CrossCheck(counter=counter, failure=f"failed: {reason}")


def _say(error: Exception) -> str:
    return str(error) if isinstance(error, VidbenchError) else f"{type(error).__name__}: {first_line(error)}"
