"""`vidbench run --launcher slurm` on a real Slurm: every record there once, whatever becomes of jobs and followers."""

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from net_source import NET
from waiting import wait_for

from vidbench.metrics import METRICS
from vidbench.store import read_all
from vidbench.suites.files import find_suite

COMMITTED = Path(__file__).parents[2] / "results" / "amd-epyc-2cpus"
NETS = """
import os
import signal
import time
from pathlib import Path

class Slow(Net):
    def forward(self, x):
        while Path("held").exists() and not x.is_meta:
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
Slower = Slow
"""
SUITE = """
metrics = ["params", "macs", "peak_memory"]
"""
CASES = """
[[cases]]
models = [{models}]
frames = 4
size = 32
device = "{device}"
"""
LAUNCH = ("--launcher", "slurm", "--poll", "0.5", "--time", "10")
TWO_CASES = ("--job-time", "13")  # a job, as each is thought to take 6 s
VIDBENCH = (sys.executable, "-c", "from vidbench.cli import main; main()", "run")


@pytest.fixture
def suite(cluster, folder):
    """Write a suite of some of the nets, by device."""

    def write(*models: str, **others: str) -> str:
        (folder / "small.py").write_text(NET + NETS)
        text = SUITE
        for device, names in {"cpu": models, **{device: [name] for device, name in others.items()}}.items():
            text += CASES.format(models=", ".join(f'"small:{name}"' for name in names), device=device)
        (folder / "mine.toml").write_text(text)
        return str(folder / "mine.toml")

    return write


@dataclass(frozen=True)
class Begun:
    """A job that is in the middle of a case: its number, which attempt it is, where, and as what it is known."""

    number: int
    attempt: int
    node: str
    job: str
    pid: int


def find_begun(folder: Path) -> dict[str, Begun]:
    """The jobs that are in the middle of a case, by its net."""
    found = {}
    for path in sorted((folder / "results" / "sweeps").glob("*/jobs/*.journal")):
        number, attempt = map(int, path.stem.split("."))
        lines = read_lines(path)
        if lines and "begin" in lines[-1] and not path.with_stem(f"{number:04}.{attempt + 1}").exists():
            cases = json.loads(path.with_name(f"{number:04}.json").read_text())
            model = cases[lines[-1]["begin"]]["case"]["model"].removeprefix("small:")
            found[model] = Begun(number, attempt, lines[0]["node"], lines[0]["job"], lines[0]["pid"])
    return found


def read_lines(path: Path):
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def read_journal(folder: Path, job: Begun):
    (path,) = (folder / "results" / "sweeps").glob(f"*/jobs/{job.number:04}.{job.attempt}.journal")
    return read_lines(path)


def count_attempts(folder: Path, number: int) -> int:
    return len(list((folder / "results" / "sweeps").glob(f"*/jobs/{number:04}.*.journal")))


def read(folder: Path):
    """How often each case is measured, or has failed, in the merged files."""
    records = read_all([folder / "results"]).records
    done, failed = (
        Counter(one.case.model.removeprefix("small:") for one in records if bool(one.failure) is fell)
        for fell in (False, True)
    )
    return dict(done), dict(failed)


def name_run(folder: Path) -> str:
    (path,) = (folder / "results" / "sweeps").iterdir()
    return path.name


