"""Two sides in alternation: what a side can be, bursts in turns, and what a slower one comes to."""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import psutil
import pytest
from waiting import wait_for

from vidbench.alternation.rounds import BURSTS, Asked, alternate, plan_looks, start_side
from vidbench.alternation.sides import Side, check_sides, open_side
from vidbench.comparison.changes import judge_alternation
from vidbench.errors import InputError, OwnCodeError, VidbenchError
from vidbench.records import Case

CASE = Case(model="x3d-m", classes=None, frames=4, size=32)

NETS = """
import os
import time
import torch
from torch import nn

class Net(nn.Module):
    rest = REST
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 2, 3)
    def forward(self, x):
        time.sleep(self.rest)
        return self.conv(x).mean((2, 3, 4))

class Slow(Net):
    rest = 0.03

class Numbered(Net):
    rest = 0
    def __init__(self):
        super().__init__()
        with open("numbers", "a") as file:
            print(os.getpid(), file=file)

class Counting(Numbered):
    def forward(self, x):
        with open("calls", "a") as file:
            file.write(".")
        return super().forward(x)

class Ending(Numbered):
    def forward(self, x):
        os._exit(7)

class Failing(Net):
    def forward(self, x):
        raise RuntimeError("no call today")

def broken():
    raise ValueError("no net today")
"""


@pytest.fixture
def nets(folder):
    (folder / "turns.py").write_text(NETS.replace("REST", "0.003"))
    return folder


