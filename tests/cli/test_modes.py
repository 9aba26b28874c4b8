"""`vidbench profile --mode`: what modes give beside eager, what they are marked for, and what is refused."""

import json
import shutil

import pytest

from vidbench.modes import MODES

NETS = """
import torch
from torch import nn

class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 4, 3)
    def forward(self, x):
        return self.conv(x).relu().mean((2, 3, 4))

class Wrong(Small):
    \"\"\"Another answer where the clip is in another order or precision.\"\"\"
    def forward(self, x):
        return super().forward(x) + (not x.is_contiguous() or x.dtype == torch.bfloat16)

class Infinite(Small):
    def forward(self, x):
        return super().forward(x) / (x.dtype != torch.bfloat16)

class Starved(Small):
    \"\"\"Cannot run in fp32.\"\"\"
    def forward(self, x):
        if x.dtype == torch.float32:
            raise MemoryError("no room")
        return super().forward(x)

made = 0

def other():
    global made
    made += 1
    torch.manual_seed(made)
    return Small()
"""
SMALL = ["--size", "8", "--frames", "4", "--threads", "1", "--json", "-"]
COMPARED = ["--only", "latency,output_difference"]


@pytest.fixture(autouse=True)
def nets(folder):
    """A file in the current folder."""
    (folder / "modenets.py").write_text(NETS)


def read(out: str) -> list[dict]:
    """Each record's measurements by metric, and its case."""
    lines = [line for line in map(json.loads, out.splitlines()) if "case" in line]
    return [
        {"case": line["case"], "failure": line["failure"], **{m["metric"]: m for m in line["measurements"]}}
        for line in lines
    ]


def test_channels_last(vidbench):
    """Every mode is a case; counted figures are the eager net's, outputs agree, and each figure says what was done."""
    only = ["--only", "macs,latency,peak_memory,output_difference"]
    done = vidbench("profile", "modenets:Small", "--mode", "eager,channels-last", *only, *SMALL)
    assert done.code == 0, done.err
    eager, last = read(done.out)
    assert [one["case"]["mode"] for one in (eager, last)] == ["eager", "channels-last"]
    assert "output_difference" not in eager
    assert last["macs"]["value"] == eager["macs"]["value"]
    assert "of the eager net" in last["macs"]["method"]
    assert last["output_difference"]["value"] < 1e-5
    assert last["output_difference"]["details"]["layouts"] == {"convolutions": 1, "reached": 1}
    assert last["latency"]["details"]["mode"] == MODES["channels-last"].describe()
    assert last["peak_memory"]["value"] > 0


class TestMarks:
    def test_wrong(self, vidbench):
        """What computes something else is marked in the table at its times, and said once below it."""
        only = ["--mode", "eager,channels-last", "--only", "latency,output_difference"]
        done = vidbench("profile", "modenets:Wrong", *SMALL[:6], *only)
        lines = done.out.splitlines()
        rows = {line.split()[4]: line for line in lines if line.startswith("modenets:Wrong  ")}
        assert {mode: line.count("≠") for mode, line in rows.items()} == {"eager": 0, "channels-last": 1}
        (mark,) = [line for line in lines if line.startswith("≠ ")]
        assert mark.startswith("≠ modenets:Wrong 4x8 batch 1 in fp32 channels-last: output differs: by ")
        assert mark.endswith("where fp32 explains 0.001 at most")

    def test_precision(self, vidbench):
        """What bf16 rounds is in the record, and no reason for a mark."""
        (record,) = read(vidbench("profile", "modenets:Small", "--dtype", "bf16", *COMPARED, *SMALL).out)
        difference = record["output_difference"]
        assert 0 < difference["value"] < 0.05
        assert difference["details"]["agrees"]
        assert not difference.get("caveats")

    def test_not_finite(self, vidbench):
        """There is no difference to what is no number, and that is a mark."""
        (record,) = read(vidbench("profile", "modenets:Infinite", "--dtype", "bf16", *COMPARED, *SMALL).out)
        assert record["output_difference"]["value"] is None
        assert record["output_difference"]["caveats"] == ["output differs: not all of them are finite"]

    @pytest.mark.parametrize(
        ("net", "reason"),
        [("Starved", "not known: MemoryError: no room"), ("other", "not known: the net's factory gives other weights")],
    )
    def test_unknown(self, vidbench, net, reason):
        """Where fp32 eager cannot be run, or is another net, the difference is unknown and the times stand."""
        done = vidbench("profile", f"modenets:{net}", "--dtype", "bf16", *COMPARED, *SMALL)
        (record,) = read(done.out)
        assert done.code == 0
        assert record["latency"]["value"] > 0
        assert record["output_difference"]["value"] is None
        assert record["output_difference"]["caveats"][0].startswith(reason)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, as it imports its compiler
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_compile(vidbench):
    """Compile time, outputs, and how often one net is compiled as its clips grow; the lengths are with the last."""
    only = "macs,first_call,compile_time,peak_memory,output_difference,recompilations"
    arguments = ["--mode", "compile", "--frames", "4,6,8", "--size", "8", "--only", only]
    records = read(vidbench("profile", "modenets:Small", *arguments, "--json", "-").out)
    assert [record["failure"] for record in records] == [None] * 3
    for record in records:
        compiled = record["compile_time"]
        assert 0 < compiled["value"] <= sum(compiled["details"]["calls"])
        assert compiled["details"]["calls"][0] == record["first_call"]["value"]
        assert (compiled["details"]["graphs"], compiled["details"]["graph_breaks"]) == (1, 0)
        assert record["output_difference"]["value"] < 1e-5
        assert record["peak_memory"]["value"] > 0
    assert ["recompilations" in record for record in records] == [False, False, True]
    counted = records[-1]["recompilations"]
    assert counted["value"] == 1
    lengths = counted["details"]["lengths"]
    assert {length: one["compilations"] for length, one in lengths.items()} == {"4": 1, "6": 1, "8": 0}


def test_training(vidbench):
    """A step of SGD: its state is in both memories, and a precision's outputs are compared in inference."""
    only = "predicted_memory,latency,peak_memory,output_difference"
    arguments = ["--task", "train", "--dtype", "fp32,bf16", "--only", only]
    full, half = read(vidbench("profile", "modenets:Small", *arguments, *SMALL).out)
    for record, size in ((full, 4), (half, 2)):
        weights = size * (4 * 81 + 4)
        assert record["predicted_memory"]["details"]["optimiser"] == weights
        assert record["peak_memory"]["details"]["optimiser"] == weights
        assert "a step of SGD" in record["latency"]["method"]
    assert half["output_difference"]["details"]["agrees"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--mode fast", "unknown mode 'fast'; there are eager, channels-last, compile, compile-max, cuda-graph"),
        ("--mode eager,cuda-graph --device cpu", "mode cuda-graph needs a CUDA device, not cpu"),
        ("--mode compile --device meta", "mode compile changes how nets run, and on meta nothing does"),
        ("--mode eager,channels-last --only compile_time --device cpu", "compile_time: it is of what a mode prepares"),
        ("--only output_difference --device cpu", "output_difference: it is held against fp32 eager itself"),
        ("--only recompilations --mode compile --device cpu", "recompilations: it is of one compiled net at several"),
        ("--only recompilations --frames 4,8 --device cpu", "recompilations: it is of one compiled net at several"),
    ],
)
def test_refusals(vidbench, arguments, message):
    """One message, before anything is measured."""
    done = vidbench("profile", "modenets:Small", "--size", "8", *arguments.split())
    assert done.code == 2
    assert message in done.err
    assert not done.out
