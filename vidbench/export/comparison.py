"""A comparison, and what a gate says, each as one JSON object in base units; what is unknown is null."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from vidbench.metrics import METRICS

if TYPE_CHECKING:
    from vidbench.comparison.changes import Comparison  # it loads numpy, which gates do without
    from vidbench.gates import Judgement


def write_comparison(comparison: "Comparison") -> str:
    """`changes` a case and metric, cases of one side alone, and `notes`."""
    changes = [
        {**asdict(change), "interval": change.interval and [change.interval.low, change.interval.high]}
        | {"unit": _unit(change.metric)}
        for change in comparison.changes
    ]
    alone = {side: [asdict(case) for case in getattr(comparison, side)] for side in ("only_old", "only_new")}
    return _dump({"changes": changes, **alone, "notes": comparison.notes})


def write_judgement(judgement: "Judgement", notes: Sequence[str] = ()) -> str:
    """The gate's `verdict` and `exit_code`, its `checks` with their sentences, and `notes`."""
    checks = [{**asdict(check), "unit": _unit(check.metric), "sentence": check.sentence} for check in judgement.checks]
    return _dump(
        {"verdict": judgement.verdict, "exit_code": judgement.exit_code, "checks": checks, "notes": list(notes)}
    )


def _unit(metric: str) -> str | None:
    return METRICS[metric].unit if metric else None


def _dump(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
