"""Slurm's own commands: what its queue says of a run's jobs, ending them, and what nodes there are."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from vidbench.errors import InputError, VidbenchError, first_line

COMMANDS = ("sbatch", "squeue", "scancel", "scontrol", "srun", "sinfo")
SECONDS = 60.0  # for one of them to answer
WAITING = {"PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"}
ENDED = {
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED",
    "TIMEOUT",
}  # fmt: skip
MOST_IN_ARRAY = 1001  # of which Slurm allows one less, where its configuration cannot be read


@dataclass(frozen=True, slots=True)
class State:
    """What Slurm says of a job: `PENDING`, `RUNNING`, ..., and why it does not start."""

    name: str
    reason: str

    @property
    def waits(self) -> bool:
        """Whether it has not started, or not again."""
        return self.name in WAITING

    @property
    def ended(self) -> bool:
        """Whether it will not run any more."""
        return self.name in ENDED


@dataclass(frozen=True, slots=True)
class Node:
    """A node as Slurm knows it: what it has to give beside CPUs and memory, and its state in a word, such as `idle`."""

    name: str
    gres: str
    state: str


class QueueError(VidbenchError):
    """Slurm does not answer, for now or for good."""


def check_slurm() -> None:
    """Raise InputError where Slurm's commands are not there."""
    if missing := [name for name in COMMANDS if shutil.which(name) is None]:
        raise InputError(
            f"--launcher slurm needs Slurm, and there is no {', '.join(missing)} here; log in to a node from which "
            "jobs are submitted, or leave out --launcher to measure on this machine"
        )


def look(arrays: Sequence[str]) -> dict[tuple[str, int], State]:
    """What Slurm's queue has of these arrays, by their names and indices; a job that ended some time ago is left out.

    Raises:
        QueueError: it does not answer.
    """
    if not arrays:
        return {}
    text = _call("squeue", "-h", "-r", "-t", "all", f"--name={','.join(arrays)}", "-o", "%j|%K|%T|%r")
    states = {}
    for line in text.splitlines():
        name, index, state, reason = line.split("|", 3)
        states[name, int(index) if index.isdecimal() else 0] = State(state, reason)
    return states


def cancel(arrays: Sequence[str]) -> None:
    """End all jobs of these arrays.

    Raises:
        QueueError: Slurm does not answer.
    """
    for name in arrays:
        _call("scancel", f"--name={name}")


def list_nodes(partition: str | None) -> list[Node]:
    """The nodes of a partition, or of the one that jobs go to by default; of all where there is none such.

    Raises:
        QueueError: Slurm does not answer.
    """
    only = [f"--partition={partition}"] if partition is not None else []
    lines = [line.split("|", 3) for line in _call("sinfo", "-h", "-N", *only, "-o", "%P|%N|%T|%G").splitlines()]
    usual = [line for line in lines if line[0].endswith("*")]
    chosen = usual if usual and partition is None else lines
    # Behind a state stands what else there is to say of the node, such as * where it does not answer.
    return [Node(name, gres, re.sub(r"\W+$", "", state).lower()) for _, name, state, gres in chosen]


@cache
def longest_array() -> int:
    """How many jobs an array may have."""
    try:
        found = re.search(r"MaxArraySize\s*=\s*(\d+)", _call("scontrol", "show", "config"))
    except QueueError:
        found = None
    return max(1, (int(found[1]) if found else MOST_IN_ARRAY) - 1)


def _call(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)  # noqa: S603
    except subprocess.CalledProcessError as error:
        raise QueueError(f"{command[0]} fails: {_said(error.stderr)}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise QueueError(f"{command[0]} does not answer: {first_line(error)}") from error
    return done.stdout


def _said(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "it says nothing")
