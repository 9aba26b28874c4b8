"""`vidbench run --launcher slurm` on a real Slurm: every record there once, whatever becomes of jobs and followers."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from vidbench.store import read_all

NETS = """
import os
import signal
import time
from pathlib import Path
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 4, 3)

    def forward(self, x):
        return self.conv(x).mean((2, 3, 4))

class Slow(Net):
    def forward(self, x):
        if not x.is_meta:
            Path("begun").touch()
            while Path("held").exists():
                time.sleep(0.1)
        return super().forward(x)

class Deadly(Net):
    def forward(self, x):
        if not x.is_meta:
            job = int(Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[1])
            os.kill(job, signal.SIGKILL)
            time.sleep(60)
        return super().forward(x)

one = two = Net
"""

SUITE = """
metrics = ["params", "macs", "peak_memory"]

[[cases]]
models = [{models}]
frames = {frames}
size = 32
device = "cpu"
"""
SECONDS = 60.0
LAUNCH = ("--launcher", "slurm", "--poll", "0.5", "--time", "10")


@pytest.fixture
def suite(cluster, folder):
    """Write a suite of some of the nets."""

    def write(*models: str, frames=(4, 8)) -> str:
        (folder / "small.py").write_text(NETS)
        names = ", ".join(f'"small:{name}"' for name in models)
        (folder / "mine.toml").write_text(SUITE.format(models=names, frames=list(frames)))
        return str(folder / "mine.toml")

    return write


def wait_for(what, *, seconds=SECONDS):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
    return found


def read(folder: Path):
    """How often each case is measured, or has failed, in the merged files."""
    records = read_all([folder / "results"]).records
    return (
        Counter((one.case.model, one.case.frames) for one in records if not one.failure),
        Counter((one.case.model, one.case.frames) for one in records if one.failure),
    )


def name_run(folder: Path) -> str:
    (path,) = (folder / "results" / "sweeps").iterdir()
    return path.name


def find_job(folder: Path) -> tuple[str, int]:
    """Slurm's name of the first job whose journal shows a case begun, and the pid of its process."""
    for path in (folder / "results" / "sweeps").glob("*/jobs/*.journal"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        if any("begin" in line for line in lines):
            return lines[0]["job"], lines[0]["pid"]
    return "", 0


class TestComplete:
    def test_equal_to_a_local_run(self, vidbench, suite, folder):
        """The records come back once each, from both nodes, and their exact metrics are those of a run here."""
        path = suite("one", "two")
        done = vidbench("run", path, *LAUNCH, "--follow", "--job-time", "13")
        assert done.code == 0, done.err
        assert "2 jobs" in done.out
        assert "4 of 4 cases" in done.err
        there = read_all([folder / "results"]).records
        assert {record.conditions["node"] for record in there} == {"n1", "n2"}
        assert vidbench("run", path, "--results", "here").code == 0
        here = read_all([folder / "here"]).records

        def exact(records):
            return {record.case: [record.figure("params"), record.figure("macs")] for record in records}

        assert exact(there) == exact(here)
        assert len(there) == len(here) == 4

    def test_resume_leaves_out_what_is_there(self, vidbench, suite, folder):
        """A second run with --resume measures nothing again, and says so."""
        path = suite("one", frames=[4])
        assert vidbench("run", path).code == 0
        done = vidbench("run", path, *LAUNCH, "--follow", "--resume")
        assert done.code == 0, done.err
        assert "1 measured before" in done.err
        assert read(folder)[0] == {("small:one", 4): 1}


class TestEnded:
    def test_killed_process(self, vidbench, suite, folder):
        """A job whose process is killed is begun again by itself, after the last case that was done."""
        (folder / "held").touch()
        path = suite("one", "Slow", frames=[4])
        assert vidbench("run", path, *LAUNCH).code == 0
        wait_for((folder / "begun").exists)
        (folder / "held").unlink()
        os.kill(find_job(folder)[1], signal.SIGKILL)
        done = vidbench("run", "--attach", name_run(folder), "--poll", "0.5")
        assert done.code == 0, done.err
        assert read(folder) == ({("small:one", 4): 1, ("small:Slow", 4): 1}, {})

    def test_case_that_takes_its_job_down(self, vidbench, suite, folder):
        """It is tried twice, then recorded as crashed, with where; those behind it are measured."""
        done = vidbench("run", suite("Deadly", "one", frames=[4]), *LAUNCH, "--follow")
        assert done.code == 3, done.err
        assert read(folder) == ({("small:one", 4): 1}, {("small:Deadly", 4): 1})
        (failed,) = [record for record in read_all([folder / "results"]).records if record.failure]
        assert failed.failure.kind == "crash"
        assert "twice, on n" in failed.failure.message

    def test_time_is_over(self, vidbench, suite, folder, cluster):
        """A job that submitit is told of the end of its time goes on after its last case, with what it was in."""
        (folder / "held").touch()
        assert vidbench("run", suite("one", "Slow", frames=[4]), *LAUNCH).code == 0
        wait_for((folder / "begun").exists)
        (folder / "held").unlink()
        cluster("scancel", "--signal=USR2", find_job(folder)[0])
        done = vidbench("run", "--attach", name_run(folder), "--poll", "0.5")
        assert done.code == 0, done.err
        assert read(folder) == ({("small:one", 4): 1, ("small:Slow", 4): 1}, {})

    def test_cancelled_by_hand(self, vidbench, suite, folder, cluster):
        """A job that is cancelled is not begun again; its cases are said to be missing, and --resume has them."""
        (folder / "held").touch()
        assert vidbench("run", suite("one", "Slow", frames=[4]), *LAUNCH).code == 0
        wait_for((folder / "begun").exists)
        cluster("scancel", find_job(folder)[0])
        name = name_run(folder)
        done = vidbench("run", "--attach", name, "--poll", "0.5")
        assert done.code == 3
        assert "CANCELLED" in done.err
        assert "1 cases are missing" in done.err
        assert read(folder) == ({("small:one", 4): 1}, {})
        (folder / "held").unlink()
        done = vidbench("run", "--attach", name, "--resume", "--poll", "0.5")
        assert done.code == 0, done.err
        assert read(folder) == ({("small:one", 4): 1, ("small:Slow", 4): 1}, {})

    def test_all_cancelled(self, vidbench, suite, folder, cluster):
        """--cancel ends all jobs, and what was measured is merged."""
        (folder / "held").touch()
        assert vidbench("run", suite("one", "Slow", frames=[4]), *LAUNCH).code == 0
        wait_for((folder / "begun").exists)
        done = vidbench("run", "--attach", name_run(folder), "--cancel", "--poll", "0.5")
        assert done.code == 3
        assert read(folder)[0] == {("small:one", 4): 1}
        assert cluster("squeue", "-h", "-t", "running,pending") == ""


class TestWaiting:
    def test_drained_nodes(self, suite, folder, cluster):
        """Jobs that no node can take are shown with Slurm's reason, and run when one is back; one is enough."""
        for node in ("n1", "n2"):
            cluster("scontrol", "update", f"nodename={node}", "state=drain", "reason=test")
        command = [
            sys.executable, "-c", "from vidbench.cli import main; main()", "run", suite("one", "two", frames=[4]),
            *LAUNCH, "--follow", "--job-time", "5",
        ]  # fmt: skip
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder) as run:
            said = ""
            while "2 jobs wait (" not in said:
                said = run.stderr.readline()
                assert said
            assert "DRAIN" in said.upper() or "ReqNodeNotAvail" in said  # as its release has it
            cluster("scontrol", "update", "nodename=n2", "state=resume")
            run.communicate()
        assert run.returncode == 0
        assert read(folder)[0] == {("small:one", 4): 1, ("small:two", 4): 1}
        assert {one.conditions["node"] for one in read_all([folder / "results"]).records} == {"n2"}


