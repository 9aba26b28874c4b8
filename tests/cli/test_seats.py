"""`vidbench run --devices`: what is refused, and a suite on two seats of one CPU, which disturb each other."""

from functools import partial
from pathlib import Path

import pytest
import torch
from seating import open_cpu_seats

from vidbench.cli import seats
from vidbench.cli.run import _run
from vidbench.conditions.influence import Influence
from vidbench.records import Case
from vidbench.run import neighbours
from vidbench.store import read_all
from vidbench.suites.files import read_suite

NETS = """
import os
import torch
from torch import nn

class Pinned(nn.Module):
    # On the first CPU, whoever else is there, for calls that are longer than the turns that a kernel gives processes.
    def __init__(self):
        super().__init__()
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        self.conv = nn.Conv3d(3, 2, 3)

    def forward(self, x):
        if not x.is_meta:
            sum(range(1_500_000))
        return self.conv(x).mean((2, 3, 4))
"""

SUITE = """
metrics = ["macs", "latency"]
precision = "50%"

[[cases]]
models = "pinned:Pinned"
frames = [4, 8, 12]
size = 16
threads = 1
"""


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (["--devices", "cuda:0,cuda:0"], "names cuda:0 twice"),
        (["--devices", "cpu"], "--device cpu measures one by one"),
        (["--devices", "cuda:0,meta"], "nothing runs on meta"),
        (["--devices", "cuda:0,auto"], "such as cuda:0,cuda:1, not 'auto'"),
        (["--devices", "cuda:x"], "not 'cuda:x'"),
        (["--devices", ""], "not ''"),
        (["--devices", "cuda:0,cuda:1", "--device", "cuda:0"], "leave out --device"),
        (["--devices", "cuda:0,cuda:1", "--launcher", "slurm"], "of the GPUs of this machine"),
        (["--devices", "cuda:0,cuda:1", "--attach", "abc"], "of the GPUs of this machine"),
        (["--check-devices"], "--check-devices is of --devices"),
        (["--check-devices", "--devices", "cuda:0"], "two GPUs or more, not of cuda:0 alone"),
    ],
    ids=[
        "twice",
        "cpu",
        "meta",
        "auto",
        "no number",
        "nothing",
        "device",
        "slurm",
        "attach",
        "check of nothing",
        "check of one",
    ],
)
def test_refusals(vidbench, folder, arguments, fix):
    """What cannot be used together ends with code 2 and one message that has the fix, before anything is written."""
    done = vidbench("run", "smoke", *arguments)
    assert done.code == 2
    assert fix in done.err
    assert done.err.count("\n") == 1
    assert not list(folder.iterdir())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_gpus(vidbench, folder):
    """Where there is no GPU the message says so, and how to measure all the same."""
    done = vidbench("run", "smoke", "--devices", "cuda:0,cuda:1")
    assert done.code == 2
    assert "no CUDA device can be used here" in done.err
    assert "--device cpu" in done.err
    assert not list(folder.iterdir())


def test_disturbed(vidbench, folder: Path, capsys, monkeypatch):
    """Two seats on one CPU are found to disturb each other: it is said, kept, and seen where figures are shown."""
    quick = partial(neighbours.measure_influence, looks=(6,), bursts=4)
    monkeypatch.setattr(neighbours, "measure_influence", quick)
    (folder / "pinned.py").write_text(NETS)
    (folder / "mine.toml").write_text(SUITE)
    with open_cpu_seats() as pair:
        sweep = seats.plan_on_seats(read_suite("mine.toml"), "results", pair)
        assert seats.measure_on_seats(sweep, (), _run) == 0
    printed = capsys.readouterr()
    (line,) = [line for line in printed.err.splitlines() if " beside cuda:1: x" in line]
    assert "latency of pinned:Pinned 4x16 batch 1 fp32, 6 rounds: disturbed" in line
    assert "3 records in results" in printed.out
    records = read_all(["results"]).records
    assert {record.conditions["gpu"] for record in records} == {"cuda:0", "cuda:1"}
    told = [record for record in records if "beside" in record.conditions]
    assert len(told) >= 2
    for record in told:
        assert record.conditions["beside"]["verdict"] == "disturbed"
        assert record.conditions["beside"]["ratio"] > 1.1
        marked = record.measurement("latency").details
        assert marked["disturbed"] == marked["watched"] == marked["disturbances"]["cases on the other GPUs"]
    shown = vidbench("show", "results")
    assert "cases on the other GPUs (100%)" in shown.out
    assert "up to 2 GPUs at work at once" in shown.out
    assert shown.out.count("!") > len(told)


@pytest.mark.parametrize(("verdict", "code"), [("none", 0), ("disturbed", 3), ("inconclusive", 4)])
def test_exit_codes_of_a_check(monkeypatch, capsys, verdict, code):
    """The sentence alone is on stdout; the code tells apart none, disturbed and not told."""
    case = Case(model="x3d-xs", classes=None, frames=4, size=160)
    found = Influence(case=case, devices=("cuda:0", "cuda:1"), ratio=1.0, interval=None, rounds=8, verdict=verdict)
    monkeypatch.setattr(seats, "_measure_influence", lambda _: found)
    assert seats.check_seats(None) == code
    assert capsys.readouterr().out == f"{found.sentence}\n"
