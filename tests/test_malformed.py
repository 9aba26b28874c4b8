"""Files that are almost suites or results are refused with their place, and never with a traceback."""

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vidbench.cli import main

ROOT = Path(__file__).parents[1]
SUITE = (ROOT / "suites" / "smoke.toml").read_text()
LINES = (ROOT / "results" / "amd-epyc-2cpus" / "families.jsonl").read_text().splitlines()[:3]
EXAMPLES = int(os.environ.get("VIDBENCH_EXAMPLES", "200"))  # of each kind; more take minutes
SETTINGS = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
SCRAPS = [
    "",
    "[",
    "]",
    "{",
    "}",
    '"',
    "=",
    ",",
    "0",
    "-1",
    "1e999",
    "nan",
    "null",
    "true",
    "\x00",
    "é",
    "\n",
    "[[cases]]",
]
JUNK: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("5%"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def run(*arguments: str) -> tuple[int, str]:
    """The exit code and what is on stderr."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["vidbench", *arguments])
        with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(io.StringIO()):
            try:
                main()
            except SystemExit as end:
                return int(end.code or 0), printed.getvalue()
    raise AssertionError("a command ends by its exit code")


def mutate(text: str, cuts: list[tuple[float, int, str]]) -> str:
    """The text with scraps in place of some of its letters."""
    for place, length, scrap in cuts:
        at = int(place * len(text))
        text = text[:at] + scrap + text[at + length :]
    return text


CUTS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), st.sampled_from(SCRAPS)), min_size=1, max_size=4)


@SETTINGS
@given(cuts=CUTS)
def test_suites(tmp_path_factory, cuts):
    """Whatever is wrong with a suite: exit code 2, and a message with the file and a line."""
    path = tmp_path_factory.getbasetemp() / "mutated.toml"
    path.write_text(mutate(SUITE, cuts), encoding="utf-8")
    code, said = run("run", str(path), "--dry-run", "--device", "tpu")  # the device ends what is a suite after all
    assert code == 2, said
    assert said.startswith("vidbench: ")
    told = path.name in said and ("line" in said or "at end of document" in said or "leave no case" in said)
    assert told or "there are auto, cpu, cuda" in said, said


def put(value: Any, path: list[int], junk: Any) -> Any:
    """The value with junk at the place that a path of numbers leads to."""
    if not path or not isinstance(value, dict | list) or not value:
        return junk
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[path[0] % len(keys)]
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[key] = put(value[key], path[1:], junk)
    return changed


@SETTINGS
@given(
    line=st.integers(0, 2), path=st.lists(st.integers(0, 30), min_size=1, max_size=5), junk=JUNK, cuts=CUTS | st.none()
)
def test_results(tmp_path_factory, line, path, junk, cuts):
    """Whatever is wrong with a result file: it is shown as far as it says something, or refused with its line."""
    lines = list(LINES)
    lines[line] = json.dumps(put(json.loads(lines[line]), path, junk))
    if cuts:
        lines[line] = mutate(lines[line], cuts)
    file = tmp_path_factory.getbasetemp() / "mutated.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogatepass")
    for arguments in (["show", str(file)], ["export", str(file), "--to", "csv"]):
        code, said = run(*arguments)
        assert code in (0, 2), said
        assert code == 0 or (said.startswith("vidbench: ") and file.name in said), said
