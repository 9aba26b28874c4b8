"""What tests share: the command line run in this process, folders and packages of users, and the real video."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from vidbench import catalog
from vidbench.cli import main

# Before torch is loaded: tests run side by side, and a thread that waits for another shall not keep a core busy.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@dataclass(frozen=True)
class Outcome:
    """What a command ended with and printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def vidbench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run `vidbench ARGUMENTS...` as a user would, quickly: `profile` in this process, with `--precision 50%`.

    `--repeats`, which are runs in processes of their own, have them.
    """

    def run(*arguments: str) -> Outcome:
        here = []
        if arguments[:1] == ("profile",):
            here += [] if "--repeats" in arguments else ["--in-process"]
            here += [] if "--precision" in arguments else ["--precision", "50%"]
        monkeypatch.setattr(sys, "argv", ["vidbench", *arguments, *here])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return Outcome(int(end.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder; modules imported from it are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        own = vars(sys.modules[name])  # torch.classes answers to any other question with an error
        if str(tmp_path) in str(own.get("__path__", own.get("__file__", ""))):
            del sys.modules[name]


@pytest.fixture
def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Install a package as an installer would: its files, its metadata and the families that it registers."""

    def run(name: str, files: Mapping[str, str], families: Mapping[str, str]) -> Path:
        place = folder / "site-packages"
        points = "".join(f"{family} = {module}\n" for family, module in families.items())
        metadata = {
            "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            "entry_points.txt": f"[vidbench.families]\n{points}",
        }
        for path, text in {
            **files,
            **{f"{name}-1.0.dist-info/{file}": text for file, text in metadata.items()},
        }.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text)
        monkeypatch.syspath_prepend(place)
        monkeypatch.setattr(catalog, "_load", cache(catalog._load.__wrapped__))
        return place

    return run


@pytest.fixture
def video() -> Path:
    """132 frames of Big Buck Bunny, 1280x720."""
    return Path(__file__).parent / "data" / "bigbuckbunny.mp4"
