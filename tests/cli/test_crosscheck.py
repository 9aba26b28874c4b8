"""`vidbench profile --cross-check`: two more columns, a line a counter, and a warning where nothing explains."""

import csv
import io
import json

import pytest

from vidbench.records import CrossCheck
from vidbench.run import crosscheck

EXPLAINED = {"version": "1.0", "macs": 98_500_000, "ours": 98_405_888, "beside": {"batch_norm": 94_112}}
UNEXPLAINED = {"version": "2.0", "macs": 98_400_000, "ours": 98_405_888, "unexplained": {"convolution": -5_888}}


@pytest.fixture
def profile(vidbench, monkeypatch):
    """The command over two batches of one small case, with these answers in the counters' place."""

    def run(*arguments, **answers):
        monkeypatch.setattr(crosscheck, "ask_in_process", lambda name, *_: CrossCheck(counter=name, **answers[name]))
        case = ("--frames", "4", "--size", "64", "--batch", "1,2", "--device", "meta", "--cross-check")
        return vidbench("profile", "x3d-xs", *case, *arguments)

    return run


def test_table(profile):
    """The figures stand beside ours, and each counter's difference once under the table, with how they counted."""
    done = profile(fvcore=EXPLAINED, ptflops=UNEXPLAINED)
    lines = done.out.splitlines()
    assert (done.code, lines[0].split()) == (0, ["params", "GMACs", "paper", "fvcore", "ptflops", "predicted"])
    assert [line.split()[-3:-1] for line in lines if line.startswith("x3d-xs  ")] == [["0.0985", "0.0984"]] * 2
    assert lines.count("x3d-xs 4x64: fvcore +94.11 k: batch_norm +94.11 k") == 1
    assert lines.count("x3d-xs 4x64: ptflops -5.89 k; unexplained -5.89 k in convolution") == 1
    assert "\ncross-check: fvcore 1.0, ptflops 2.0 (aten), each in a process of its own" in done.out


def test_unexplained(profile):
    """A difference that nothing explains is a warning on stderr and a caution; one that is explained is neither."""
    done = profile(fvcore=EXPLAINED, ptflops=UNEXPLAINED)
    assert "vidbench: x3d-xs 4x64: ptflops -5.89 k; unexplained -5.89 k in convolution\n" in done.err
    assert "caution, macs of x3d-xs: ptflops differs without explanation: -5.89 k in convolution\n" in done.out
    assert "fvcore" not in done.err
    assert done.code == 0


def test_failed_counter(profile):
    """A counter that fails is an empty cell, a line with the reason, and a warning."""
    done = profile(fvcore={"failure": "failed: TypeError: no"}, ptflops=EXPLAINED)
    assert next(line.split()[-3] for line in done.out.splitlines() if line.startswith("x3d-xs  ")) == "–"
    assert "x3d-xs 4x64: fvcore failed: TypeError: no\n" in done.out
    assert "fvcore failed: TypeError: no" in done.err


def test_files(profile, tmp_path):
    """JSON has every part of a difference, CSV the figures and the text."""
    done = profile("--json", str(tmp_path / "r.jsonl"), "--csv", "-", fvcore=EXPLAINED, ptflops=UNEXPLAINED)
    row = next(csv.DictReader(io.StringIO(done.out)))
    assert (row["fvcore_macs"], row["fvcore_difference"], row["ptflops_difference"]) == ("98500000", "94112", "-5888")
    assert row["cross_check"] == (
        "fvcore +94.11 k: batch_norm +94.11 k; ptflops -5.89 k; unexplained -5.89 k in convolution"
    )
    record = json.loads((tmp_path / "r.jsonl").read_text().splitlines()[1])
    (macs,) = [m for m in record["measurements"] if m["metric"] == "macs"]
    assert [check["unexplained"] for check in macs["details"]["cross_check"]] == [{}, {"convolution": -5888}]


def test_interruption(profile, monkeypatch):
    """Ctrl-C while another counter counts costs its answer, not what was measured."""

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(crosscheck.CrossChecks, "add_to", interrupt)
    done = profile("--csv", "-")
    (row,) = csv.DictReader(io.StringIO(done.out))
    assert (done.code, row["macs"], row["cross_check"]) == (130, "98405888", "")


def test_without_it(vidbench):
    """Nobody is asked, and no column is there, unless it is wanted."""
    done = vidbench("profile", "x3d-xs", "--device", "meta")
    assert "fvcore" not in done.out


def test_needs_macs(vidbench):
    """A cross-check has to have something to check."""
    done = vidbench("profile", "x3d-xs", "--device", "meta", "--only", "params", "--cross-check")
    assert (done.code, "take macs" in done.err) == (2, True)
