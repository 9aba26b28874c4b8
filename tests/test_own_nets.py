"""docs/own-nets.md: its files work as they stand there, and its commands print what it shows."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

import vidbench as api
from vidbench.catalog import families

PAGE = (Path(__file__).parents[1] / "docs" / "own-nets.md").read_text()
FILES: dict[str, str] = dict(re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", PAGE, re.S))
CONSOLE = re.findall(r"```console\n\$ vidbench (.*?)\n(.*?)```", PAGE, re.S)
PYTHON = [code for code in re.findall(r"```python\n(.*?)```", PAGE, re.S) if "import vidbench\n" in code]


@pytest.fixture(autouse=True)
def written(folder, install):
    """The page's files: those of a package installed as its pyproject.toml says, the others in the current folder."""
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    package = {name: code for name, code in FILES.items() if name.startswith(project["name"])}
    install(project["name"], package, project["entry-points"]["vidbench.families"])
    for name in FILES.keys() - package.keys():
        (folder / name).write_text(FILES[name])


def squeeze(text: str) -> list[str]:
    """Its lines without the space and rules that pad them to the width of figures."""
    return [re.sub(r"([ ─])+", r"\1", line.strip()) for line in text.splitlines()]


@pytest.mark.parametrize(("arguments", "shown"), CONSOLE, ids=[arguments for arguments, _ in CONSOLE])
def test_console_blocks(vidbench, arguments, shown):
    """Each command prints what the page shows, up to the dots."""
    done = vidbench(*shlex.split(arguments))
    expected = squeeze(shown)
    assert done.code == 0
    assert expected.pop() == "..."
    assert squeeze(done.out)[: len(expected)] == expected


def test_python_block(capsys):
    """The Python example runs, and both of its ways count the same."""
    (code,) = PYTHON
    exec(code, {})  # noqa: S102  # our own page
    first, second = capsys.readouterr().out.split()
    assert float(first) == float(second) > 0


def test_rows_are_true():
    """What the example's rows state is what its nets count."""
    for variant in families()["twostep"].variants.values():
        counted = api.count(api.build(variant.name), api.Clip(frames=variant.frames, size=variant.size))
        assert counted.params == variant.params
        for published in variant.published:
            assert round(counted.macs / 1e9, 2) == published.gmacs
            assert round(counted.params / 1e6, 2) == published.params_m
