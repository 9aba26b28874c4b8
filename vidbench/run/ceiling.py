"""A ceiling over this process's memory, so that a case too large for the machine is refused its memory, not killed."""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import torch

from vidbench.errors import OwnCodeError

MARGIN = 0.95  # of what is available; the rest is for what the kernel counts beside our data


@contextmanager
def memory_ceiling(device: torch.device) -> Iterator[None]:
    """While this is open, allocations past what the machine has left fail with an error instead of a kill.

    On Linux only; where a ceiling cannot be set, nothing is.
    """
    data = _data_bytes()
    if device.type != "cpu" or data is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = data + int(available_bytes() * MARGIN)
    limits = [limit for limit in (wanted, soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def available_bytes() -> int:
    """What can still be allocated without swapping, within the control group's limit where there is one."""
    available = int(psutil.virtual_memory().available)
    try:
        group = Path("/sys/fs/cgroup")
        limit = (group / "memory.max").read_text().strip()
        if limit != "max":
            available = min(available, int(limit) - int((group / "memory.current").read_text()))
    except (OSError, ValueError):
        pass
    return max(available, 0)


def free_bytes(device: torch.device) -> int:
    """What a case on that device can still take."""
    if device.type != "cuda":
        return available_bytes()
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(torch.cuda.mem_get_info(device)[0]) + kept


def count_kills() -> int:
    """How many processes the kernel has killed for want of memory: in our control group, or on the whole machine."""
    for place in ("/sys/fs/cgroup/memory.events", "/proc/vmstat"):
        with suppress(OSError):
            for line in Path(place).read_text().splitlines():
                name, _, number = line.partition(" ")
                if name == "oom_kill":
                    return int(number)
    return 0


def is_out_of_memory(error: Exception) -> bool:
    """Whether torch, its CPU allocator, oneDNN or Python itself was refused memory, in a user's own code, too."""
    if isinstance(error, OwnCodeError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    told = str(error)
    return isinstance(error, RuntimeError) and any(
        sign in told
        for sign in ("can't allocate memory", "std::bad_alloc", "could not create a memory", "out of memory")
    )


def _data_bytes() -> int | None:
    """Bytes of private writable mappings, which is what RLIMIT_DATA bounds."""
    if sys.platform != "linux":
        return None
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return None