def test_smoke_suite(vidbench, cluster, folder):
    """It comes back complete, from both nodes, and equal in every exact figure; a job was told its time is over.

    Its times, which are not compared, are taken less well than the suite asks for.
    """

    def find_measured():
        journals = {path: read_lines(path) for path in (folder / "results" / "sweeps").glob("*/jobs/*.1.journal")}
        return next((lines[0]["job"] for lines in journals.values() if any("end" in line for line in lines)), None)

    text, found = re.subn("^precision = .*", 'precision = "50%"', find_suite("smoke").read_text(), flags=re.M)
    assert found == 1
    (folder / "smoke.toml").write_text(text)
    done = vidbench("run", "smoke.toml", *LAUNCH, "--job-time", "40")
    assert done.code == 0, done.err
    cluster.run("scancel", "--signal=USR2", wait_for(find_measured))
    done = vidbench("run", "--attach", name_run(folder), "--poll", "0.5")
    assert done.code == 0, done.err
    assert "7 of 7 cases" in done.err
    there = read_all([folder / "results"]).records
    assert {record.conditions["node"] for record in there} == {"n1", "n2"}
    assert len(list((folder / "results" / "sweeps").glob("*/jobs/*.2.journal"))) == 1

    def exact(records):
        return {
            record.case: {m.metric: m.value for m in record.measurements if METRICS[m.metric].kind == "exact"}
            for record in records
        }

    here = read_all(sorted(COMMITTED.glob("smoke-*.jsonl"))[-1:]).records
    assert exact(there) == exact(here)
    assert len(there) == len(here) == 7


def test_each_gpu_kind(vidbench, suite, folder):
    """The suite is run on each kind that the nodes report; records carry it, and tables compare them."""
    path = suite("one")
    done = vidbench("run", path, *LAUNCH, "--each-gpu-kind", "--follow")
    assert done.code == 0, done.err
    assert "1 of the cases measure the CPU of such nodes" in done.err
    assert "each case on 2 kinds of GPU: a100 (1 node), v100 (1 node)" in done.out
    assert "2 of 2 cases" in done.err
    found = [(record.gpu_kind, record.conditions["node"]) for record in read_all(["results"]).records]
    assert sorted(found) == [("a100", "n1"), ("v100", "n2")]
    shown = vidbench("show", "--cols", "device", "--value", "params")
    assert shown.code == 0, shown.err
    assert re.search(r"gpu_kind a100 +gpu_kind v100\n", shown.out)
    assert re.search(r"small:one +\d\S+ +\d\S+\n", shown.out)

    (merged,) = (folder / "results").glob("*/mine-*.jsonl")
    kept = [line for line in merged.read_text().splitlines(keepends=True) if '"gpu_kind": "v100"' not in line]
    merged.write_text("".join(kept))
    done = vidbench("run", path, *LAUNCH, "--each-gpu-kind", "--follow", "--resume")
    assert done.code == 0, done.err
    assert "1 measured before" in done.err
    assert Counter(record.gpu_kind for record in read_all(["results"]).records) == {"a100": 1, "v100": 1}


def test_killed_and_preempted(vidbench, suite, folder, cluster):
    """A worker is killed, a job loses its node to one of more importance, and so is who follows: all there once."""
    (folder / "held").touch()
    path = suite("one", "Slow", "two", "Slower")
    with subprocess.Popen([*VIDBENCH, path, *LAUNCH, *TWO_CASES, "--follow"], cwd=folder) as run:
        wait_for(lambda: len(find_begun(folder).keys() & {"Slow", "Slower"}) == 2)
        run.kill()
    begun = find_begun(folder)
    cluster.preempt(begun["Slower"].node)
    os.kill(begun["Slow"].pid, signal.SIGKILL)
    wait_for(lambda: "stop" in read_journal(folder, begun["Slower"])[-1])
    (folder / "held").unlink()
    done = vidbench("run", "--attach", name_run(folder).rpartition("-")[2], "--poll", "0.5")
    assert done.code == 0, done.err
    assert read(folder) == ({"one": 1, "Slow": 1, "two": 1, "Slower": 1}, {})
    assert [count_attempts(folder, begun[net].number) for net in ("Slow", "Slower")] == [2, 2]
    assert read_journal(folder, begun["Slower"])[-1] == {"stop": 1, "fell": False}


