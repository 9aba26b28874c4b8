"""`vidbench profile package.module:factory`: users' own nets beside built-in ones, and what becomes of their errors."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
SMALL = ["--size", "32", "--frames", "4", "--precision", "90%"]

NETS = """
import torch
from torch import nn

print("imported")

def make():
    return nn.Conv3d(3, 2, 1)

def short(frames=4):
    if frames > 4:
        raise ValueError(f"{frames} frames are too many")
    return Answers()

class Answers(nn.Module):
    \"\"\"A net whose forward gives no tensor, and prints.\"\"\"
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 2, 1, bias=False)
    def forward(self, x):
        print("called")
        return {"logits": self.conv(x).mean((2, 3, 4)), "clips": [x, None]}

class Choosy(Answers):
    \"\"\"Does twice the work on clips that are bright.\"\"\"
    def forward(self, x):
        y = self.conv(x)
        return self.conv(x) if x.mean() > -5 else y

class Deep(nn.Sequential):
    \"\"\"A net that takes three frames or more.\"\"\"
    def __init__(self):
        super().__init__(nn.Conv3d(3, 2, 3, bias=False))

class Frames(nn.Module):
    def forward(self, x):
        raise RuntimeError("I take lists of frames\\nand more")

def fails():
    raise ValueError("no checkpoint here")
