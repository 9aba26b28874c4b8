"""What a gate says as JUnit XML, which CI systems show as test results: a test suite a case, a test a metric."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal
from xml.etree import ElementTree as ET

from vidbench.comparison.pairs import label
from vidbench.gates import Check, Judgement, Verdict

Outcome = Literal["failure", "error", "skipped"]
OUTCOMES: Mapping[Verdict, Outcome | None] = {
    "regression": "failure",
    "could not measure": "error",
    "no baseline": "error",
    "inconclusive": "skipped",
    "pass": None,
}
_NOT_XML = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(judgement: Judgement) -> str:
    """The document; what is inconclusive is skipped, and why stands in its message."""
    suites: dict[str, list[Check]] = {}
    for check in judgement.checks:
        suites.setdefault(label(check.case), []).append(check)
    root = ET.Element("testsuites", _count(judgement.checks, "vidbench gate"))
    for name, checks in suites.items():
        suite = ET.SubElement(root, "testsuite", _count(checks, name, skipped=True))
        for check in checks:
            _write_check(suite, name, check)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False, short_empty_elements=True) + "\n"


def _write_check(suite: ET.Element, name: str, check: Check) -> None:
    place = {"classname": f"vidbench.{_clean(name)}", "name": check.metric or "measured"}
    case = ET.SubElement(suite, "testcase", place)
    outcome = OUTCOMES[check.verdict]
    sentence = _clean(check.sentence)
    if outcome == "skipped":
        ET.SubElement(case, "skipped", {"message": sentence})
    elif outcome:
        ET.SubElement(case, outcome, {"type": check.verdict, "message": sentence}).text = sentence
    else:
        ET.SubElement(case, "system-out").text = sentence


def _count(checks: Sequence[Check], name: str, *, skipped: bool = False) -> dict[str, str]:
    found = Counter(OUTCOMES[check.verdict] for check in checks)
    counts = {"tests": len(checks), "failures": found["failure"], "errors": found["error"]}
    counts |= {"skipped": found["skipped"]} if skipped else {}
    return {"name": _clean(name), **{key: str(count) for key, count in counts.items()}}


def _clean(text: str) -> str:
    """Without the characters that no XML document may have."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
