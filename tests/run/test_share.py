"""A job of a suite's run, without the cluster around it: when it gives up, and what it does not blame on a case."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from waiting import wait_for

from vidbench.cluster.folder import Manifest, create
from vidbench.cluster.journal import Fall, Journal, Reader
from vidbench.errors import InputError
from vidbench.records import Case, Footage
from vidbench.run.share import Attempt, Share, check_metrics, describe_falls

ROOT = Path(__file__).parents[2]
NETS = """
import os
import time
from pathlib import Path
from torch import nn

class Waiting(nn.Conv3d):
    def __init__(self):
        super().__init__(3, 4, 3)

    def forward(self, x):
        if not x.is_meta:
            Path("pid").write_text(str(os.getpid()))
            time.sleep(60)
        return super().forward(x)
"""
CASE = Case(model="small:Waiting", classes=None, frames=4, size=32, weights="given")
JOB = "import sys; from pathlib import Path; from vidbench.run.share import Share; Share(Path(sys.argv[1]), 0)()"


@pytest.fixture
def sweep(folder):
    """A run of one job of one case, which Slurm was handed."""
    (folder / "small.py").write_text(NETS)
    manifest = Manifest(
        suite="mine", metrics=("params", "peak_memory"), precision=0.01, timeout=600, sizes=(1,), minutes=60,
        place=str(folder), kinds=("a100",),
    )  # fmt: skip
    made = create(folder / "results", manifest, [[(CASE, Footage())]], datetime(2026, 1, 2, tzinfo=UTC))
    made.add_submission([0])
    return made


def test_whole_job_is_ended(sweep, folder):
    """A case whose process goes first when all of the job is told to end has not crashed, and is measured again."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{folder}"}
    command = [sys.executable, "-c", JOB, str(sweep.path)]
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL) as job:
        pid = int(wait_for(lambda: (folder / "pid").exists() and (folder / "pid").read_text()))
        os.kill(pid, signal.SIGTERM)
        time.sleep(0.3)
        job.send_signal(signal.SIGTERM)
    assert job.returncode == 128 + signal.SIGTERM
    where, *lines = Reader(sweep.journal(0, 1)).read()
    assert where["gpu_kind"] == "a100"
    assert lines == [{"begin": 0}, {"stop": 0, "fell": False}]
    assert sweep.records(0, 1).read_text() == ""


def test_two_falls_before_a_case(sweep):
    """A job that went down twice before any case is refused, until it is handed to Slurm again."""
    for attempt in (1, 2):
        assert sweep.begin_attempt(0) == attempt
        Journal(sweep.journal(0, attempt), node="n1")
    Attempt(sweep, 0).run()
    assert "went down twice before a case began" in list(Reader(sweep.journal(0, 3)).read())[-1]["refused"]
    sweep.add_submission([0])
    assert sweep.first_attempts() == {0: 4}


def test_told_to_end_before_it_began(sweep):
    """Signals that come before there is an attempt, or after it, are no bugs."""
    share = Share(sweep.path, 0)
    with pytest.raises(SystemExit) as ended:
        share._end(signal.SIGTERM, None)
    assert ended.value.code == 143
    attempt = Attempt(sweep, 0)
    attempt._journal.close()
    attempt.stop(timed=False)
    assert len(list(Reader(sweep.journal(0, 1)).read())) == 1


def test_falls_in_words():
    """Where a case brought its job down, and that it had too little time only where that was so each time."""
    crash = describe_falls([Fall(0, "n1", late=False), Fall(0, "n2", late=True)], 60)
    assert (crash.kind, "twice, on n1 and n2" in crash.message) == ("crash", True)
    late = describe_falls([Fall(0, "n1", late=True)] * 2, 60)
    assert (late.kind, "in the 60 min of a job, on n1, twice; --time" in late.message) == ("timeout", True)


@pytest.mark.parametrize(
    ("changes", "metrics", "fix"),
    [
        ({}, ["compile_time"], "give --mode compile"),
        ({}, ["macs_bounds"], "only of nets whose work depends on their input"),
        ({"mode": "compile"}, ["recompilations"], "at several clip lengths"),
        ({}, ["stage_decode"], "give one with --clip VIDEO"),
        ({"device": "cpu"}, ["reserved_memory"], "cannot be taken on cpu"),
        ({"device": "cpu", "mode": "cuda-graph"}, None, "needs a CUDA device"),
        ({"device": "tpu"}, None, "unknown device 'tpu'"),
    ],
)
def test_metrics_that_no_case_has(changes, metrics, fix):
    """They are refused before anything is handed over, as a run here refuses them."""
    case = Case(**{"model": "x3d-xs", "classes": 400, "frames": 4, "size": 32, "device": "auto", **changes})
    with pytest.raises(InputError, match=fix):
        check_metrics([(case, Footage())], metrics)


def test_metrics_that_some_case_has():
    """What one of the cases has may be asked for, and what only a node's device decides."""
    cases = [
        Case(model="x3d-xs", classes=400, frames=frames, size=32, device="auto", mode=mode)
        for mode in ("eager", "compile")
        for frames in (4, 8)
    ]
    check_metrics([(case, Footage()) for case in cases], ["recompilations", "reserved_memory"])
