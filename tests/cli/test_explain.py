"""`vidbench explain` tells where the time goes, by module and kind, alone and against another net."""

import csv
import gzip
import json
import re

import pytest

SMALL = ("--frames", "4", "--size", "64")


def section(text: str, head: str) -> list[list[str]]:
    """The rows below a table's rule, split at two spaces or more, up to the blank line."""
    lines = text.splitlines()
    begin = next(index for index, line in enumerate(lines) if line.startswith(head))
    rule = next(index for index in range(begin, len(lines)) if lines[index].startswith("─"))
    end = next(index for index in range(rule, len(lines)) if not lines[index].strip())
    return [re.split(r"\s{2,}", line.strip()) for line in lines[rule + 1 : end]]


def test_tables(vidbench):
    done = vidbench("explain", "x3d-m", *SMALL)
    assert done.code == 0
    assert done.out.startswith("x3d-m 4x64 batch 1 fp32 on ")
    modules = section(done.out, "module")
    assert modules[0][0] == "x3d-m (X3D)"
    assert any(row[0].startswith("stages") for row in modules)
    kinds = section(done.out, "kind of operator")
    names = [row[0] for row in kinds]
    assert {"1x1x1 convolution", "normalisation", "elementwise", "outside of operators", "all"} <= set(names)
    assert any(name.startswith("depthwise convolution") for name in names)
    assert "operators that no FLOP count sees: " in done.out
    assert "shares are of the call under the profiler, which takes " in done.out


def test_nothing_is_timed_on_meta(vidbench):
    done = vidbench("explain", "vov3d-l", "--device", "meta", "--depth", "1")
    assert done.code == 0
    assert "operators that no FLOP count sees move " in done.out
    modules = section(done.out, "module")
    assert modules[0][4] == "–"  # the share of time
    assert len(modules) < 12


def test_estimates_say_so(vidbench):
    done = vidbench("explain", "x3d-m", "--on", "a100")
    assert done.code == 0
    assert "(a lower bound)" in done.out.splitlines()[0]
    assert "estimated, not measured" in done.out
    assert "peaks printed, not measured" in done.out


def test_against(vidbench):
    """Both nets stand side by side, kinds of operators are named, and their shares add up."""
    done = vidbench("explain", "x3d-m", "--against", "slow-8x8-r50", *SMALL)
    assert done.code == 0
    rows = section(done.out, " ")
    assert rows[-1][0] == "all"
    assert any(row[0].startswith("dense convolution") for row in rows)
    assert any(row[0].startswith("depthwise convolution") for row in rows)
    assert "x3d-m 4x64 takes " in done.out
    assert sum(float(row[-1]) for row in rows[:-1]) == pytest.approx(100, abs=1)


def test_files(vidbench, tmp_path):
    """JSON and CSV have both nets and what makes the difference; the picture is drawn."""
    data, cells, picture = (tmp_path / name for name in ("e.json", "e.csv", "e.svg"))
    files = ("--json", str(data), "--csv", str(cells), "--picture", str(picture))
    done = vidbench("explain", "x3d-m", "--against", "slow-8x8-r50", "--on", "h100", *files)
    assert done.code == 0
    found = json.loads(data.read_text())
    assert [one["case"]["model"] for one in found["explanations"]] == ["x3d-m", "slow-8x8-r50"]
    assert sum(row["share_of_excess"] for row in found["comparison"]["rows"]) == pytest.approx(1)
    rows = list(csv.DictReader(cells.read_text().splitlines()))
    assert {row["level"] for row in rows} >= {"module", "kind", "kernel", "operator", "total", "comparison"}
    excess = [float(row["excess_seconds"]) for row in rows if row["level"] == "comparison"]
    assert sum(excess) == pytest.approx(found["comparison"]["excess_seconds"])
    assert "<svg" in picture.read_text()
    assert json.loads(vidbench("explain", "x3d-m", "--on", "h100", "--json", "-").out)["comparison"] is None


def test_trace(vidbench, tmp_path):
    file = tmp_path / "trace.json.gz"
    assert vidbench("explain", "x3d-m", *SMALL, "--trace", str(file)).code == 0
    with gzip.open(file, "rt") as text:
        names = {event.get("name") for event in json.load(text)["traceEvents"]}
    assert "aten::convolution" in names


def test_unknown_operators_appear_by_name(vidbench, folder):
    """In explain and in profile, each with its share of time."""
    (folder / "blending.py").write_text(
        "import torch\n"
        "from torch import nn\n\n"
        "@torch.library.custom_op('vidbench_cli::blend', mutates_args=())\n"
        "def blend(x: torch.Tensor) -> torch.Tensor:\n"
        "    return torch.einsum('ncthw,cd->ndthw', x, x.new_ones(3, 8))\n\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.conv = nn.Conv3d(8, 8, 3)\n\n"
        "    def forward(self, x):\n"
        "        return self.conv(blend(x)).mean((2, 3, 4))\n"
    )
    done = vidbench("explain", "blending:Net", *SMALL)
    assert done.code == 0
    assert re.search(r"vidbench_cli\.blend \(1 calls\) is counted as nothing.* [\d.]+% of the time", done.out)
    assert any(row[0] == "unknown: vidbench_cli.blend" for row in section(done.out, "kind of operator"))
    profiled = vidbench("profile", "blending:Net", *SMALL, "--only", "macs", "--csv", "-")
    assert re.search(r"vidbench_cli\.blend \([\d.]+% of the time\)", profiled.out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x3d-n"], "did you mean"),
        (["x3d-m", "--on", "a101"], "did you mean"),
        (["x3d-m", "--on", "a100", "--try"], "--try runs the net"),
        (["x3d-m", "--on", "a100", "--device", "cpu"], "leave out --device cpu"),
        (["x3d-m", "--depth", "-1"], "--depth cannot be -1"),
        (["x3d-m", "--trace", "/nowhere/trace.json"], "trace"),
        (["x3d-m", "--device", "meta", "--against", "vov3d-l"], "no times"),
        (["x3d-m", "--csv", "-", "--json", "-"], "cannot both have stdout"),
        (["x3d-m", "--csv", "/nowhere/e.csv"], "there is no folder /nowhere"),
        (["x3d-m", "--picture", "e.gif"], ".png"),
    ],
)
def test_refused(vidbench, arguments: list[str], message: str):
    done = vidbench("explain", *arguments, *SMALL)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
