"""What the README and pages of docs show is what the commands print."""

import json
import re
from pathlib import Path

import pytest
import torch
from measured import MADE, make_tables

import vidbench as vidbench_api
from vidbench.catalog import families
from vidbench.models.atfr_sgs import keeping

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCS = ("measuring.md", "explain.md", "exports.md", "results.md")
PAGES = MADE.sub("", README) + "".join((ROOT / "docs" / name).read_text() for name in DOCS)
CONSOLE = re.findall(r"```console\n\$ vidbench (.*?)\n(.*?)```", PAGES, re.S)
PYTHON = re.findall(r"```python\n(.*?)```", README, re.S)


def squeeze(text: str) -> list[str]:
    """Its lines that say something, without the space that pads them to the width of figures."""
    return [re.sub(r" +", " ", line.strip()) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize(("arguments", "shown"), CONSOLE, ids=[arguments for arguments, _ in CONSOLE])
def test_console_blocks(vidbench, monkeypatch, arguments, shown):
    """Each console block prints what it shows; `...` stands for the rest of a line that differs between machines."""
    monkeypatch.chdir(ROOT)
    done = vidbench(*arguments.split())
    printed = squeeze(done.out)
    assert done.code == 0
    assert len(printed) >= len(squeeze(shown))
    for expected, line in zip(squeeze(shown), printed, strict=False):
        if expected.endswith("..."):
            assert line.startswith(expected.removesuffix("...").rstrip())
        else:
            assert re.sub(r"─+", "─", line) == re.sub(r"─+", "─", expected)


def test_measured_tables():
    """The tables of measured figures are, line for line, what `vidbench show` prints of the records under results/."""
    (shown,) = MADE.findall(README)
    assert shown == make_tables(), "the records have changed: run `python tests/measured.py`"
    assert "vidbench run smoke" in shown


def test_python_block(capsys):
    """The Python example runs and prints the net's MACs."""
    (code,) = PYTHON
    exec(code, {})  # noqa: S102  # our own README
    assert capsys.readouterr().out.split()[0] == "4732468736"


def test_commands_are_the_ones_that_ci_runs():
    """The test command that .ci/run takes from the README is there once, and installs with the pinned versions."""
    (command,) = [line for line in README.splitlines() if line.endswith("&& .venv/bin/pytest")]
    assert "-c constraints.txt" in command
    pinned = (ROOT / "constraints.txt").read_text()
    assert "torch==2.13.0" in pinned
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in pinned.split())


TABLE = [
    [cell.strip() for cell in line.strip("| ").split(" | ")] for line in README.splitlines() if " | arXiv " in line
]


@pytest.mark.parametrize("cells", TABLE, ids=lambda cells: cells[0])
def test_table_of_families(cells):
    """A family's row is the catalog's, its parameters and GMACs those that its default variant counts."""
    family = families()[cells[0]]
    variant = family.variants[family.default]
    with torch.device("meta"):
        net = vidbench_api.build(variant.name)
    macs = []
    for kept in [1, variant.frames] if variant.adaptive else [variant.frames]:
        with keeping(net, kept):
            counted = vidbench_api.count(net, vidbench_api.Clip(frames=variant.frames, size=variant.size))
        macs.append(f"{counted.macs / 1e9:.2f}")
    clip = f"{variant.frames}x{variant.size}"
    assert cells[1:] == [variant.name, f"{counted.params / 1e6:.2f} M", clip, " to ".join(macs), family.paper]


def test_table_has_every_family():
    """No family of the catalog is left out."""
    assert [cells[0] for cells in TABLE] == list(families())


def test_links():
    """Files that the README links to are there."""
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists()


def test_measured_example():
    """What docs/explain.md says of a measurement is what its record says."""
    page = (ROOT / "docs" / "explain.md").read_text()
    (record,) = re.findall(r"`(results/\S+\.json)`", page)
    sentences = json.loads((ROOT / record).read_text())["comparison"]["sentences"]
    assert len(sentences) >= 3
    assert all(f"- {sentence}\n" in page for sentence in sentences)