def test_lost_node(vidbench, suite, folder, cluster):
    """Its job is begun again on the other one, after what was measured; what the lost one still did counts once."""
    (folder / "held").touch()
    assert vidbench("run", suite("one", "Slow"), *LAUNCH).code == 0
    lost = wait_for(lambda: find_begun(folder).get("Slow"))
    cluster.lose(lost.node)
    again = wait_for(lambda: (job := find_begun(folder).get("Slow")) and job.attempt == 2 and job)
    assert again.node != lost.node
    (folder / "held").unlink()
    done = vidbench("run", "--attach", name_run(folder), "--poll", "0.5")
    assert done.code == 0, done.err
    wait_for(lambda: "end" in read_journal(folder, lost)[-1])  # cut off from Slurm, it went on
    assert read(folder) == ({"one": 1, "Slow": 1}, {})
    cluster.bring_back(lost.node)
    assert vidbench("run", "--attach", name_run(folder), "--poll", "0.5").code == 0
    assert read(folder) == ({"one": 1, "Slow": 1}, {})


def test_cancelled(vidbench, suite, folder, cluster):
    """Jobs that are cancelled are not begun again: what they measured is merged, --resume has what is missing."""
    (folder / "held").touch()
    assert vidbench("run", suite("one", "Slow", "two", "Slower"), *LAUNCH, *TWO_CASES).code == 0
    wait_for(lambda: len(find_begun(folder).keys() & {"Slow", "Slower"}) == 2)
    name = name_run(folder)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*VIDBENCH, "--attach", name], cwd=folder, **pipes) as left:
        assert "2 of 4 cases" in left.stderr.readline()
        left.send_signal(signal.SIGINT)
        out, err = left.communicate()
    assert left.returncode == 130
    assert "2 records in results/" in out
    assert "it goes on" in err
    cluster.run("scancel", find_begun(folder)["Slow"].job)
    wait_for(lambda: "Slow" not in find_begun(folder))
    assert "Slower" in find_begun(folder)
    done = vidbench("run", "--attach", name, "--cancel", "--poll", "0.5")
    assert done.code == 3
    assert "jobs 0, 1 ended before their cases were done (CANCELLED); see results/sweeps/" in done.err
    assert f"2 cases are missing; vidbench run --attach {name} --resume" in done.err
    assert read(folder) == ({"one": 1, "two": 1}, {})
    assert cluster.run("squeue", "-h", "-t", "running,pending") == ""
    assert "nothing to cancel" in vidbench("run", "--attach", name, "--cancel", "--poll", "0.5").err
    (folder / "held").unlink()
    done = vidbench("run", "--attach", name, "--resume", "--poll", "0.5")
    assert done.code == 0, done.err
    assert "2 jobs that had ended too early handed to Slurm again" in done.err
    assert read(folder) == ({"one": 1, "Slow": 1, "two": 1, "Slower": 1}, {})


def test_drained_nodes_and_what_cannot_be_measured(suite, folder, cluster):
    """Jobs wait with Slurm's reason for a node to be back; a case that takes its job down twice is not tried again."""
    cluster.drain("n1", "n2")
    path = suite("Deadly", "one", cuda="one")
    command = [*VIDBENCH, path, *LAUNCH, "--follow"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=folder) as run:
        said = ""
        while "2 jobs waiting (" not in said:
            said = run.stderr.readline()
            assert said
        assert "DRAIN" in said.upper() or "ReqNodeNotAvail" in said  # as its release has it
        cluster.resume("n2")
        assert wait_for(lambda: find_begun(folder).get("Deadly")).node == "n2"
        cluster.resume("n1")
        _, err = run.communicate()
    assert run.returncode == 3
    assert read(folder) == ({"one": 1}, {"Deadly": 1})
    (failed,) = [record for record in read_all([folder / "results"]).records if record.failure]
    assert failed.failure.kind == "crash"
    assert "twice, on n" in failed.failure.message
    assert "job 1 cannot be measured: no CUDA device can be used here" in err


def test_refused_by_slurm(vidbench, suite, folder):
    """What Slurm refuses is one message in its words, and leaves nothing behind."""
    done = vidbench("run", suite("one"), *LAUNCH, "--partition", "nowhere")
    assert done.code == 3
    assert "Slurm does not take the jobs: sbatch: error: " in done.err
    assert not list((folder / "results" / "sweeps").iterdir())
    done = vidbench("run", suite("one"), *LAUNCH, "--partition", "nowhere", "--each-gpu-kind")
    assert done.code == 2
    assert "no node of partition nowhere has a GPU" in done.err
