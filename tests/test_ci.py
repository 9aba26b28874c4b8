"""docs/ci.md: its workflow is valid, its commands are ones that there are, its table of verdicts is the program's."""

import re
import shlex
from pathlib import Path

import jsonschema
import pytest
from check_jsonschema.builtin_schemas import get_builtin_schema
from ruamel.yaml import YAML
from typer.main import get_command

from vidbench.cli import app
from vidbench.gates import EXIT_CODES

PAGE = (Path(__file__).parents[1] / "docs" / "ci.md").read_text()
(WORKFLOW,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
COMMANDS = [
    line.partition("#")[0].strip()
    for block in re.findall(r"```(?:sh|yaml)\n(.*?)```", PAGE, re.S)
    for line in re.findall(r"(?:^|run: |^ +|bin/)(vidbench (?!-e).*)", block.replace("\\\n", " "), re.M)
]


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
    context = get_command(app).make_context("vidbench", shlex.split(command)[1:])
    while getattr(context.command, "commands", None):
        name, *rest = context._protected_args + context.args  # how click hands them on
        context = context.command.commands[name].make_context(name, rest, parent=context)
    assert context.params


def test_commands_are_found():
    """The test above has the page's commands, those of the workflow among them."""
    assert len(COMMANDS) == 11
    assert sum(command.startswith("vidbench gate") for command in COMMANDS) == 3


def test_verdicts():
    """The verdicts with their exit codes."""
    rows = re.findall(r"^\| ([a-z ]+) \| (\d) \|", PAGE, re.M)
    assert {verdict: int(code) for verdict, code in rows} == EXIT_CODES
