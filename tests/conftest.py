"""What tests share: the command line run in this process, and the real video."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from vidbench.cli import main


@dataclass(frozen=True)
class Outcome:
    """What a command ended with and printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def vidbench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run `vidbench ARGUMENTS...` as a user would, without the cost of a new process."""

    def run(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["vidbench", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return Outcome(int(end.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def video() -> Path:
    """132 frames of Big Buck Bunny, 1280x720."""
    return Path(__file__).parent / "data" / "bigbuckbunny.mp4"
