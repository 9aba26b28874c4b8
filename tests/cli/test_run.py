"""`vidbench run`: a suite into a file, resumed after failures and after SIGKILL at any moment."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from net_source import NET

from vidbench.store import read_all

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("VIDBENCH_KILLS", "4"))  # each takes seconds

NETS = """
from pathlib import Path

class Moody(Net):
    def forward(self, x):
        if Path("broken").exists() and not x.is_meta:
            raise ValueError("not today")
        return super().forward(x)

one = two = three = Net
"""

SUITE = """
description = "Small nets."
metrics = ["params", "macs", "peak_memory"]

[[cases]]
models = ["small:one", "small:two", "small:Moody"]
frames = [4, 8]
size = 32
device = "cpu"
"""


@pytest.fixture
def suite(folder: Path) -> Path:
    (folder / "small.py").write_text(NET + NETS)
    (folder / "mine.toml").write_text(SUITE)
    return folder / "mine.toml"


def read(folder: Path):
    """All records of a folder's results: the models that were measured, and those that were not."""
    records = read_all([folder / "results"]).records
    done = [(record.case.model, record.case.frames) for record in records if record.failure is None]
    failed = [(record.case.model, record.case.frames) for record in records if record.failure]
    return done, failed


ALL = [(f"small:{name}", frames) for name in ("one", "two", "Moody") for frames in (4, 8)]


