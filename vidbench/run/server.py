"""The process that others are forked from: it has imported torch and run no operator, so that a fork of it is safe.

Its parent sends START with the end of a channel for each task, KILL for what takes too long, and gets the wait status
of the child that did the task. When the parent is gone, however it went, the control socket is at its end: then the
child and the server end, too.
"""

import ctypes
import gc
import os
import pickle
import signal
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from select import select
from subprocess import DEVNULL, Popen

import psutil
import torch

import vidbench.run.worker  # noqa: F401  # what children need is imported before they are forked
from vidbench.heap import keep_freed_memory

START, KILL, READY = b"s", b"k", b"r"
QUIET = getattr(socket, "MSG_NOSIGNAL", 0)  # a reader that is gone is an error, not our end
LATE = ("torch._dynamo", "torch._refs", "torch._decomp", "torch._meta_registrations")  # torch's, of a first use of meta
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h

Send = Callable[[object], None]
Task = Callable[[Send], None]  # sends what it finds as it finds it


def serve(control: int, fork: bool | None = None) -> None:  # noqa: FBT001  # written into a command line
    """Start a child for every task that comes through the socket of that number, until its other end is closed."""
    os.dup2(2, 1)  # where nets print; stdout is for results
    keep_freed_memory()
    _control_process(PR_SET_CHILD_SUBREAPER, 1)  # what a child leaves behind becomes ours, to be ended
    for name in () if fork is False else LATE:
        with suppress(ImportError):  # they save each child some seconds, and are no part of torch's interface
            import_module(name)
    forks = can_fork() if fork is None else fork
    woken, wake = socket.socketpair()
    wake.settimeout(0)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    gc.collect()
    gc.freeze()  # a child's collector shall not write to, and so copy, every page it shares with us
    child = 0
    with socket.socket(fileno=control) as parent:
        with suppress(OSError):  # the parent may be gone already, which its end of the socket tells
            parent.sendall(READY, QUIET)
        while True:
            ready, _, _ = select([parent, woken], [], [])
            if parent in ready:
                word, channels = _receive(parent)
                if word == START:
                    child = _start(channels[0], forks, (parent, woken, wake))
                elif word == KILL and child:
                    _kill_group(child)
                elif not word:
                    _end_children()
                    return
            if woken in ready:
                woken.recv(4096)
                status = _wait_for(child)
                if status is not None:
                    child = 0
                    _end_children()  # before the next one is timed
                    with suppress(OSError):
                        parent.sendall(status.to_bytes(4, "little"), QUIET)


def can_fork() -> bool:
    """Whether a fork of this process can compute: Apple's libraries cannot, nor can CUDA once it was touched."""
    return sys.platform == "linux" and not torch.cuda.is_initialized()  # type: ignore[no-untyped-call]


def answer(channel: int) -> None:
    """In the child: do the task that comes through the socket of that number, and send back what it sends."""
    keep_freed_memory()
    with socket.socket(fileno=channel) as parent, parent.makefile("rb") as received:
        # Whoever asks may be killed at any moment: then nobody listens, and the server is about to end us, too.
        try:
            task: Task = pickle.load(received)  # noqa: S301  # our own parent wrote it
        except (EOFError, pickle.UnpicklingError, ConnectionError):
            os._exit(1)

        def send(item: object) -> None:
            try:
                parent.sendall(pickle.dumps(item), QUIET)
            except ConnectionError:
                os._exit(1)

        task(send)


def _receive(parent: socket.socket) -> tuple[bytes, list[int]]:
    """A word, none at the end, and the channel that came with it."""
    try:
        word, channels, *_ = socket.recv_fds(parent, 1, 1)
    except ConnectionError:
        return b"", []
    return word, channels


def _start(channel: int, forks: bool, inherited: tuple[socket.socket, ...]) -> int:  # noqa: FBT001
    """A child that does the task behind the channel, leading a group of processes of its own; its id."""
    if not forks:
        code = f"from {__name__} import answer; answer({channel})"
        command = [sys.executable, "-P", "-c", code]
        child = Popen(command, stdin=DEVNULL, pass_fds=[channel], process_group=0).pid  # noqa: S603  # ourselves
        os.close(channel)
        return child
    server = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's BLAS has threads, and sees to forks itself
        child = os.fork()
    if child:
        with suppress(OSError):  # it may have done so, or ended, already
            os.setpgid(child, child)
        os.close(channel)
        return child
    ended = 1
    try:
        _prepare_child(server)
        for one in inherited:
            one.close()
        answer(channel)
        ended = 0
    except BaseException:  # not to be handled twice, by the server's code as well
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(ended)


def _prepare_child(server: int) -> None:
    with suppress(OSError):
        os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    gc.unfreeze()
    _control_process(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:  # it ended before that was set
        os._exit(1)
    with suppress(OSError):  # where memory is short, it is this process that has to go
        Path("/proc/self/oom_score_adj").write_text("1000")


def _wait_for(child: int) -> int | None:
    """The child's wait status, if it has ended; what else has ended is put away."""
    status = None
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            status = ended[1] if ended[0] == child else status
    return status


def _kill_group(child: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def _end_children() -> None:
    """Kill all that descends from this process, and wait until it is gone."""
    while children := psutil.Process().children(recursive=True):
        for one in children:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        _wait_for(0)
        time.sleep(0.001)


def _control_process(option: int, value: int) -> None:
    """prctl(2), which only Linux has; elsewhere the end of the control socket has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
