"""docs/cluster.md: its commands are ones that there are, and its table is one that a suite can have."""

import re
from pathlib import Path

import pytest
from commands import find_commands, resolve

from vidbench.suites.files import read_suite

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cluster.md").read_text()
COMMANDS = find_commands(PAGE)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command):
    """Every command of the page is one that there is, with options that it has."""
    assert resolve(command).params


def test_commands_are_found():
    """The test above has the page's commands; every option that stands in its text is one of `run` or `show`."""
    assert len(COMMANDS) == 9
    known = {
        name for command in ("vidbench run", "vidbench show") for one in resolve(command).command.params
        for name in (*one.opts, *one.secondary_opts)
    }  # fmt: skip
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) <= known


def test_table(tmp_path):
    """The table of the page is one of a suite."""
    (table,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    (tmp_path / "mine.toml").write_text(f'[[cases]]\nmodels = "x3d-xs"\n{table}')
    slurm = read_suite(str(tmp_path / "mine.toml")).slurm
    assert (slurm.partition, slurm.each_gpu_kind, slurm.time) == ("gpu", True, 120)
    assert slurm.name_options()["setup"] == ["module load cuda"]


def test_costs():
    """What the page says of 10,000 cases was measured."""
    kept = (ROOT / "results" / "amd-epyc-2cpus" / "cluster.txt").read_text()
    plan, join = (re.search(rf"{step}: ([\d.]+ s), (\d+ MiB)$", kept, re.M).groups() for step in ("plan", "join"))
    (look,) = re.findall(r"further ones ([\d.]+ ms)$", kept, re.M)
    prose = " ".join(PAGE.split())
    assert kept.startswith("10,000 cases")
    assert f"planning takes {' and '.join(plan)}, merging {' and '.join(join)}" in prose
    assert f"one question to Slurm and {look}, however many" in prose


def test_linked():
    """The README and the page about suites lead there."""
    assert "(docs/cluster.md)" in (ROOT / "README.md").read_text()
    assert "(cluster.md)" in (ROOT / "docs" / "suites.md").read_text()
