"""What is told of the machine that tests run on, beside a process that burns its CPUs."""

import json
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from vidbench.conditions.fitness import judge_machine
from vidbench.conditions.machine import Stack, read_machine
from vidbench.export.env import write_env


@pytest.fixture
def burner() -> Iterator[int]:
    """A process that does nothing but compute; its number."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield process.pid
    process.kill()
    process.wait()


def test_busy_machine(burner):
    """A process at work is seen, named, found to make the machine unfit, and written down."""
    machine = read_machine(0.5)
    assert burner in [process.number for process in machine.busiest]
    assert machine.others > 0.1
    assert all(
        process.cpus <= 1.5 * machine.cpus for process in machine.busiest
    )  # no more than there is, but for delays
    assert 0 < machine.memory_free < machine.memory
    assert machine.cpus == psutil.cpu_count()
    stack = Stack(device="cpu", versions={"torch": "2.13.0"}, threads=len(machine.affinity))
    findings = judge_machine(machine, stack)
    assert "load" in [finding.name for finding in findings]
    told = json.loads(write_env(machine, stack, findings, None))
    assert told["noise"] is None
    assert told["machine"]["busiest"][0]["cpus"] > 0
    assert told["machine"]["affinity"] == list(machine.affinity)
    assert told["machine"]["now"]["cpu"]["affinity"]