def test_submitting_side_killed(vidbench, suite, folder):
    """Whoever follows may be killed; the jobs go on, and whoever comes back has all of it."""
    path = suite("one", "two", frames=[4])
    command = [sys.executable, "-c", "from vidbench.cli import main; main()", "run", path, *LAUNCH, "--follow"]
    with subprocess.Popen(command, cwd=folder) as run:
        wait_for(lambda: find_job(folder)[1])
        run.kill()
    done = vidbench("run", "--attach", name_run(folder).rpartition("-")[2], "--poll", "0.5")
    assert done.code == 0, done.err
    assert read(folder)[0] == {("small:one", 4): 1, ("small:two", 4): 1}


def test_refused_by_a_node(vidbench, suite, folder):
    """What a node cannot measure is said with its reason, and is not waited for."""
    path = Path(suite("one", frames=[4]))
    path.write_text(path.read_text().replace('"cpu"', '"cuda"'))
    done = vidbench("run", str(path), *LAUNCH, "--follow")
    assert done.code == 3
    assert "job 0 cannot be measured: no CUDA device can be used here" in done.err


def test_refused_by_slurm(vidbench, suite, folder):
    """What Slurm refuses is one message in its words, and leaves nothing behind."""
    done = vidbench("run", suite("one"), *LAUNCH, "--partition", "nowhere")
    assert done.code == 3
    assert "Slurm does not take the jobs: sbatch: error: " in done.err
    assert not list((folder / "results" / "sweeps").iterdir())
