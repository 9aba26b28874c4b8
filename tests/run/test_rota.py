"""Cases on two seats, which are processes on the CPU: each once, one at a time on a seat, whatever becomes of them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from marked import MARK, find_marked
from seating import open_cpu_seats
from waiting import wait_for

from vidbench.cli.seats import plan_on_seats
from vidbench.errors import InputError
from vidbench.records import Case
from vidbench.run.local import run_cases
from vidbench.run.plan import Plan
from vidbench.run.processes import Processes
from vidbench.run.rota import check_jobs, run_on_seats
from vidbench.store import read_all
from vidbench.suites.files import read_suite

ROOT = Path(__file__).parents[2]

NETS = """
import json, os, signal, time
from pathlib import Path
from torch import nn

SEAT = os.environ.get("SEAT")

def log():
    with open("log", "a") as file:
        file.write(json.dumps([SEAT, os.getpid(), time.monotonic()]) + "\\n")

def meet():
    Path(f"at-{SEAT}").touch()
    end = time.monotonic() + 60
    while not all(Path(f"at-{seat}").exists() for seat in (0, 1)):
        assert time.monotonic() < end, "nobody came"
        time.sleep(0.01)

def hang():
    Path("hangs").touch()
    while Path("busy").exists():
        time.sleep(0.01)

def fell():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(1000)

class Net(nn.Module):
    def __init__(self, act=lambda: None):
        super().__init__()
        self.conv, self.act = nn.Conv3d(3, 4, 3), act

    def forward(self, x):
        if not x.is_meta:
            log()
            self.act()
            log()
        return self.conv(x).mean((2, 3, 4))

one = two = Net
def meets(): return Net(meet)
def hangs(): return Net(hang)
def fells(): return Net(fell)
"""

Spread = Callable[..., Path]


@pytest.fixture
def suite(folder: Path) -> Spread:
    (folder / "crowd.py").write_text(NETS)

    def write(*names: str, repeats: int = 1) -> Path:
        models = json.dumps([f"crowd:{name}" for name in names])
        path = folder / "mine.toml"
        path.write_text(
            f'metrics = ["macs", "peak_memory"]\nrepeats = {repeats}\n'
            f'[[cases]]\nmodels = {models}\nframes = [4, 8]\nsize = 32\ndevice = "meta"\n'
        )
        return path

    return write


def read_log() -> dict[str, list[tuple[float, float]]]:
    """From when to when each process on a seat computed, in their order."""
    times: dict[tuple[str, int], list[float]] = {}
    for line in Path("log").read_text().splitlines():
        seat, process, moment = json.loads(line)
        times.setdefault((seat, process), []).append(moment)
    seats: dict[str, list[tuple[float, float]]] = {}
    for (seat, _), moments in times.items():
        seats.setdefault(seat, []).append((min(moments), max(moments)))
    return {seat: sorted(spans) for seat, spans in seats.items()}


def test_one_at_a_time_on_each(suite):
    """Both seats work at once, each on one case at a time, in the suite's order; records say where and beside whom."""
    announced, kept = [], []
    with open_cpu_seats() as seats:
        sweep = plan_on_seats(read_suite(str(suite("meets", "one", "two", repeats=2))), "results", seats)
        cases = sweep.cases
        records = list(
            run_on_seats(
                sweep.jobs, sweep.plan, seats, announce=announced.append, keep=lambda *measured: kept.append(measured)
            )
        )
    assert [record for record, _ in kept] == records
    assert [record.failure for record in records] == [None] * 12
    assert len({record.case for record in records}) == 12
    assert {record.case for record in records} == set(cases)
    assert [case.repeat for case in cases] == [0] * 6 + [1] * 6
    assert [(one.model, one.frames, one.repeat) for one in announced] == [
        (one.model, one.frames, one.repeat) for one in cases
    ]
    assert {one.device for one in announced} == {"cuda:0", "cuda:1"} == {r.conditions["gpu"] for r in records}
    assert {record.case.device for record in records} == {"cpu"}
    spans = read_log()
    assert set(spans) == {"0", "1"}
    assert all(ended <= begun for one in spans.values() for (_, ended), (begun, _) in pairwise(one))
    met = [record for record in records if record.case.model == "crowd:meets" and not record.case.repeat]
    for record, other in zip(met, reversed(met), strict=True):
        assert record.conditions["beside"] == {"devices": [other.conditions["gpu"]]}
    assert all(record.conditions["elapsed"] > 0 for record in records)
    with Processes() as processes:  # what was measured on a seat is what one device would have measured
        (alone,) = run_cases(sweep.jobs[2:3], sweep.plan, processes=processes)
    (beside,) = [record for record in records if record.case == alone[0].case]
    assert beside.environment == alone[0].environment
    assert beside.measurement("macs") == alone[0].measurement("macs")


