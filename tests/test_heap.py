"""Freed memory stays with the process, and goes back to the kernel where that is asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Blocks as large as activations, taken and given back as a net does; faults are counted once they were all touched.
SCRIPT = """
import ctypes, resource, sys
from vidbench.heap import describe_heap, keep_freed_memory

{call}
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]

def touch():
    for size in (64 << 20, 40 << 20):
        block = libc.malloc(size)
        ctypes.memset(block, 1, size)
        libc.free(block)

touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    touch()
print(describe_heap(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def run(call: str, heap: str = "") -> tuple[str, int]:
    settings = {**os.environ, "VIDBENCH_HEAP": heap}
    command = [sys.executable, "-c", SCRIPT.format(call=call)]
    state, faults = subprocess.check_output(command, env=settings, text=True).split()
    return state, int(faults)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")
class TestKeeping:
    def test_kept(self):
        """What was touched once is not faulted in again."""
        state, faults = run("keep_freed_memory()")
        assert state == "kept"
        assert faults < 100

    @pytest.mark.parametrize(("call", "heap"), [("", ""), ("keep_freed_memory()", "system")])
    def test_not_kept(self, call: str, heap: str):
        """Nothing is changed unasked, nor against the user's wish; then every page is faulted in at each call."""
        state, faults = run(call, heap)
        assert state == "system"
        assert faults > 3 * (100 << 20) // os.sysconf("SC_PAGE_SIZE") // 2


def test_cases_are_measured_so(vidbench, tmp_path: Path):
    """Of a case on the CPU it is part of what must agree before figures are compared, and said under the table."""
    from vidbench.store import read_results

    path = tmp_path / "records.jsonl"
    done = vidbench(
        "profile", "x3d-xs", "--frames", "4", "--size", "32", "--only", "latency", "--precision", "0.5",
        "--device", "cpu", "--json", str(path),
    )  # fmt: skip
    (environment,) = read_results(path).environments.values()
    assert environment.flags["heap"] == "kept"
    assert "freed memory kept" in done.out
