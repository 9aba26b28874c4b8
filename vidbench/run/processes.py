"""Tasks in processes of their own: whatever becomes of one, this process goes on and knows how it ended."""

import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from select import select
from time import monotonic
from types import TracebackType
from typing import Any

from vidbench.errors import InputError, VidbenchError
from vidbench.run.server import KILL, QUIET, READY, START, Task

TIMEOUT = 600.0  # seconds for one task
LONGEST = 1e6
GRACE = 30.0  # seconds that what was killed may take to go; a driver may hold it
CHUNK = 2**16


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a task sent before its process ended, and how that ended.

    `status` is as os.waitpid gives it, None where even the server of processes was lost; 0 is a proper end.
    """

    sent: tuple[Any, ...]
    status: int | None
    timed_out: bool

    @property
    def signal(self) -> signal.Signals | None:
        """What killed it, if anything did."""
        killed = self.status is not None and os.WIFSIGNALED(self.status)
        return signal.Signals(os.WTERMSIG(self.status or 0)) if killed else None


class StoppedError(VidbenchError):
    """What was to run was ended by another thread."""


class Processes:
    """Gives each task a process of its own, forked from a server that has imported torch but run no operator.

    Nothing runs here meanwhile, and no task's process outlives the `with` block, or this process.

    Args:
        limit: seconds that one task may take before its process is killed.
        fork: whether to fork; False starts each process anew, None does what is safe here.
        variables: of the environment of all of these processes, beside or instead of this one's.

    Raises:
        InputError: that is no time to wait.
    """

    def __init__(
        self, limit: float = TIMEOUT, *, fork: bool | None = None, variables: Mapping[str, str] | None = None
    ) -> None:
        if not 0 < limit <= LONGEST:
            raise InputError(f"a timeout is above 0 and at most {LONGEST:,.0f} seconds, not {limit:g}")
        self.limit = limit
        self._fork = fork
        self._variables = dict(variables or {})
        self._stopped = False
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def __enter__(self) -> "Processes":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, task: Task) -> Outcome:
        """Do one task there, and wait for it; `task` is found by its name in a module that can be imported.

        Raises:
            VidbenchError: no server of processes can be started.
            StoppedError: another thread has called `stop`, and the task is not done.
        """
        control = self._control or self._start()
        if self._stopped:
            self.close()
            raise StoppedError
        ours, theirs = socket.socketpair()
        with ours:
            with theirs, suppress(OSError):
                socket.send_fds(control, [START], [theirs.fileno()], QUIET)
            with suppress(OSError):  # it has ended, or taken over the limit, before it had read all
                ours.settimeout(self.limit)
                ours.sendall(pickle.dumps(task), QUIET)
            ours.settimeout(0)
            received = bytearray()
            status = self._wait(control, ours, received, self.limit)
            timed_out = status is None
            if status is None:
                with suppress(OSError):
                    control.sendall(KILL, QUIET)
                status = self._wait(control, ours, received, GRACE)
        if status in (None, b""):
            self.close()
            if self._stopped:
                raise StoppedError
        return Outcome(
            sent=tuple(_unpickle(received)),
            status=int.from_bytes(status, "little") if status else None,
            timed_out=timed_out,
        )

    def stop(self) -> None:
        """End what runs here from another thread than that which waits for it; nothing can be run here any more."""
        self._stopped = True
        control = self._control
        if control is not None:
            with suppress(OSError):  # closing it would not wake the thread that waits
                control.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the server, and with it whatever still runs there."""
        if self._control is not None:
            self._control.close()
        if self._server is not None:
            try:
                self._server.wait(GRACE)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
        self._control = self._server = None

    def _start(self) -> socket.socket:
        control, theirs = socket.socketpair()
        # The server is given our path as it is, without the current folder in front of it.
        environment = {**os.environ, **self._variables, "PYTHONPATH": os.pathsep.join(sys.path)}
        code = f"from vidbench.run.server import serve; serve({theirs.fileno()}, {self._fork})"
        self._control = control
        with theirs:
            # A session of its own: Ctrl-C is for this process alone, which then ends the server.
            self._server = subprocess.Popen(  # noqa: S603  # ourselves
                [sys.executable, "-P", "-c", code], stdin=subprocess.DEVNULL, env=environment,
                pass_fds=[theirs.fileno()], start_new_session=True,
            )  # fmt: skip
        word = b""
        with suppress(OSError):
            word = control.recv(1)
        if word != READY:
            self.close()
            if self._stopped:
                raise StoppedError
            raise VidbenchError(
                "no process can be started for cases (above is why); --in-process measures without (in_process=True)"
            )
        return control

    @staticmethod
    def _wait(control: socket.socket, ours: socket.socket, received: bytearray, limit: float) -> bytes | None:
        """Collect what is sent until the task's process has ended: its status, b"" if the server has, None in time."""
        end = monotonic() + limit
        listening = [control, ours]
        while True:
            ready, _, _ = select(listening, [], [], max(0.0, end - monotonic()))
            if ours in ready and not _collect(ours, received):
                listening = [control]
            if control in ready:
                with suppress(OSError):
                    status = control.recv(4)
                    _collect(ours, received)
                    return status
                return b""
            if not ready:
                return None


def _collect(ours: socket.socket, received: bytearray) -> bool:
    """All that has come so far; whether more may come."""
    try:
        while chunk := ours.recv(CHUNK):
            received += chunk
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _unpickle(received: bytearray) -> Iterator[Any]:
    """What was sent, in its order; what its sender did not live to finish is left out."""
    stream = BytesIO(received)
    with suppress(EOFError, pickle.UnpicklingError):
        while True:
            yield pickle.load(stream)  # noqa: S301  # our own child wrote it