def test_a_seat_is_felled(suite):
    """Where even the process is killed that cases of a seat are forked from, its case has failed; the seat goes on."""
    with open_cpu_seats() as seats:
        sweep = plan_on_seats(read_suite(str(suite("fells", "one", "two"))), "results", seats)
        records = list(sweep.run())
    failed = [record for record in records if record.failure]
    assert {record.case.model for record in failed} == {"crowd:fells"}
    assert [record.failure.kind for record in failed] == ["crash", "crash"]
    assert len({record.case for record in records}) == 6
    assert [record.id for record in read_all(["results"]).records] == [record.id for record in records]


def test_an_error_ends_all(suite):
    """Where what is measured cannot be kept, the error is told at once, and nothing goes on computing."""
    Path("busy").touch()
    before = set(psutil.Process().children(recursive=True))

    def keep(*_: object) -> None:
        raise OSError("no space left")

    with open_cpu_seats(limit=300) as seats:
        sweep = plan_on_seats(read_suite(str(suite("one", "hangs"))), "results", seats)
        with pytest.raises(OSError, match="no space left"):
            list(run_on_seats(sweep.jobs, sweep.plan, seats, keep=keep))
        assert set(psutil.Process().children(recursive=True)) <= before


def test_refusals():
    """What is only counted needs no seats; a net of this process alone cannot be sent there; stages want all CPUs."""
    case = Case(model="__main__:one", classes=None, frames=4, size=32)
    with pytest.raises(InputError, match="leave out --devices"):
        check_jobs([(case, ())], Plan(metrics=("macs",)))
    with pytest.raises(InputError, match="put it into a module"):
        check_jobs([(case, ())], Plan(metrics=("macs", "latency")))
    with pytest.raises(InputError, match="on all CPUs"):
        check_jobs([(replace(case, model="crowd:one"), ())], Plan(metrics=("latency", "stage_decode")))


@pytest.fixture
def start() -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Start the suite of the current folder as a command does; whatever of it is left is ended at last."""
    mark = uuid4().hex

    def run() -> "subprocess.Popen[str]":
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", MARK: mark}
        run.mark = mark
        return subprocess.Popen(
            [sys.executable, "-c", "from seating import main; main()"], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    yield run
    for process in find_marked(mark):
        process.kill()


def test_ended_early(suite, start):
    """Ctrl-C and SIGKILL cost the cases in flight alone, leave no process, and the rest is measured afterwards."""
    suite("one", "hangs", "two")
    Path("busy").touch()
    for number in (signal.SIGINT, signal.SIGKILL):
        process = start()
        wait_for(lambda: len(lines()) == 2 and Path("hangs").exists())
        process.send_signal(number)
        _, err = process.communicate(timeout=90)
        assert "Traceback" not in err
        wait_for(lambda: not find_marked(start.mark))
        Path("hangs").unlink()
        if number == signal.SIGINT:
            assert process.returncode == 130
            assert "interrupted after 2 of 6 cases" in err
    Path("busy").unlink()
    again = start()
    _, err = again.communicate(timeout=180)
    assert again.returncode == 0, err
    records = read_all(["results"]).records
    assert len(records) == len({record.case for record in records}) == 6
    assert [record.failure for record in records] == [None] * 6


def lines() -> list[str]:
    """Those of records that are there in full."""
    return [
        line for path in Path().glob("results/*/*.jsonl") for line in path.read_text().splitlines(keepends=True)
        if '"case"' in line and line.endswith("\n")
    ]  # fmt: skip
