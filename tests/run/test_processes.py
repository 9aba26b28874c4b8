"""Tasks in processes of their own: what they send arrives, and however they end, it is known and nothing is left."""

import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psutil
import pytest
import tasks

from vidbench.errors import InputError
from vidbench.run.processes import Outcome, Processes, StoppedError


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with Processes() as started:
        yield started


def test_a_new_process_each(processes):
    """Every task has a process of its own, all forked from one, which is not this one."""
    first, second = processes.run(tasks.tell), processes.run(tasks.tell)
    assert first.status == second.status == 0
    assert first.sent[0] != second.sent[0]
    assert first.sent[1] == second.sent[1]
    assert psutil.Process(first.sent[1]).ppid() == psutil.Process().pid


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_signals(processes, number):
    """A process that dies is named by its signal; what it sent before is kept."""
    outcome = processes.run(partial(tasks.die, number))
    assert outcome.sent == ("before",)
    assert outcome.signal == number
    assert not outcome.timed_out


def test_exit_codes(processes):
    """So is what ends itself, or by an error that nobody handles, by its code."""
    assert processes.run(tasks.leave) == Outcome(sent=("before",), status=3 << 8, timed_out=False)
    assert processes.run(tasks.fail) == Outcome(sent=(), status=1 << 8, timed_out=False)


def test_time_limit(processes, monkeypatch):
    """A task over its time is killed, whatever signals it ignores; what it sent before is kept."""
    monkeypatch.setattr(processes, "limit", 1.0)
    outcome = processes.run(tasks.hang)
    assert outcome == Outcome(sent=("before",), status=signal.SIGKILL, timed_out=True)


def test_what_a_task_leaves_behind(processes):
    """Processes that a task has begun are gone before the next task, even out of its group."""
    (left,) = processes.run(tasks.beget).sent
    assert not psutil.pid_exists(left)


def test_large_messages(processes):
    """Nothing that is sent is cut off."""
    assert processes.run(tasks.send_much).sent == (b"x" * 10_000_000,)


def test_the_server_dies():
    """If even the server is killed, what it forked goes with it, and the next task has a new one."""
    with Processes() as processes:
        outcome = processes.run(tasks.fell)
        assert (outcome.sent, outcome.status, outcome.timed_out) == (("before",), None, False)
        assert processes.run(tasks.tell).status == 0
        server = psutil.Process(processes.run(tasks.tell).sent[1])
    assert not server.is_running()


@pytest.mark.parametrize("said", [pickle.dumps(tasks.send_much), pickle.dumps(tasks.send_much)[:-5], b""])
def test_nobody_listens(said):
    """A process whose asker was killed meanwhile, or before it had said all, ends without a word."""
    ours, theirs = socket.socketpair()
    with ours:
        ours.sendall(said)
    with theirs:
        code = f"from vidbench.run.server import answer; answer({theirs.fileno()})"
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            pass_fds=[theirs.fileno()], capture_output=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, b"")


def test_without_forks():
    """Where forking is not safe, each process is started anew, with the same outcomes."""
    with Processes(fork=False) as processes:
        assert len(processes.run(tasks.tell).sent) == 2
        assert processes.run(partial(tasks.die, signal.SIGSEGV)).signal == signal.SIGSEGV


def test_variables():
    """Tasks have the variables that are given for them, and no other process has."""
    with Processes(variables={"VIDBENCH_TEST": "one"}) as processes:
        assert processes.run(partial(tasks.say, "VIDBENCH_TEST")).sent == ("one",)
    assert "VIDBENCH_TEST" not in os.environ


def find_grandchildren() -> list[psutil.Process]:
    """Processes that servers of this one have begun."""
    return [task for server in psutil.Process().children() for task in server.children()]


def test_stopped_by_another_thread():
    """What waits for a task that another thread stops is told so at once; nothing is left, and nothing runs again."""
    with Processes(limit=60) as processes, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(processes.run, tasks.hang)
        while not (begun := find_grandchildren()):
            time.sleep(0.05)
        processes.stop()
        with pytest.raises(StoppedError):
            waiting.result(timeout=60)
        assert not any(process.is_running() for process in begun)
        with pytest.raises(StoppedError):
            processes.run(tasks.tell)


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf")])
def test_no_time(limit):
    """A timeout that is none is refused."""
    with pytest.raises(InputError, match="a timeout is above 0"):
        Processes(limit)
