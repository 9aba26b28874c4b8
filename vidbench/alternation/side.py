"""One side of an alternation: in each round a new process builds the net, then times a burst whenever it is asked to.

Run as a file by the side's own Python, among the side's own packages, so that of vidbench it uses `build` alone. The
first argument is what to build, as JSON. Lines of stdin begin a round, ask in it for a burst of so many seconds, or for
calls from now on and for their end, and end it; answers are lines of JSON, of which an `error` is the last. The
processes of rounds are forked from this one, which has imported torch and run no operator; where a fork cannot compute,
all rounds are in this one.
"""

import ctypes
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from io import RawIOBase
from select import select
from typing import Any, TextIO

BEGIN, END = "begin", "end"  # a round
GO, STOP = "go", "stop"  # calls that nobody times
WARM_UP_CALLS, WARM_UP_SECONDS = 3, 0.5
LEAST_CALLS = 2  # of a burst


def main() -> None:
    """Serve rounds until stdin is at its end."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # where nets print
    try:
        import torch  # noqa: F401  # so that the processes of rounds need not

        import vidbench  # noqa: F401
    except ImportError as error:
        what = f"its Python has no torch or vidbench that can be imported: {error}"
        answer(answers, {"error": what, "trace": traceback.format_exc(), "refused": True})
        return
    keep_freed_memory()
    asked = json.loads(sys.argv[1])
    with open(0, "rb", buffering=0) as lines:  # unbuffered: a round's process reads on where this one stopped
        while lines.readline():
            child = os.fork() if sys.platform == "linux" else None
            if child:
                if status := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
                    sys.exit(status)
                continue
            serve(lines, answers, asked)
            if child == 0:
                os._exit(0)


def keep_freed_memory() -> None:
    """As vidbench.heap, which the side's own vidbench may not have."""
    if sys.platform == "linux" and os.environ.get("VIDBENCH_HEAP") != "system":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", lambda *_: 0)
        mallopt(-4, 0), mallopt(-1, -1)


def serve(lines: RawIOBase, answers: TextIO, asked: dict[str, Any]) -> None:
    """One round: build, warm up, then a burst for each line, until one ends it."""
    try:
        take, stack = prepare(asked)
        begun = time.monotonic()
        calls = 0
        while calls < WARM_UP_CALLS or time.monotonic() - begun < WARM_UP_SECONDS:
            take()
            calls += 1
    except Exception as error:
        what = f"{asked['model']} cannot be built and called: {describe(error)}"
        answer(answers, {"error": what, "trace": traceback.format_exc(), "refused": is_refusal(error)})
        return
    answer(answers, {"stack": stack})
    while (line := (lines.readline() or b"").decode().strip()) not in ("", END):
        if line in (GO, STOP):
            answer(answers, {"samples": [take()] if line == GO else []})
            while line == GO and not select([lines], [], [], 0)[0]:
                take()
            continue
        wanted, samples = float(line), [take()]
        while len(samples) < LEAST_CALLS or sum(samples) < wanted:
            samples.append(take())
        answer(answers, {"samples": samples})


def answer(answers: TextIO, found: dict[str, Any]) -> None:
    """A line of JSON."""
    print(json.dumps(found), file=answers, flush=True)


def describe(error: Exception) -> str:
    """What it says; what kind of error it is, too, where it is not vidbench's own."""
    return str(error) if type(error).__module__ == "vidbench.errors" else f"{type(error).__name__}: {error}"


def is_refusal(error: Exception) -> bool:
    """Whether the side's vidbench refuses what was asked, and no code of the user's has failed."""
    return type(error).__module__ == "vidbench.errors" and type(error).__name__ != "OwnCodeError"


def prepare(asked: dict[str, Any]) -> tuple[Callable[[], float], dict[str, str]]:
    """What times one call in seconds, and the library stack it runs on."""
    import torch

    import vidbench

    if asked["threads"]:
        torch.set_num_threads(asked["threads"])
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    torch.manual_seed(0)
    device, dtype = torch.device(asked["device"]), getattr(torch, asked["dtype"])
    net = vidbench.build(asked["model"], classes=asked["classes"], frames=asked["frames"], size=asked["size"])
    net = net.to(device, dtype).eval()
    shape = (asked["batch"], 3, asked["frames"], asked["size"], asked["size"])
    clips = torch.randn(shape).to(device, dtype)
    on_gpu = device.type == "cuda"

    def take() -> float:
        begin = time.perf_counter_ns()
        with torch.inference_mode():
            net(clips)
        if on_gpu:
            torch.cuda.synchronize(device)
        return (time.perf_counter_ns() - begin) / 1e9

    name = torch.cuda.get_device_name(device) if on_gpu else asked["device"]
    return take, {"torch": torch.__version__, "vidbench": vidbench.__version__, "device": name}


if __name__ == "__main__":
    main()