"""


@pytest.fixture(autouse=True)
def nets(folder):
    """A file in the current folder."""
    path = folder / "ownnets.py"
    path.write_text(NETS)
    return path


def records(out: str) -> list[dict]:
    return [line for line in map(json.loads, out.splitlines()) if "case" in line]


def figures(record: dict) -> dict:
    return {m["metric"]: m["value"] for m in record["measurements"]}


def test_in_a_process_of_its_own(nets):
    """The current folder is on the path, and built-in nets stand in the same table with the same figures."""
    # -P: otherwise -c itself puts the current folder on the path
    command = [
        sys.executable,
        "-P",
        "-c",
        "from vidbench.cli import main; main()",
        "profile",
        "ownnets:short",
        "x3d-xs",
    ]
    done = subprocess.run(
        [*command, *SMALL, "--only", "params,macs,latency", "--threads", "1"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=nets.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(("ownnets:short ", "x3d-xs "))]
    assert [row[:6] for row in rows] == [
        ["ownnets:short", "4", "32", "1", "6e-06", "2.46e-05"],
        ["x3d-xs", "4", "32", "1", "3.79", "0.026"],
    ]
    assert all(float(cell.strip("~!").replace(",", "")) > 0 for row in rows for cell in row[7:])
    assert "called" not in done.stdout


class TestFigures:
    def test_statics(self, vidbench):
        """Every static figure is there, per clip and frames, on meta; nothing that the net prints is on stdout."""
        done = vidbench("profile", "ownnets:short", "--frames", "2,4", "--size", "8", "--device", "meta", "--csv", "-")
        rows = list(csv.DictReader(io.StringIO(done.out)))
        assert done.code == 0
        assert [(row["frames"], row["macs"], row["params"], row["activations"]) for row in rows] == [
            (frames, str(6 * int(frames) * 64), "6", str(2 * int(frames) * 64)) for frames in ("2", "4")
        ]
        assert {(row["classes"], row["weights"], row["caveats"], row["weight_memory"]) for row in rows} == {
            ("", "given", "", "24")
        }
        assert "called" in done.err

    def test_default_clip(self, vidbench):
        """Where nothing is given the clip is 16x224, and it is handed to a factory that asks for it."""
        done = vidbench("profile", "ownnets:Answers", "--device", "meta", "--json", "-")
        (record,) = records(done.out)
        assert (record["case"]["frames"], record["case"]["size"], record["case"]["classes"]) == (16, 224, None)
        assert figures(record)["macs"] == 6 * 16 * 224 * 224

    def test_timed(self, vidbench):
        """What the net returns does not matter to any figure."""
        how = ["--device", "cpu", "--batch", "2", "--threads", "1", "--json", "-"]
        done = vidbench("profile", "ownnets:Answers", *SMALL, *how)
        (record,) = records(done.out)
        assert done.code == 0
        assert {"params", "macs", "latency", "throughput", "peak_memory"} <= set(figures(record))
        assert all(value for value in figures(record).values())

    def test_work_that_depends_on_the_clip(self, vidbench, video):
        """What does not run on meta is counted on the real clip, with a caution; on meta it is refused with the fix."""
        arguments = ["profile", "ownnets:Choosy", *SMALL, "--only", "params,macs,latency,predicted_memory"]
        done = vidbench(*arguments, "--device", "cpu", "--clip", str(video), "--json", "-")
        (record,) = records(done.out)
        assert figures(record)["macs"] == 2 * 6 * 4 * 32 * 32
        (caution,) = record["measurements"][1]["caveats"]
        assert figures(record)["predicted_memory"] is None
        assert "counted on a real clip on cpu, for the net does not run on meta tensors (RuntimeError on a" in caution
        done = vidbench("profile", "ownnets:Choosy", *SMALL, "--device", "meta")
        assert done.code == 3
        assert "ownnets:Choosy does not run on meta tensors" in done.out
        assert "--device cpu counts it" in done.out

    def test_training(self, vidbench):
        """Forward and backward are counted and timed: no gradient is taken for the clip, so twice the work."""
        arguments = ["--task", "train", *SMALL, "--device", "cpu", "--threads", "1", "--only", "macs,latency"]
        done = vidbench("profile", "ownnets:Answers", *arguments, "--json", "-")
        (record,) = records(done.out)
        assert figures(record)["macs"] == 2 * 6 * 4 * 32 * 32
        assert figures(record)["latency"] > 0

    def test_fits(self, vidbench):
        """What fits is looked for from the frames that were asked for, since how few it takes is not known."""
        done = vidbench("profile", "ownnets:Deep", *SMALL, "--fits", "1MiB", "--json", "-")
        longest, largest = (record["case"] for record in records(done.out))
        assert done.code == 0
        assert longest["frames"] > 4
        assert largest["batch"] > 1
        done = vidbench("profile", "ownnets:Deep", *SMALL, "--fits", "10KiB")
        assert done.code == 2
        assert "ownnets:Deep 4x32 batch 1 does not fit: " in done.err
        assert " KiB with 4 frames" in done.err

    def test_weights(self, vidbench, folder):
        """A file of weights is loaded into it, or refused where it does not fit."""
        file = folder / "weights.pt"
        torch.save({"conv.weight": torch.zeros(2, 3, 1, 1, 1)}, file)
        arguments = ["--weights", str(file), *SMALL, "--only", "macs,latency"]
        done = vidbench("profile", "ownnets:Answers", *arguments)
        assert done.code == 0
        assert f"weights of ownnets:Answers: {file}" in done.out
        done = vidbench("profile", "ownnets:Answers", "x3d-xs", *arguments)
        assert done.code == 2
        assert "one file of weights is for one net, not for ownnets:Answers, x3d-xs" in done.err

    def test_precision(self, vidbench):
        """It is cast like any other."""
        done = vidbench("profile", "ownnets:Answers", *SMALL, "--dtype", "fp32,bf16", "--device", "meta", "--json", "-")
        assert [figures(record)["weight_memory"] for record in records(done.out)] == [24, 12]


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["ownnets:fails"], "building ownnets:fails failed: ValueError: no checkpoint here; --debug shows where"),
            (["ownnets:mkae"], "ownnets has no mkae; did you mean make?"),
            (["ownnets:short", "--classes", "5"], "ownnets:short takes no classes"),
            (["ownnets"], "unknown model 'ownnets'"),
            (["./ownnets.py:make"], "ownnets:make"),
        ],
    )
    def test_found_out_before_measuring(self, vidbench, monkeypatch, arguments, message):
        """What is wrong with a name or factory is one message, before a built-in net beside it is measured."""
        monkeypatch.setattr("vidbench.run.run_cases", None)
        done = vidbench("profile", "x3d-xs", *arguments, "--device", "cpu")
        assert done.code == 2
        assert done.out == ""
        (line,) = [line for line in done.err.splitlines() if line.startswith("vidbench: ")]
        assert message in line

    def test_debug(self, vidbench, nets):
        """--debug shows the user's own traceback."""
        done = vidbench("profile", "ownnets:fails", "--debug")
        assert done.code == 2
        assert f'File "{nets}", line ' in done.err
        assert "raise ValueError" in done.err

    def test_forward_that_fails(self, vidbench):
        """A net that does not take the clip is a row that says so, with the clip's shape; the others go on."""
        done = vidbench("profile", "ownnets:Frames", "ownnets:Answers", *SMALL, "--only", "macs,latency")
        assert done.code == 3
        assert (
            "not measured: ownnets:Frames 4x32 batch 1 fp32: RuntimeError: I take lists of frames; "
            "the net was given a clip of shape (N, 3, 4, 32, 32)"
        ) in done.out.splitlines()
        rows = [line.split() for line in done.out.splitlines() if line.startswith("ownnets:") and " 4 " in line]
        assert ["failed" in row for row in rows] == [True, False]

    def test_factory_that_fails_for_one_clip(self, vidbench):
        """What was measured at other clips is kept."""
        done = vidbench(
            "profile", "ownnets:short", "--size", "8", "--frames", "2,8,4", "--device", "meta", "--json", "-"
        )
        assert done.code == 3
        assert [record["failure"] and record["failure"]["message"] for record in records(done.out)] == [
            None, "building ownnets:short(frames=8) failed: ValueError: 8 frames are too many", None,
        ]  # fmt: skip
