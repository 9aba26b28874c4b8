"""Cases in processes of their own: a sweep in which nets raise, die, hang and ask for too much; its parent's death."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from marked import MARK, find_marked
from waiting import wait_for

import vidbench as package
from vidbench.records import Case, Clip, Record
from vidbench.run import isolation
from vidbench.run.isolation import measure_isolated
from vidbench.run.plan import Plan
from vidbench.run.processes import Processes

ROOT = Path(__file__).parents[2]
CLIP = Clip(frames=4, size=32)
MACS = 4 * 81 * 2 * 30 * 30  # of the net below on that clip

NETS = """
import os, signal, subprocess, sys, time
from pathlib import Path
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, act=lambda: None):
        super().__init__()
        self.conv, self.act = nn.Conv3d(3, 4, 3), act

    def forward(self, x):
        if not x.is_meta:
            self.act()
        return self.conv(x).mean((2, 3, 4))

def fail():
    raise ValueError("nothing to see in this clip")

def hang():
    while True:
        pass

def hang_in_company():
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
    Path("hangs").write_text(f"{os.getpid()} {child.pid}")
    hang()

def tell():
    Path("told").write_text(str(os.getpid()))

good1 = good2 = good3 = good4 = good5 = good6 = good7 = good8 = Net
def raises(): return Net(fail)
def dies(): return Net(lambda: os.kill(os.getpid(), signal.SIGSEGV))
def killed(): return Net(lambda: os.kill(os.getpid(), signal.SIGKILL))
def hangs(): return Net(hang)
def hangs_in_company(): return Net(hang_in_company)
def asks(): return Net(lambda: torch.empty(2**46, dtype=torch.uint8))
def leaves(): return Net(lambda: sys.exit("enough"))
def tells(): return Net(tell)
def unmade(): os.abort()
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def nets(folder: Path) -> Path:
    (folder / "trouble.py").write_text(NETS)
    return folder


@pytest.fixture
def mark() -> str:
    """What the environment of a command's processes has, to be found by."""
    return uuid4().hex


@pytest.fixture
def start(nets: Path, mark: str) -> Iterator[Start]:
    """Start `vidbench profile ARGUMENTS...` as a process, in the folder of the nets."""

    def run(*arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", "from vidbench.cli import main; main()", "profile", *arguments]
        return subprocess.Popen(
            command, cwd=nets, env={**os.environ, "PYTHONPATH": str(ROOT), MARK: mark}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    yield run
    for process in find_marked(mark):
        process.kill()


def figures(record: dict[str, object]) -> dict[str, object]:
    return {measurement["metric"]: measurement["value"] for measurement in record["measurements"]}


def test_sweep_with_troubles(start, mark, vidbench):
    """Of 12 cases 8 are measured, as if they were alone; four say what became of them, and no process is left."""
    names = ["good1", "raises", "good2", "dies", "good3", "good4", "hangs", "good5", "asks", "good6", "good7", "good8"]
    process = start(
        *(f"trouble:{name}" for name in names),
        *("--frames", "4", "--size", "32", "--only", "macs,predicted_memory,peak_memory", "--timeout", "8"),
        *("--json", "-"),
    )
    out, err = process.communicate(timeout=300)
    assert process.returncode == 3, err
    assert not find_marked(mark)
    records = [json.loads(line) for line in out.splitlines() if '"case"' in line]
    failures = {r["case"]["model"].partition(":")[2]: r["failure"] for r in records if r["failure"]}
    assert [record["case"]["model"] for record in records] == [f"trouble:{name}" for name in names]
    assert {name: failure["kind"] for name, failure in failures.items()} == {
        "raises": "error", "dies": "crash", "hangs": "timeout", "asks": "oom",
    }  # fmt: skip
    assert "ValueError: nothing to see in this clip" in failures["raises"]["message"]
    assert "SIGSEGV" in failures["dies"]["message"]
    assert "--timeout" in failures["hangs"]["message"]
    assert "77.42 KiB predicted, " in failures["asks"]["message"]
    assert failures["asks"]["message"].endswith(" free")
    assert all(record["conditions"]["isolated"] for record in records)
    # What was counted before the failure is kept, and measured figures are those of a case alone.
    alone = vidbench("profile", "trouble:good1", "--frames", "4", "--size", "32", "--json", "-")
    expected = figures(json.loads(alone.out.splitlines()[-1]))
    for record in records:
        taken = ("macs", "predicted_memory") if record["failure"] else ("macs", "predicted_memory", "peak_memory")
        assert figures(record) == {name: expected[name] for name in taken}


def test_parent_is_killed(start, mark, nets):
    """When the parent is killed in the middle of a case, nothing goes on computing, not even what the net began."""
    process = start("trouble:hangs_in_company", "--frames", "4", "--size", "32", "--only", "latency")
    wait_for(lambda: (nets / "hangs").exists() and (nets / "hangs").read_text().count(" ") == 1)
    pids = {int(pid) for pid in (nets / "hangs").read_text().split()}
    assert pids < {one.pid for one in find_marked(mark)}
    process.kill()
    process.communicate()
    wait_for(lambda: not find_marked(mark))


def test_ends(nets, monkeypatch):
    """A net that ends its process in whatever way is a record with what came before; want of memory is told apart."""

    def measure(name: str) -> Record:
        case = Case(model=f"trouble:{name}", classes=None, frames=4, size=32)
        return measure_isolated(case, [CLIP], Plan(metrics=("macs", "latency")), processes)[0]

    with Processes() as processes:
        left, killed, unmade = measure("leaves"), measure("killed"), measure("unmade")
        counts = iter([7, 8])  # of what the kernel killed for want of memory, before and after
        monkeypatch.setattr(isolation, "count_kills", lambda: next(counts))
        short = measure("killed")
    assert [record.failure.kind for record in (left, killed, unmade, short)] == ["error", "crash", "crash", "oom"]
    assert [record.figure("macs") for record in (left, killed, unmade, short)] == [MACS, MACS, None, MACS]
    assert "SystemExit: enough" in left.failure.message
    assert "SIGKILL" in killed.failure.message
    assert "SIGABRT" in unmade.failure.message
    assert "the system killed its process" in short.failure.message
    assert short.failure.message.endswith(" free")


class TestProfile:
    def test_where_it_is_measured(self, nets):
        """A net by name is measured in a process of its own, unless it is wanted here; threads are this process's."""
        how = {"metrics": ["peak_memory"], "device": "cpu"}
        (record,) = package.profile("trouble:tells", CLIP, **how)
        assert record.failure is None
        assert int((nets / "told").read_text()) != os.getpid()
        package.profile("trouble:tells", CLIP, **how, in_process=True)
        assert int((nets / "told").read_text()) == os.getpid()

    @pytest.mark.usefixtures("nets")
    def test_refusals_come_before_measuring(self):
        """A net that cannot be built is refused as it is in one process, but one that crashes is a record."""
        with pytest.raises(package.VidbenchError, match="trouble has no nothing"):
            package.profile("trouble:nothing", CLIP, metrics=["latency"], device="cpu")
        (record,) = package.profile("trouble:unmade", CLIP, metrics=["latency"], device="cpu")
        assert record.failure.kind == "crash"
