"""A real Slurm of two nodes for a worker's tests, and the suites that they hand to it."""

import importlib.util
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def load_script():
    """tests/cluster/slurm.py, which is a script beside this file."""
    spec = importlib.util.spec_from_file_location("two_nodes", Path(__file__).with_name("slurm.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def daemons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which Slurm's commands find two idle nodes."""
    pytest.importorskip("submitit")
    two_nodes = load_script()
    if reason := two_nodes.lacks():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("slurm")
    yield two_nodes.start(folder)
    two_nodes.stop(folder)


@pytest.fixture
def cluster(daemons: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Run one of Slurm's commands, from an empty current folder; jobs are gone and nodes are back afterwards."""
    monkeypatch.setenv("SLURM_CONF", daemons["SLURM_CONF"])
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def run(*command: str) -> str:
        return subprocess.run(command, env=os.environ, capture_output=True, text=True, check=True).stdout

    yield run
    run("scancel", "--user=root")
    for node in ("n1", "n2"):
        if "drain" in run("sinfo", "-h", "-N", "-n", node, "-o", "%t").lower():
            run("scontrol", "update", f"nodename={node}", "state=resume")
