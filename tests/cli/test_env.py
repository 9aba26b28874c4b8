"""`vidbench env`: what it tells of the machine that tests run on."""

import json

import pytest


def test_with_noise(vidbench):
    """One JSON object: the machine, what is wrong with it, and the spread of two processes; progress elsewhere."""
    done = vidbench("env", "--runs", "2", "--precision", "50%", "--json", "-", "--device", "cpu", "--threads", "1")
    assert done.code == 0
    told = json.loads(done.out)
    assert set(told) == {"machine", "stack", "findings", "noise"}
    assert told["machine"]["cpus"] >= len(told["machine"]["affinity"]) >= 1
    assert (told["stack"]["device"], told["stack"]["threads"]) == ("cpu", 1)
    assert {"torch", "cuDNN", "CUDA", "PyAV", "fvcore", "ptflops"} <= set(told["stack"]["versions"])
    assert all(finding["what"] and finding["advice"] for finding in told["findings"])
    noise = told["noise"]
    first, second = noise["medians"]
    assert min(first, second) <= noise["median"] <= max(first, second)
    assert noise["range"] == pytest.approx(abs(first - second) / noise["median"]) == noise["difference"]
    assert noise["deviation"] == pytest.approx(noise["range"] / 2)
    assert noise["within"] > 0
    assert (noise["case"]["model"], noise["case"]["threads"]) == ("x3d-xs", 1)
    assert "[2/2] x3d-xs" in done.err


def test_without_noise(vidbench, tmp_path):
    """As text, with a line a finding and what to do; `--json FILE` has it as well."""
    done = vidbench("env", "--runs", "0", "--json", str(tmp_path / "env.json"))
    told = json.loads((tmp_path / "env.json").read_text())
    assert (done.code, told["noise"]) == (0, None)
    lines = done.out.splitlines()
    assert lines[0].split()[:1] == ["CPU"]
    assert f"torch {told['stack']['versions']['torch']}" in done.out
    for finding in told["findings"]:
        place = lines.index(f"unfit: {finding['what']}")
        assert lines[place + 1].strip() == finding["advice"]
    assert ("nothing was found" in done.out) == (not told["findings"])
    assert "noise" not in done.out


REFUSALS = {
    "one run": (["--runs", "1"], "2 or more, or 0"),
    "runs below none": (["--runs", "-3"], "2 or more, or 0"),
    "unknown model": (["--model", "vov3d-xl"], "did you mean vov3d-l"),
    "no precision": (["--precision", "0"], "a share such as 1%"),
    "a device that does not compute": (["--device", "meta", "--runs", "0"], "--device auto, cpu or cuda"),
    "no file": (["--json", "/nowhere/env.json"], "cannot be written"),
}


@pytest.mark.parametrize(("arguments", "fix"), REFUSALS.values(), ids=REFUSALS)
def test_refusals(vidbench, arguments, fix):
    """Bad input ends with exit code 2 and names the fix, before anything is measured."""
    done = vidbench("env", *arguments)
    assert done.code == 2
    assert fix in done.err
    assert done.out == ""
