"""One side of an alternation: builds its net, then times a burst of calls whenever it is asked to.

Run as a file by the side's own Python, among the side's own packages, so that of vidbench it uses `build` alone. The
first argument is what to build, as JSON; each line of stdin asks for a burst of so many seconds; answers are lines of
JSON.
"""

import ctypes
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

WARM_UP_CALLS, WARM_UP_SECONDS = 3, 0.5
LEAST_CALLS = 2  # of a burst


def main() -> None:
    """Serve until stdin is at its end."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # where nets print

    def answer(found: dict[str, Any]) -> None:
        print(json.dumps(found), file=answers, flush=True)

    take, stack = prepare(json.loads(sys.argv[1]))
    begun = time.monotonic()
    calls = 0
    while calls < WARM_UP_CALLS or time.monotonic() - begun < WARM_UP_SECONDS:
        take()
        calls += 1
    answer({"stack": stack})
    for line in sys.stdin:
        wanted, samples = float(line), [take()]
        while len(samples) < LEAST_CALLS or sum(samples) < wanted:
            samples.append(take())
        answer({"samples": samples})


def prepare(asked: dict[str, Any]) -> tuple[Callable[[], float], dict[str, str]]:
    """What times one call in seconds, and the library stack it runs on."""
    import torch

    import vidbench

    if sys.platform.startswith("linux") and os.environ.get("VIDBENCH_HEAP") != "system":
        # As vidbench.heap, which the side's own vidbench may not have.
        mallopt = getattr(ctypes.CDLL(None), "mallopt", lambda *_: 0)
        mallopt(-4, 0), mallopt(-1, -1)
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
