"""Explanations as one JSON object, or as tidy CSV: base units, every derived figure beside the raw ones.

Schema history of the JSON:
    1  first version
"""

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from vidbench.explain.comparison import Comparison, Row
from vidbench.explain.explanation import Explanation, Kind, Operator, Part, Work
from vidbench.explain.findings import name_kind
from vidbench.metrics import MACS_CONVENTION
from vidbench.table import CASE_COLUMNS

SCHEMA = 1

WORK_COLUMNS = (
    *(field.name for field in fields(Work) if field.name != "seconds"),
    "bytes",
    "seconds",
    "share_of_macs",
    "share_of_bytes",
    "share_of_time",
    "macs_per_byte",
    "macs_per_second",
    "bytes_per_second",
    "share_of_peak",
    "share_of_bandwidth",
    "bound",
)
OWN_COLUMNS = ("own_macs", "own_bytes", "own_seconds")
COLUMNS = (
    *CASE_COLUMNS,
    "level",
    "name",
    "kind",
    "kernel",
    "parent",
    "depth",
    "counted",
    "known",
    "params",
    *WORK_COLUMNS,
    *OWN_COLUMNS,
    "excess_seconds",
    "share_of_excess",
    "latency",
    "overhead",
    "estimated",
    "caveats",
    "device_name",
    "torch",
    "macs_convention",
    "environment",
)


