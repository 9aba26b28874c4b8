"""What a user's window shows: nothing is cut off, however narrow it is; other streams get plain text."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from examples import latency, record

from vidbench.table import rows
from vidbench.terminal.profile import print_profile
from vidbench.units import Scale

COMMAND = Path(sys.executable).with_name("vidbench")


def in_window(columns: int, *arguments: str) -> str:
    """What `vidbench ARGUMENTS...` writes into a terminal of that width, without its control sequences."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen([COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # how Linux tells that the other end is closed
                break
            if not part:
                break
            written += part
    os.close(ours)
    assert process.returncode == 0
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode())


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_window_cuts_a_table(columns):
    """Every cell of a row is whole at any width."""
    shown = in_window(columns, "profile", "vov3d-l", "--device", "meta")
    (row,) = [line for line in shown.splitlines() if line.startswith("vov3d-l ") and "9.31" in line]
    assert row.split() == ["vov3d-l", "16", "224", "1", "6.30", "9.31", "9.3", "129.9"]


def test_main_job_fits_eighty_columns():
    """All columns of the main job stand side by side in a window of the usual width."""
    shown = in_window(80, "profile", "vov3d-l", "--size", "32", "--frames", "2", "--precision", "50%")
    (head,) = [line for line in shown.splitlines() if line.startswith("model ")]
    assert head.split()[-1] == "MiB/call"
    assert len(head.rstrip()) <= 80


def test_figures_that_are_not_settled_are_marked(capsys):
    """Before a median that is not known as well as was asked stands a mark; before what is settled, or old, none."""
    known = {"p90": 0.03, "settled": True}
    records = [record(latency(frames / 100), frames=frames) for frames in (2, 4)]
    records.append(record(latency(0.08, details=known), frames=8))
    print_profile(rows(records, {}), ["latency"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("x3d-m")]
    assert [line[4:] for line in lines] == [["~20.00", "30.00"], ["~40.00", "30.00"], ["80.00", "30.00"]]


def test_disturbed_figures_are_marked(capsys):
    """Before a median with more than a few disturbed samples stands a mark, beside that of an unsettled one."""
    caveats = ("disturbed: 3 of 3 samples were taken beside or under heat of the CPU (100%)",)
    known = {"p90": 0.03, "settled": True, "watched": 3, "disturbed": 1}
    records = [record(latency(caveats=caveats)), record(latency(details=known, caveats=caveats))]
    records.append(record(latency(details=known)))
    print_profile(rows(records, {}), ["latency"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("x3d-m")]
    assert [line[4] for line in lines] == ["~!20.00", "!20.00", "20.00"]


def test_plain_text_elsewhere(vidbench):
    """No colour, no animation, no trailing bar where the stream is no terminal."""
    done = vidbench("profile", "x3d-m", "--frames", "8,16", "--device", "meta")
    assert "\x1b" not in done.out + done.err
    assert all(len(line) < 200 or not line.endswith(" ") for line in done.out.splitlines())


def test_scales():
    """A figure that is not known is a dash, in whatever unit."""
    assert Scale(1e9, "/clip").format(None) == "–"


def test_very_long_tables_look_like_all_others(capsys, monkeypatch):
    """What is laid out without rich, for it would take a minute, is what rich prints."""
    from rich.text import Text

    from vidbench.terminal import screen

    table = screen.make_table()
    table.add_column("model", no_wrap=True)
    for head in ("params\nM", "frames"):
        table.add_column(head, justify="right", no_wrap=True)
    for model in ("x3d-m", "net:漢字", "a"):
        table.add_row(model, Text("3.79*", style="bold"), "–")
    screen.print_table(screen.open_console(sys.stdout), table)
    drawn = capsys.readouterr().out
    monkeypatch.setattr(screen, "MANY_ROWS", 2)
    screen.print_table(screen.open_console(sys.stdout), table)
    assert capsys.readouterr().out == drawn
