"""The fixture `vidbench_gate`: a test of a user's, run by a pytest of its own, and what each verdict makes of it."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from examples import environment
from runs import around, fallen, results, timed

from vidbench.gates.baselines import write_baseline
from vidbench.pytest_plugin import check
from vidbench.run import again
from vidbench.run.again import Again

ROOT = Path(__file__).parents[1]
NETS = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, 10))
"""
TESTS = """
import sys
LOADED = "torch" in sys.modules

def test_torch_is_not_loaded_for_collecting():
    assert not LOADED

def test_same(vidbench_gate):
    assert vidbench_gate("gated:Net", "baseline.jsonl", runs=5, peak_memory="50%").verdict == "pass"

def test_no_baseline(vidbench_gate):
    vidbench_gate("gated:Other", "baseline.jsonl")
"""


def test_for_real(vidbench, folder):
    """A net is measured in processes of its own and held against its baseline; what has none fails its test."""
    (folder / "gated.py").write_text(NETS)
    (folder / "test_speed.py").write_text(TESTS)
    for _ in range(5):
        vidbench("profile", "gated:Net", "--frames", "4", "--size", "32", "--device", "cpu",
            "--only", "macs,peak_memory", "--json", "main.jsonl")  # fmt: skip
    vidbench("baseline", "update", "main.jsonl")
    paths = os.pathsep.join([str(ROOT), str(folder)])
    settings = {**os.environ, "PYTHONPATH": paths, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-P", "-m", "pytest", "-p", "vidbench.pytest_plugin", "-q", "-rA"]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout, done.stdout
    assert "1 failed" in done.stdout
    assert "the baseline baseline.jsonl has no case of gated:Other" in done.stdout


@pytest.fixture
def measured(folder, monkeypatch):
    """A baseline, and what measuring gives from then on: a latency, or a crash for None."""
    write_baseline(results(*timed(around(0.02)), *timed([1.0], frames=8)), folder / "baseline.jsonl", [])

    def use(middle):
        class Told(Again):
            def __call__(self, cases, rounds):
                assert [case.frames for case in cases] == [16]
                runs = [fallen()] if middle is None else timed(around(middle, rounds))
                return iter([(record, environment()) for record in runs])

        monkeypatch.setattr(again, "Again", Told)

    return use


@pytest.mark.parametrize(
    ("middle", "limits", "outcome", "message"),
    [
        (0.02, {}, None, None),
        (0.03, {"latency": "60%"}, None, None),
        (0.03, {}, "Failed", r"x3d-m 16x224 cuda:0 latency: regression: \+50\.0%"),
        (0.03, {"latency": 0.1}, "Failed", "limit 10.0%"),
        (0.0203, {}, "Skipped", "inconclusive"),
        (None, {}, "Failed", "could not measure: 1 of 1 runs failed: SIGABRT"),
    ],
)
def test_verdicts(measured, middle, limits, outcome, message):
    """A regression and what could not be measured fail a test, the inconclusive skips it."""
    measured(middle)
    if outcome is None:
        assert check("x3d-m", "baseline.jsonl", where={"frames": 16}, **limits).verdict == "pass"
        return
    expected = {"Failed": pytest.fail.Exception, "Skipped": pytest.skip.Exception}[outcome]
    with pytest.raises(expected, match=message):
        check("x3d-m", "baseline.jsonl", where={"frames": 16}, **limits)


@pytest.mark.parametrize(
    ("baseline", "limits", "message"),
    [
        ("nothing.jsonl", {}, "there is no baseline nothing.jsonl"),
        ("baseline.jsonl", {"where": {"frames": 99}}, "no case of x3d-m frames 99"),
        ("baseline.jsonl", {"speed": "5%"}, "no metric"),
        ("baseline.jsonl", {"latency": "fast"}, "takes a share"),
    ],
)
def test_refusals(measured, baseline, limits, message):
    """A missing baseline and a wrong limit fail the test with one message."""
    measured(0.02)
    with pytest.raises(pytest.fail.Exception, match=message):
        check("x3d-m", baseline, **limits)


def test_registered():
    """Installing vidbench registers the plugin with pytest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"vidbench": "vidbench.pytest_plugin"}