def write_json(explanations: Sequence[Explanation], comparison: Comparison | None = None) -> str:
    """One object with all that is known of each explanation; unknown figures are null.

    Under `own` a module has what it does itself, beside what all below it does. `total` is the whole call, `outside`
    the part of it that is spent in no operator. `comparison` is null where one net is explained alone.
    """
    found = {
        "schema": SCHEMA,
        "macs_convention": MACS_CONVENTION,
        "explanations": [_as_object(explanation) for explanation in explanations],
        "comparison": comparison and _compared(comparison),
    }
    return json.dumps(_finite(found), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _as_object(explanation: Explanation) -> dict[str, Any]:
    def operator(one: Operator) -> dict[str, Any]:
        return {"name": one.name, "kind": one.kind, "counted": one.counted, "known": one.known, **figures(one.work)}

    def kind(one: Kind) -> dict[str, Any]:
        return {"name": one.name, "kernel": one.kernel or None, "counted": one.counted, **figures(one.work)}

    def figures(work: Work) -> dict[str, Any]:
        return _figures(explanation, work)

    return {
        "case": asdict(explanation.case),
        "device": explanation.device,
        "environment": explanation.environment,
        "versions": dict(explanation.versions),
        "params": explanation.params,
        "peaks": asdict(explanation.peaks) if explanation.peaks else None,
        "estimated": _is_estimated(explanation),
        "total": figures(_total(explanation)),
        "outside": {**_outside(explanation), "waits_for_launches": explanation.waits},
        "latency": explanation.latency,
        "overhead": explanation.overhead,
        "uncounted": figures(explanation.uncounted),
        "unknown": [
            {"name": one.name, "share_of_time": explanation.share_of_time(one.work)} for one in explanation.unknown
        ],
        "kinds": [kind(one) for one in explanation.kinds],
        "kernels": [kind(one) for one in explanation.kernels],
        "operators": [operator(one) for one in explanation.operators],
        "modules": [
            {**place, "kind": part.kind, "params": part.params, **figures(part.work), "own": figures(part.own)}
            for place, part in _modules(explanation.root)
        ],
        "findings": [
            {"topic": one.topic, "text": one.text, "figures": dict(one.figures), "trial": one.trial}
            for one in explanation.findings
        ],
        "trials": [{**asdict(one), "speedup": one.speedup} for one in explanation.trials],
        "methods": list(explanation.methods),
        "caveats": list(explanation.caveats),
    }


def _compared(comparison: Comparison) -> dict[str, Any]:
    return {
        "model": comparison.ours.case.model,
        "against": comparison.theirs.case.model,
        "macs_ratio": comparison.macs,
        "time_ratio": comparison.seconds,
        "excess_seconds": comparison.excess,
        "rows": [_excess(row) for row in comparison.rows],
        "sentences": list(comparison.sentences),
    }


def _excess(row: Row) -> dict[str, Any]:
    return {"name": row.name, "excess_seconds": row.excess, "share_of_excess": row.share}


def write_csv(explanations: Sequence[Explanation], comparison: Comparison | None = None) -> str:
    """A row for each module, kind, kernel and operator, the time outside operators, and the total, with COLUMNS.

    `level` tells what a row is of; the rows of one level (of modules their own_ columns) with those of "outside" add
    up to the total. Unknown cells are empty. Rows of the level "comparison" have what the first net takes beyond the
    second.
    """
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for explanation in explanations:
        shared = {
            **asdict(explanation.case),
            "estimated": _is_estimated(explanation),
            "device_name": explanation.device,
            "torch": explanation.versions.get("torch"),
            "macs_convention": MACS_CONVENTION,
            "environment": explanation.environment,
        }
        writer.writerows(_finite({**shared, **row}) for row in _rows(explanation))
        if comparison and explanation is comparison.ours:
            rows = ({"level": "comparison", **_excess(row)} for row in comparison.rows)
            writer.writerows(_finite({**shared, **row}) for row in rows)
    return file.getvalue()


def _rows(explanation: Explanation) -> Iterator[dict[str, Any]]:
    for place, part in _modules(explanation.root):
        own = {"own_macs": part.own.macs, "own_bytes": part.own.bytes, "own_seconds": part.own.seconds}
        where = {"level": "module", "name": place["path"], "parent": place["parent"], "depth": place["depth"]}
        yield {
            **where, "kind": part.kind, "params": part.params, **_figures(explanation, part.work), **own
        }  # fmt: skip
    for level, kinds in (("kind", explanation.kinds), ("kernel", explanation.kernels)):
        for kind in kinds:
            which = {"kind": kind.name, "kernel": kind.kernel or None, "counted": kind.counted}
            yield {"level": level, "name": name_kind(kind), **which, **_figures(explanation, kind.work)}
    for one in explanation.operators:
        which = {"kind": one.kind, "counted": one.counted, "known": one.known}
        yield {"level": "operator", "name": one.name, **which, **_figures(explanation, one.work)}
    yield {"level": "outside", **_outside(explanation)}
    yield {
        "level": "total",
        "params": explanation.params,
        **_figures(explanation, _total(explanation)),
        "latency": explanation.latency,
        "overhead": explanation.overhead,
        "caveats": "; ".join(explanation.caveats) or None,
    }


def _figures(explanation: Explanation, work: Work) -> dict[str, Any]:
    """WORK_COLUMNS of some of the explanation's work."""
    return {
        "calls": work.calls,
        "macs": work.macs,
        "activations": work.activations,
        "read": work.read,
        "written": work.written,
        "bytes": work.bytes,
        "seconds": work.seconds,
        "share_of_macs": explanation.share_of_macs(work),
        "share_of_bytes": explanation.share_of_bytes(work),
        "share_of_time": explanation.share_of_time(work),
        "macs_per_byte": work.intensity,
        "macs_per_second": work.macs_per_second,
        "bytes_per_second": work.bytes_per_second,
        "share_of_peak": work.of_peak(explanation.peaks),
        "share_of_bandwidth": work.of_bandwidth(explanation.peaks),
        "bound": work.bound(explanation.peaks),
    }


def _total(explanation: Explanation) -> Work:
    """All that the call does, in all the time that it takes."""
    return replace(explanation.root.work, seconds=explanation.total)


def _outside(explanation: Explanation) -> dict[str, float | None]:
    seconds = explanation.outside
    return {"seconds": seconds, "share_of_time": explanation.share_of_time(Work(seconds=seconds))}


def _is_estimated(explanation: Explanation) -> bool:
    """Whether the seconds are computed from a datasheet."""
    return explanation.peaks is not None and explanation.peaks.estimate


def _modules(root: Part) -> Iterator[tuple[dict[str, Any], Part]]:
    """Each module and where it stands, parents before their children."""

    def walk(part: Part, parent: str | None, depth: int) -> Iterator[tuple[dict[str, Any], Part]]:
        yield {"path": part.path, "parent": parent, "depth": depth}, part
        for child in part.children:
            yield from walk(child, part.path, depth + 1)

    return walk(root, None, 0)


def _finite(value: Any) -> Any:
    """The value with None for numbers that neither JSON nor a reader of CSV has a word for."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