class TestRun:
    def test_file(self, vidbench, suite):
        """Every case is a record of one new file, in its order, which is named."""
        done = vidbench("run", str(suite))
        assert done.code == 0
        (path,) = (suite.parent / "results").glob("*/mine-*.jsonl")
        assert f"6 records in results/{path.parent.name}/{path.name}" in done.out
        assert read(suite.parent) == (ALL, [])
        for record in read_all([path]).records:
            assert record.conditions["elapsed"] > 0
            assert [m.metric for m in record.measurements] == ["params", "macs", "peak_memory"]

    def test_resume(self, vidbench, suite):
        """What is there is not measured again; what failed is, unless it is not to be; a new file has the rest."""
        broken = suite.parent / "broken"
        broken.touch()
        done = vidbench("run", str(suite))
        assert done.code == 3
        assert "not measured: small:Moody 4x32" in done.err
        assert "6 records, 2 of them not measured" in done.out
        broken.unlink()
        again = vidbench("run", str(suite), "--resume", "--retry", "oom,timeout")
        assert (again.code, "nothing is left to measure" in again.err) == (0, True)
        again = vidbench("run", str(suite), "--resume")
        assert "4 cases are there already" in again.err
        done, failed = read(suite.parent)
        assert sorted(done) == sorted(ALL)
        assert sorted(failed) == sorted(ALL[4:])
        assert len(list((suite.parent / "results").glob("*/*.jsonl"))) == 2

    def test_cut_off_file(self, vidbench, suite):
        """Of a line that a crash cut off there is one warning, and what it was of is measured again."""
        vidbench("run", str(suite))
        (path,) = (suite.parent / "results").glob("*/*.jsonl")
        path.write_bytes(path.read_bytes()[:-100])
        again = vidbench("run", str(suite), "--resume")
        assert again.code == 0
        assert again.err.count("its last line is cut off and left out") == 1
        assert "5 cases are there already" in again.err
        assert sorted(read(suite.parent)[0]) == sorted(ALL)

    def test_unwritable_results(self, vidbench, suite):
        """Where nothing can be written nothing is measured, and the message names the option."""
        (suite.parent / "taken").write_text("a file")
        done = vidbench("run", str(suite), "--results", "taken")
        assert done.code == 2
        assert "give another folder by --results" in done.err

    def test_groups_of_several_devices(self, vidbench, suite, video):
        """Each case has what its own device can give, whatever the other groups are on."""
        grid = "size = 32\nframes = 4\n"
        suite.write_text(
            f'precision = "90%"\n[[cases]]\nmodels = "small:one"\ndevice = "cpu"\n{grid}'
            f'[[cases]]\nmodels = "x3d-xs"\ndevice = "meta"\nclip = "{video}"\n{grid}'
        )
        assert vidbench("run", str(suite)).code == 0
        first, second = read_all([suite.parent / "results"]).records
        assert first.figure("latency") is not None
        assert {m.metric for m in second.measurements} == {
            "params", "macs", "activations", "weight_memory", "predicted_memory",
        }  # fmt: skip

    def test_dry_run(self, vidbench, suite):
        """The cases, their predicted memory and an estimate; nothing is measured or written."""
        done = vidbench("run", str(suite), "--dry-run")
        assert done.code == 0
        assert [line.split()[0] for line in done.out.splitlines() if line.startswith("small:")] == [n for n, _ in ALL]
        assert "6 cases; about " in done.out
        assert "(6 guessed by their MACs)" in done.out
        assert not (suite.parent / "results").exists()

    def test_dry_run_of_too_many(self, vidbench, suite, monkeypatch):
        """Where predicting memory takes too long the rest is not predicted, and that is said."""
        monkeypatch.setattr("vidbench.run.worker.PREDICTING", -1.0)
        done = vidbench("run", str(suite), "--dry-run")
        assert done.code == 0
        assert "memory of 6 further cases is not predicted" in done.out

    def test_clips_that_a_net_cannot_take(self, vidbench, suite):
        """Of what a pattern stands for the plan shows what is left out; measuring, it is one warning."""
        suite.write_text('[[cases]]\nmodels = "bqn-*"\nframes = [6, 8]\nsize = 64\ndevice = "meta"')
        plan, done = vidbench("run", str(suite), "--dry-run"), vidbench("run", str(suite))
        assert (plan.code, done.code) == (0, 0)
        assert "1 case; about " in plan.out
        left_out = [line for line in plan.out.splitlines() if line.startswith("left out: ")]
        assert [line.split(":")[1].strip() for line in left_out] == [
            "bqn-tsm-r50 cannot take 8 frames",
            "bqn-x3d-m cannot take 8 frames",
            "bqn-x3d-m cannot take frames of 64 x 64",
        ]
        assert plan.err == ""
        assert done.err.count("left out, of the nets that a pattern stands for:") == 1
        assert all(line.removeprefix("left out: ") in done.err for line in left_out)
        assert [(r.case.model, r.case.frames) for r in read_all([suite.parent / "results"]).records] == [
            ("bqn-tsm-r50", 6)
        ]

    def test_estimate_of_what_was_measured(self, vidbench, suite):
        """Cases that were measured before are expected to take as long as they took."""
        vidbench("run", str(suite))
        assert "(6 as they took before)" in vidbench("run", str(suite), "--dry-run").out

    def test_list(self, vidbench):
        """The suites that come with vidbench, with what each is for."""
        done = vidbench("run", "--list")
        assert done.code == 0
        names = [line.split()[0] for line in done.out.splitlines()[2:] if line.strip()]
        assert names == ["all", "clip-length", "modes", "paper-tables", "smoke", "training"]

    @pytest.mark.parametrize(
        ("arguments", "fix"),
        [
            (["smok"], "did you mean smoke"),
            ([], "--list"),
            (["smoke", "--retry", "hunger"], "--retry takes oom, crash, timeout, error or none"),
            (["smoke", "--device", "tpu"], "there are auto, cpu, cuda"),
        ],
        ids=["unknown", "none", "retry", "device"],
    )
    def test_refusals(self, vidbench, folder, arguments, fix):
        """Bad input ends with code 2 and one message, before anything is written."""
        done = vidbench("run", *arguments)
        assert done.code == 2
        assert fix in done.err
        assert not list(folder.iterdir())


def test_killed_at_any_moment(suite):
    """SIGKILL at random moments, each followed by --resume: every record is there once, and no traceback."""
    command = [sys.executable, "-c", "from vidbench.cli import main; main()", "run", str(suite), "--resume"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    moments = random.Random(5)  # noqa: S311
    for _ in range(KILLS):
        with subprocess.Popen(command, cwd=suite.parent, env=environment, stderr=subprocess.PIPE, text=True) as run:
            time.sleep(moments.uniform(2, 7))
            run.kill()
            assert "Traceback" not in run.communicate()[1]
        if len(read(suite.parent)[0] if (suite.parent / "results").exists() else ()) == len(ALL):
            for path in (suite.parent / "results").glob("*/*.jsonl"):
                path.unlink()
    end = subprocess.run(command, cwd=suite.parent, env=environment, capture_output=True, text=True, check=False)
    assert end.returncode == 0, end.stderr
    done, failed = read(suite.parent)
    assert sorted(done) == sorted(ALL)
    assert failed == []
