"""What the README shows is what the commands print."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CONSOLE = re.findall(r"```console\n\$ vidbench (.*?)\n(.*?)```", README, re.S)
PYTHON = re.findall(r"```python\n(.*?)```", README, re.S)


def squeeze(text: str) -> list[str]:
    """Its lines that say something, without the space that pads them."""
    return [line.rstrip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize(("arguments", "shown"), CONSOLE, ids=[arguments for arguments, _ in CONSOLE])
def test_console_blocks(vidbench, monkeypatch, arguments, shown):
    """Each console block prints what it shows; `...` stands for the rest of a line that differs between machines."""
    monkeypatch.chdir(ROOT)
    done = vidbench(*arguments.split())
    printed = squeeze(done.out)
    assert done.code == 0
    for expected, line in zip(squeeze(shown), printed, strict=False):
        if expected.endswith("..."):
            assert line.startswith(expected.removesuffix("...").rstrip())
        else:
            assert re.sub(r"─+", "─", line) == re.sub(r"─+", "─", expected)


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


def test_links():
    """Files that the README links to are there."""
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists()
