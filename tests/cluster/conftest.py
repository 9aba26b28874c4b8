"""A real Slurm of two nodes for a worker's tests, and the suites that they hand to it."""

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from waiting import wait_for

ROOT = Path(__file__).parents[2]


def load_script() -> ModuleType:
    """tests/cluster/slurm.py, which is a script beside this file."""
    spec = importlib.util.spec_from_file_location("two_nodes", Path(__file__).with_name("slurm.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Cluster:
    """Two nodes, n1 and n2, with a GPU of another kind each (which are none), and what happens to clusters."""

    script: ModuleType
    folder: Path

    def run(self, *command: str) -> str:
        """What one of Slurm's commands prints."""
        return subprocess.run(command, env=os.environ, capture_output=True, text=True, check=True).stdout

    def preempt(self, node: str) -> None:
        """Have a job of more importance take the place of what runs there, for a moment."""
        self.run("sbatch", "-p", self.script.URGENT, "-w", node, "--exclusive", "-o", "/dev/null", "--wrap", "sleep 1")

    def lose(self, node: str) -> None:
        """Have a node fail; Slurm, which would find out by itself after a while, is told."""
        self.script.kill_node(self.folder, node)
        self.run("scontrol", "update", f"nodename={node}", "state=down", "reason=test")

    def bring_back(self, node: str) -> None:
        """Have a node that failed come back."""
        self.script.start_node(self.folder, node)

    def drain(self, *nodes: str) -> None:
        for node in nodes:
            self.run("scontrol", "update", f"nodename={node}", "state=drain", "reason=test")

    def resume(self, node: str) -> None:
        self.run("scontrol", "update", f"nodename={node}", "state=resume")

    def tidy(self) -> None:
        """End all jobs, and have both nodes be as at the start."""
        self.run("scancel", "--user=root")
        for node in self.script.NODES:
            state = self.run("sinfo", "-h", "-N", "-n", node, "-o", "%t").lower()
            if "down" in state:
                self.bring_back(node)
            elif "drain" in state:
                self.resume(node)
        wait_for(lambda: not self.run("squeue", "-h"))
        self.script.wait_for_nodes(dict(os.environ))


@pytest.fixture(scope="session")
def daemons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Slurm of this worker's own."""
    pytest.importorskip("submitit")
    two_nodes = load_script()
    if reason := two_nodes.lacks():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("slurm")
    two_nodes.start(folder)
    yield Cluster(two_nodes, folder)
    two_nodes.stop(folder)


@pytest.fixture
def cluster(daemons: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """That Slurm, for commands from an empty current folder; jobs are gone and nodes are back afterwards."""
    monkeypatch.setenv("SLURM_CONF", str(daemons.folder / "slurm.conf"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yield daemons
    daemons.tidy()
