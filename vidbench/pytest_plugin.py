"""The pytest fixture `vidbench_gate`: fails a test when a net has become worse than its baseline by more than a limit.

torch is loaded when the fixture is first called, not when tests are collected.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from vidbench.gates import Judgement
    from vidbench.records import Case
    from vidbench.store import Results


@pytest.fixture
def vidbench_gate() -> "Callable[..., Judgement]":
    """Measure a net and judge it: `vidbench_gate("x3d-m", "baseline.jsonl", latency="5%")`; see `check`."""
    return check


def check(
    model: str,
    baseline: str,
    *,
    where: Mapping[str, Any] | None = None,
    runs: int = 10,
    most: int = 20,
    timeout: float = 600.0,
    **limits: str | float | None,
) -> "Judgement":
    """Measure the cases that the baseline has of the model, each run in a process of its own, and judge them.

    The test fails at a regression, where something could not be measured, and where there is no baseline. It is
    skipped where the gate is inconclusive, for that says nothing about the net; `pytest -rs` shows why.

    Args:
        model: as the baseline's cases have it: a variant's name, or `package.module:factory`.
        baseline: a file, a folder or `git:REV:PATH`, as `vidbench gate --baseline` takes it.
        where: fields of the cases to measure, such as {"frames": 16}; default is all cases of the model.
        runs: of each case at first.
        most: runs of a case after which it is not measured again.
        timeout: seconds after which a run is ended, and has failed.
        limits: by metric, in place of the usual ones: "5%", 0.05, 0, or None for as much as it likes.
    """
    __tracebackhide__ = True
    from vidbench.cli.limits import parse_limit
    from vidbench.errors import VidbenchError
    from vidbench.gates import LIMITS, Limits, Rules, judge, list_limited
    from vidbench.gates.baselines import read_baseline
    from vidbench.store import Results

    try:
        bounds = Limits({**LIMITS, **{name: parse_limit(name, str(limit)) for name, limit in limits.items()}})
        before = _choose(read_baseline(baseline), model, where or {}, baseline)
        cases = list(dict.fromkeys(replace(record.case, repeat=0) for record in before.records))

        from vidbench.run.again import Again

        again = Again(list_limited(bounds, before.records), timeout=timeout)
        taken = list(again(cases, runs))
        new = Results(tuple(record for record, _ in taken), {record.environment: place for record, place in taken})
        judgement = judge(before, new, bounds, remeasure=again, rules=Rules(most=most))
    except VidbenchError as error:
        pytest.fail(f"vidbench: {error}", pytrace=False)
    _tell(judgement, cases)
    return judgement


def _choose(baseline: "Results", model: str, where: Mapping[str, Any], name: str) -> "Results":
    """The baseline's runs of these cases.

    Raises:
        NoBaselineError: it has none.
    """
    from vidbench.errors import NoBaselineError
    from vidbench.store import Results

    chosen = [
        record
        for record in baseline.records
        if record.case.model == model and all(getattr(record.case, key, None) == value for key, value in where.items())
    ]
    if not chosen:
        wanted = " ".join([model, *(f"{key} {value}" for key, value in where.items())])
        raise NoBaselineError(f"the baseline {name} has no case of {wanted}; `vidbench baseline update` adds it")
    return Results(tuple(chosen), baseline.environments)


def _tell(judgement: "Judgement", cases: "Sequence[Case]") -> None:
    """End the test with the verdict's sentences, unless all cases passed."""
    __tracebackhide__ = True
    sentences = [check.sentence for check in judgement.checks if check.verdict != "pass"]
    if judgement.verdict == "inconclusive":
        pytest.skip("; ".join(sentences))
    if judgement.verdict != "pass":
        pytest.fail("\n".join(sentences) or f"nothing of {len(cases)} cases has a limit", pytrace=False)
