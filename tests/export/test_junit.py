"""The JUnit file: valid, with each verdict as what CI systems make of it."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from runs import judgement_of_all

from vidbench.export.junit import write_junit
from vidbench.gates import Judgement
from vidbench.store import Results

SCHEMA = Path(__file__).parents[1] / "data" / "junit.xsd"


@pytest.fixture(scope="module")
def schema():
    return xmlschema.XMLSchema(SCHEMA)


def test_valid(schema):
    """It is valid against the schema, whatever a message holds; and so is a gate without a check."""
    schema.validate(write_junit(judgement_of_all()))
    schema.validate(write_junit(Judgement(checks=(), new=Results())))
    assert not schema.is_valid("<testsuites><testsuite/></testsuites>")


def test_outcomes():
    """A suite a case, a test a metric: regressions fail, what could not be measured is an error, or skipped."""
    root = ET.fromstring(write_junit(judgement_of_all()))  # noqa: S314
    assert [suite.get("name") for suite in root] == [f"x3d-m {frames}x224 cuda:0" for frames in (16, 8, 4, 32)]
    found = {(case.get("classname"), case.get("name")): [part.tag for part in case] for case in root.iter("testcase")}
    assert found["vidbench.x3d-m 16x224 cuda:0", "latency"] == ["failure"]
    assert found["vidbench.x3d-m 16x224 cuda:0", "macs"] == ["system-out"]
    assert found["vidbench.x3d-m 8x224 cuda:0", "latency"] == ["skipped"]
    assert found["vidbench.x3d-m 4x224 cuda:0", "measured"] == ["error"]
    assert found["vidbench.x3d-m 32x224 cuda:0", "measured"] == ["error"]
    counts = {name: int(root.get(name)) for name in ("tests", "failures", "errors")}
    assert counts == {"tests": 6, "failures": 1, "errors": 2}
    assert [suite.get("skipped") for suite in root] == ["0", "1", "0", "0"]
    message = next(root.iter("error")).get("message")
    assert "died | at 100%" in message
    assert "<b>\N{REPLACEMENT CHARACTER}&" in message