def is_running(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def git(*arguments: str) -> None:
    name = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", *name, *arguments], check=True, capture_output=True)


class TestSides:
    def test_kinds(self, nets):
        """A net by name, a folder of code, a virtual environment."""
        (nets / "venv" / "bin").mkdir(parents=True)
        (nets / "venv" / "bin" / "python").symlink_to(sys.executable)
        with open_side("x3d") as net, open_side("turns:Net") as own, open_side(".") as here, open_side("venv") as env:
            assert (net.model, own.model, here.model, env.model) == ("x3d-m", "turns:Net", None, None)
            assert env.python == str(nets / "venv" / "bin" / "python")
            assert here.folder == Path.cwd()
            assert here.environment["PYTHONPATH"].split(":")[0] == str(nets)
            assert check_sides(here, env, "x3d") == ("x3d-m", "x3d-m")
            with pytest.raises(InputError, match="not of a kind"):
                check_sides(net, here, None)
            with pytest.raises(InputError, match="--model"):
                check_sides(here, here, None)
            with pytest.raises(InputError, match="leave out --model"):
                check_sides(net, own, "x3d-s")

    @pytest.mark.parametrize(
        ("name", "said"),
        [("nowhere/at/all", "no side to measure"), ("x4d-m", "did you mean x3d-m"), ("git:HEAD", "none around")],
    )
    @pytest.mark.usefixtures("folder")
    def test_no_sides(self, name, said):
        """What is none is refused with what there is."""
        with pytest.raises(InputError, match=said), open_side(name):
            pass

    def test_revision(self, nets):
        """A revision is checked out beside the repository, and gone afterwards."""
        git("init", "-q")
        git("add", "turns.py")
        git("commit", "-qm", "first")
        (nets / "turns.py").write_text("changed")
        with open_side("git:HEAD") as side:
            assert (side.folder / "turns.py").read_text().startswith("\nimport os")
            assert side.folder != nets
        assert not side.folder.exists()
        with pytest.raises(InputError, match="no revision 'nothing'"), open_side("git:nothing"):
            pass


def asked(model: str) -> Asked:
    return Asked(model=model, frames=4, size=32, batch=1, classes=None, dtype="fp32", device="cpu", threads=1)


class TestAlternation:
    @pytest.mark.usefixtures("nets")
    def test_slower_side(self):
        """Bursts of both sides in each round; a net that rests twice as long takes longer."""
        with open_side("turns:Net") as old, open_side("turns:Slow") as new:
            found = alternate((old, new), (asked("turns:Net"), asked("turns:Slow")), 1, timeout=120)
        (bursts,) = found.bursts
        assert len(bursts) == BURSTS
        assert all(burst > 0.003 for pair in bursts for burst in pair)
        assert median(after / before for before, after in bursts) > 1
        assert found.stacks[0] == found.stacks[1]
        assert set(found.stacks[0]) == {"torch", "vidbench", "device"}

    @pytest.mark.usefixtures("nets")
    def test_rounds_until_told(self, monkeypatch):
        """Every round has new processes, and there are no more than are asked for or needed."""
        monkeypatch.setattr("vidbench.alternation.rounds.BURST_SECONDS", 0.001)
        both, asked_when = (asked("turns:Numbered"), asked("turns:Numbered")), []

        def is_told(bursts):
            asked_when.append(len(bursts))
            return len(bursts) >= 9

        with open_side("turns:Numbered") as old, open_side("turns:Numbered") as new:
            found = alternate((old, new), both, 18, timeout=120, is_told=is_told)
        assert (len(found.bursts), asked_when) == (9, [9])
        numbers = Path("numbers").read_text().split()
        assert len(set(numbers)) == len(numbers) == 18

    def test_looks(self):
        """The last look has all rounds, the first no fewer than nine."""
        assert [plan_looks(rounds) for rounds in (1, 9, 20, 72, 400)] == [
            (1,), (9,), (10, 20), (9, 18, 36, 72), (50, 100, 200, 400)
        ]  # fmt: skip

    @pytest.mark.usefixtures("nets")
    def test_calls_that_nobody_times(self):
        """Between being told to go and to stop a side calls its net; otherwise it calls what is asked for alone."""
        calls = Path("calls")
        with start_side(Side("turns:Counting"), asked("turns:Counting"), 120) as side:
            side.begin()
            warm = calls.stat().st_size
            side.go()
            while calls.stat().st_size < warm + 5:
                time.sleep(0.01)
            side.stop()
            stopped = calls.stat().st_size
            time.sleep(0.2)
            assert calls.stat().st_size == stopped
            assert side.take() > 0
            assert calls.stat().st_size > stopped
            side.end()

    @pytest.mark.usefixtures("nets")
    def test_nothing_is_left(self):
        """Where the measurement is left in the midst of a round, both sides' processes are ended."""
        both = asked("turns:Numbered"), asked("turns:Ending")
        with (
            open_side("turns:Numbered") as old,
            open_side("turns:Ending") as new,
            pytest.raises(VidbenchError, match="turns:Ending ended with code 7"),
        ):
            alternate((old, new), both, 2, timeout=120)
        numbers = [int(number) for number in Path("numbers").read_text().split()]
        assert len(numbers) == 2
        wait_for(lambda: not any(map(is_running, numbers)))  # what is killed takes its time to go

    @pytest.mark.usefixtures("nets")
    @pytest.mark.parametrize(
        ("net", "said"),
        [
            ("turns:broken", "no net today"),
            ("turns:Absent", "Absent"),
            ("absent:Net", "absent"),
            ("turns:Failing", "RuntimeError: no call today"),
        ],
    )
    def test_broken_side(self, capfd, net, said):
        """A side that cannot build its net, or call it, is named with the reason, once and before any burst."""
        with (
            open_side("turns:Net") as old,
            open_side(net) as new,
            pytest.raises(InputError, match=said) as refused,
        ):
            alternate((old, new), (asked("turns:Net"), asked(net)), 1, timeout=120)
        assert str(refused.value).startswith(f"{net} cannot be built and called: ")
        assert isinstance(refused.value, OwnCodeError) == (net in ("turns:broken", "turns:Failing"))
        assert "Traceback" in refused.value.__notes__[0]  # for --debug
        assert "Traceback" not in capfd.readouterr().err

    @pytest.mark.usefixtures("folder")
    def test_side_without_packages(self, capfd):
        """A virtual environment without torch says so."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", "bare"], check=True)
        with (
            open_side("bare") as bare,
            pytest.raises(InputError, match="bare: its Python has no torch or vidbench"),
        ):
            alternate((bare, bare), (asked("turns:Net"), asked("turns:Net")), 1, timeout=120)
        assert "Traceback" not in capfd.readouterr().err


class TestJudging:
    def test_slower(self):
        """All rounds agree: slower, by the median of neighbours' ratios, whatever the machine's speed was meanwhile."""
        rounds = [[(speed, speed * 1.05), (2 * speed, 2.1 * speed)] for speed in (0.1, 0.2, 0.4, 0.1, 0.3, 0.1)]
        change = judge_alternation(CASE, rounds)
        assert (change.verdict, change.ratio) == ("slower", pytest.approx(1.05))
        assert change.interval.low == pytest.approx(1.05)
        assert change.runs == (6, 6)

    def test_same_and_open(self):
        """Within the effect: same; on both sides of 1, or of too few rounds: not told."""
        assert judge_alternation(CASE, [[(1, 1.004)]] * 4 + [[(1, 0.995)]] * 4).verdict == "same"
        assert judge_alternation(CASE, [[(1, 1.1)]] * 4 + [[(1, 0.9)]] * 4).verdict == "inconclusive"
        few = judge_alternation(CASE, [[(1, 2)]] * 5)
        assert (few.verdict, few.why) == ("inconclusive", "too few rounds (--rounds 6 or more can tell)")
        assert judge_alternation(CASE, [[(1, 0.9)]] * 6).verdict == "faster"
