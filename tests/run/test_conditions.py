"""Conditions of real measurements: beside a process that loads every CPU, samples are marked."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch

import vidbench
from vidbench.records import Clip
from vidbench.table import is_disturbed, row


class Small(torch.nn.Module):
    """A net of a user."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv3d(3, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x).mean((2, 3, 4))


@pytest.fixture
def load() -> Iterator[None]:
    """A process for each CPU that does nothing but compute."""
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in os.sched_getaffinity(0)]
    yield
    for burner in burners:
        burner.kill()
        burner.wait()


@pytest.mark.usefixtures("load")
def test_beside_load():
    """Most samples are marked, the figure is, and the record says what was read before, during and after."""
    (record,) = vidbench.profile(
        Small(), Clip(frames=4, size=32), device="cpu", metrics=["latency"], precision=0.9, threads=1
    )
    details = record.measurement("latency").details
    assert details["watched"] == details["count"]
    assert details["disturbed"] > 0.5 * details["count"]
    assert details["disturbances"]["other processes on the CPU"] > 0.5 * details["count"]
    assert is_disturbed(row(record), "latency")
    assert set(record.conditions) == {"vidbench", "isolated", "elapsed", "before", "during", "after"}
    assert record.conditions["isolated"] is False
    others = record.conditions["during"]["cpu"]["others"]
    assert 0 <= others["min"] <= others["median"] <= others["max"]
    assert others["max"] > 0.1


def test_counted_alone():
    """What is counted on meta has no conditions."""
    (record,) = vidbench.profile("x3d-xs", device="meta", metrics=["params"])
    assert set(record.conditions) == {"vidbench", "isolated", "elapsed"}
    assert record.conditions["isolated"] is False
