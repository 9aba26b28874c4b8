"""docs/ci.md: its workflow is valid, its commands are ones that there are, its table of verdicts is the program's."""

import importlib.util
import random
import re
from pathlib import Path

import jsonschema
import pytest
from check_jsonschema.builtin_schemas import get_builtin_schema
from commands import find_commands, resolve
from ruamel.yaml import YAML

from vidbench.gates import EXIT_CODES

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "ci.md").read_text()
(WORKFLOW,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
COMMANDS = find_commands(PAGE)


def load_benchmark(name: str):
    """A script of benchmarks/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def validator():
    return jsonschema.Draft7Validator(get_builtin_schema("vendor.github-workflows"))


def test_workflow(validator):
    """The workflow is one by GitHub's schema, which would refuse a misspelt key."""
    found = YAML(typ="safe").load(WORKFLOW)
    validator.validate(found)
    assert set(found["jobs"]) == {"counted", "timed"}
    found["jobs"]["timed"]["run-on"] = found["jobs"]["timed"].pop("runs-on")
    assert not validator.is_valid(found)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command):
    """Every command of the page is one that there is, with options that it has."""
    assert resolve(command).params


def test_commands_are_found():
    """The test above has the page's commands, those of the workflow among them."""
    assert len(COMMANDS) == 11
    assert sum(command.startswith("vidbench gate") for command in COMMANDS) == 3


def test_verdicts():
    """The verdicts with their exit codes."""
    rows = re.findall(r"^\| ([a-z ]+) \| (\d) \|", PAGE, re.M)
    assert {verdict: int(code) for verdict, code in rows} == EXIT_CODES


def test_power():
    """The table of what the gate finds is what was kept of the processes that were measured."""
    rows = re.findall(r"^\| ([\d.]+%) \|((?: [\d.]+%(?: \([\d.]+\))? \|){5})$", PAGE, re.M)
    kept = (ROOT / "results" / "amd-epyc-2cpus" / "gate-power.txt").read_text()
    part = r"% slower: regression ([\d.]+%), pass ([\d.]+%), inconclusive [\d.]+%; ([\d.]+) new runs"
    assert len(rows) == 8
    for spread, cells in rows:
        (line,) = re.findall(rf"^  {re.escape(spread)}: .*$", kept, re.M)
        same, three, five = re.findall(part, line)
        told = [same[0], f"{same[1]} ({same[2]})", f"{three[0]} ({three[2]})", f"{five[0]} ({five[2]})", five[1]]
        assert [cell.strip() for cell in cells.split("|")[:5]] == told


def test_power_as_measured():
    """So is what the page says beside its table: how far apart the processes lay, and what the gate made of them."""
    kept = (ROOT / "results" / "amd-epyc-2cpus" / "gate-power.txt").read_text()
    prose = " ".join(PAGE.split())
    spreads = [float(spread) for spread in re.findall(r": 20 processes, spread ([\d.]+)%", kept)]
    assert len(spreads) == 20
    assert f"processes of one case lay {min(spreads):.0f} to {max(spreads):.0f}% apart" in prose
    found = re.search(r"identical pairs, measuring again: regression 0\.0%, .* inconclusive ([\d.]+)%", kept)
    assert f"1,000 identical pairs it called none a regression, and {float(found[1]):.0f}% inconclusive" in prose


def test_alternation():
    """So is what it says of `compare --run`."""
    kept = (ROOT / "results" / "amd-epyc-2cpus" / "alternation.txt").read_text()
    tries = re.findall(r"^slower: (\w+), .* (\d+) rounds$", kept, re.M)
    right, rounds = sum(verdict == "slower" for verdict, _ in tries), [int(count) for _, count in tries]
    told = f"found in {right} of {len(tries)} tries, in {min(rounds)} to {max(rounds)} rounds"
    assert kept.startswith("slower by 5.0%;")
    assert f"a net slower by 5% was {told}" in " ".join(PAGE.split())


@pytest.mark.parametrize(("slower", "verdict", "least"), [(0.0, "pass", 0.9), (0.03, "regression", 0.8)])
def test_power_again(slower, verdict, least):
    """A hundred trials on those processes, shrunk to a spread of 1%, say what the page says of a thousand."""
    power = load_benchmark("gate_power")
    cases = power.read_processes(ROOT / "results" / "amd-epyc-2cpus" / "gate-power.jsonl")
    rng = random.Random(3)  # noqa: S311
    draws = [power.draw_from(processes, rng, power.QUIET) for processes in cases.values()]
    assert len(draws) == 20
    assert power.score(draws, slower, 100).share(verdict) >= least
