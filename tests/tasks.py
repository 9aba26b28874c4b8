"""What tests let processes of their own do; a module that those can import."""

import os
import signal
import subprocess
import sys
import time

from vidbench.run.server import Send


def tell(send: Send) -> None:
    """Its own id and that of the process it was forked from."""
    send(os.getpid())
    send(os.getppid())


def say(name: str, send: Send) -> None:
    """That variable of its environment."""
    send(os.environ.get(name))


def die(number: int, send: Send) -> None:
    """Killed by that signal, with something sent before and something begun."""
    send("before")
    os.kill(os.getpid(), number)
    send("after")


def leave(send: Send) -> None:
    """Ended by itself."""
    send("before")
    os._exit(3)


def fail(_send: Send) -> None:
    """Ended by an error that nobody handles."""
    raise ZeroDivisionError("whatever")


def hang(send: Send) -> None:
    """Never at an end, nor stopped by signals that can be ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    send("before")
    time.sleep(1000)


def beget(send: Send) -> None:
    """A process that outlives it, in a session of its own."""
    send(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], start_new_session=True).pid)


def fell(send: Send) -> None:
    """The end of the process that all are forked from."""
    send("before")
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(1000)


def send_much(send: Send) -> None:
    """More than any buffer holds."""
    send(b"x" * 10_000_000)
