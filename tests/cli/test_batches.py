"""`vidbench profile --batch best` and `--batch max`: one row, a chart, and every batch in the files."""

import csv
import json
from pathlib import Path

import pytest

NETS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, most, error):
        super().__init__()
        self.conv, self.most, self.error = nn.Conv3d(3, 4, 3), most, error

    def forward(self, x):
        if x.shape[0] > self.most and not x.is_meta:
            raise self.error
        return self.conv(x).mean((2, 3, 4)) * x.sum().item()

def three(): return Net(3, torch.OutOfMemoryError("no more"))
def none(): return Net(0, torch.OutOfMemoryError("no more"))
def stops(): return Net(1, KeyboardInterrupt())
def breaks(): return Net(2, ArithmeticError("wrong"))
"""
CLIP = ("--frames", "4", "--size", "32")


@pytest.fixture(autouse=True)
def nets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nets of that folder, timed for no longer than needs be."""
    (folder / "bounded.py").write_text(NETS)
    monkeypatch.setattr("vidbench.measure.timing.WINDOW_SECONDS", 0.0)
    monkeypatch.setattr("vidbench.measure.sampling.WARM_UP_SECONDS", 0.0)
    return folder


def rows(out: str) -> list[list[str]]:
    return [line.split() for line in out.splitlines() if line.startswith("bounded:") and not line.endswith(":")]


def test_max(vidbench, nets):
    """The table has the batch that was found; the chart and both files have all that were tried; the exit code is 0."""
    done = vidbench("profile", "bounded:three", *CLIP, "--batch", "max", "--only", "macs,peak_memory",
                    "--json", "all.jsonl", "--csv", "all.csv")  # fmt: skip
    assert done.code == 0
    assert [row[:4] for row in rows(done.out)] == [["bounded:three", "4", "32", "3"]]
    assert "not measured" not in done.out
    assert "bounded:three 4x32 fp32, memory by batch, " in done.out
    assert "  4  out of memory (" in done.out
    assert "batch 3: the largest that ran; batch 4 was out of memory" in done.out
    (marked,) = [line for line in done.out.splitlines() if line.endswith("◀ chosen")]
    assert marked.split()[0] == "3"
    records = [json.loads(line) for line in (nets / "all.jsonl").read_text().splitlines() if '"case"' in line]
    assert [record["case"]["batch"] for record in records] == [1, 2, 4, 3, 3]
    assert [record["conditions"]["chosen"] for record in records] == [False] * 4 + [True]
    assert [measurement["metric"] for measurement in records[-1]["measurements"]] == ["macs", "peak_memory"]
    flat = list(csv.DictReader((nets / "all.csv").read_text().splitlines()))
    assert [(row["batch"], row["search"], row["chosen"], row["failure"]) for row in flat] == [
        ("1", "max", "False", ""), ("2", "max", "False", ""), ("4", "max", "False", "oom"),
        ("3", "max", "False", ""), ("3", "max", "True", ""),
    ]  # fmt: skip


def test_best(vidbench):
    """The chart of throughput has a bar for each batch that ran; which one is best is the machine's to say."""
    done = vidbench("profile", "bounded:three", *CLIP, "--batch", "best", "--only", "params,throughput")
    assert done.code == 0
    (row,) = rows(done.out)
    begin = done.out.index("bounded:three 4x32 fp32, throughput by batch, clips/s:")
    chart = [line.split() for line in done.out[begin:].splitlines()[1:] if line.startswith("  ")]
    figures = {line[0]: line[2] for line in chart if "█" in line[1]}
    assert set(figures) in ({"1", "2"}, {"1", "2", "3"})
    assert figures[row[3]] == row[5].strip("~!")
    assert ["4", "out", "of", "memory"] in [line[:4] for line in chart]
    assert "caution" not in done.out or "counted on a real clip" in done.out


def test_nothing_fits(vidbench):
    """Where not even one clip fits, that is a failed case."""
    done = vidbench("profile", "bounded:none", *CLIP, "--batch", "best", "--only", "throughput")
    assert done.code == 3
    assert "not measured: bounded:none 4x32 batch 1 fp32: out of memory" in done.out
    assert "no batch was found: batch 1 out of memory" in done.out


def test_other_failure(vidbench):
    """A batch that fails of anything else is a failed case, too, beside what was found before it."""
    done = vidbench("profile", "bounded:breaks", *CLIP, "--batch", "max", "--only", "peak_memory")
    assert done.code == 3
    assert "not measured: bounded:breaks 4x32 batch 4 fp32: ArithmeticError: wrong" in done.out
    assert "batch 2: the largest that ran; batch 4 failed otherwise (error), so that more may fit" in done.out


def test_interruption(vidbench, nets):
    """Ctrl-C in the middle of a search leaves its curve and its records, but no row."""
    done = vidbench("profile", "bounded:stops", *CLIP, "--batch", "max", "--only", "peak_memory", "--json", "all.jsonl")
    assert done.code == 130
    assert rows(done.out) == []
    assert "no batch was found: the search was not finished" in done.out
    assert "interrupted after 0 of 1 cases" in done.err
    assert (nets / "all.jsonl").read_text().count('"case"') == 1


def test_failures_where_no_table_is(vidbench):
    """With the records on stdout a batch that is too large is no warning, any other failure is."""
    done = vidbench("profile", "bounded:three", *CLIP, "--batch", "max", "--only", "peak_memory", "--json", "-")
    assert done.code == 0
    assert "not measured" not in done.err
    assert "not measured" in vidbench(
        "profile", "bounded:breaks", *CLIP, "--batch", "max", "--only", "peak_memory", "--json", "-"
    ).err  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (["--batch", "best,8"], "give it alone"),
        (["--batch", "best,max"], "give it alone"),
        (["--batch", "most"], "--batch takes whole numbers"),
        (["--batch", "best", "--fits", "1GB"], "leave out --batch best"),
        (["--batch", "best", "--device", "meta"], "--fits"),
        (["slowfast-8x8-r50-atfr", "--batch", "max"], "one clip at a time"),
    ],
)
def test_refusals(vidbench, arguments, fix):
    """What cannot be searched for is refused with what to give instead."""
    done = vidbench("profile", "x3d-xs", *arguments)
    assert done.code == 2
    assert fix in done.err
    assert done.out == ""
