"""The columns of a table for a paper: their heads, units and scales, and which of them are there by default."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from vidbench.errors import InputError
from vidbench.metrics import METRICS, TIMED
from vidbench.query.columns import PER_VIDEO
from vidbench.repeats import BETWEEN
from vidbench.table import CASE_COLUMNS, COLUMNS, RANGE_COLUMNS, SPREAD_COLUMNS, Row
from vidbench.units import SCALES, Scale, column_scale

TOP1 = "top1"  # as published, of rows at the published clip
DATASET = "dataset"
ALWAYS = ("model", "frames", "size")
WHERE_SEVERAL = ("batch", "device_name", "threads", "dtype", "mode", "task", "torch")
WHERE_A_NET_HAS_SEVERAL = ("classes", "clip", "weights")
BY_DEFAULT = ("params", "macs", "latency", "throughput", "peak_memory", "reserved_memory", "energy")
EXTRA = (DATASET, TOP1, *(f"{name}_{BETWEEN}" for name in TIMED))
NAMES = tuple(dict.fromkeys((*COLUMNS, *EXTRA)))

HEADS = {
    "params": "Params", "macs": "GMACs", "activations": "Activations", "weight_memory": "Weights",
    "predicted_memory": "Memory, predicted", "peak_memory": "Memory", "reserved_memory": "Memory, reserved",
    "macs_fewest": "Fewest GMACs", "macs_most": "Most GMACs", "macs_min": "Least GMACs", "macs_max": "Greatest GMACs",
    "published_gmacs": "GMACs, published", "published_source": "Source", "device_name": "Device", "dtype": "Precision",
    "macs_convention": "Convention", TOP1: "Top-1", DATASET: "Dataset",
    "macs_per_video": "GMACs per video", "videos_per_second": "Videos", "seconds_per_video": "Time per video",
}  # fmt: skip
FIXED = {"params": Scale(1e6, "M"), "activations": Scale(1e6, "M"), "MACs": Scale(1e9, ""), "share": Scale(0.01, "%")}
PLAIN = Scale(1.0, "")
_SHARES = ("precision", BETWEEN)
_COUNTS = ("count", "outliers", "settled", "disturbed")


@dataclass(frozen=True, slots=True)
class Heading:
    """A column: what of a row it shows, under which head, and in which unit.

    Attributes:
        key: the column of rows.
        head: what stands above it.
        base: the unit of the rows' figures; None where they are texts or plain numbers.
        better: which way is better; None where neither is.
        metric: the metric whose figure, or part of it, this is; None where it is of none.
        scale: what its figures are printed in.
    """

    key: str
    head: str
    base: str | None = None
    better: Literal["lower", "higher"] | None = None
    metric: str | None = None
    scale: Scale = PLAIN


def choose_headings(rows: Sequence[Row], names: Sequence[str] | None) -> list[Heading]:
    """The columns of these names, by default those that tell the rows apart and that a paper prints.

    Columns of one unit share a scale, so that they can be compared by eye. How far runs lie apart stands behind each
    figure of several runs.

    Raises:
        InputError: there is no column of that name; the message has the nearest.
    """
    check_columns(names or (), NAMES)
    chosen: list[str] = []
    for name in names if names is not None else _by_default(rows):
        between = f"{name}_{BETWEEN}"
        chosen += [name, between] if name in TIMED and _is_known(rows, between) else [name]
    return _scale(rows, [_describe(name) for name in dict.fromkeys(chosen)])


def check_columns(names: Iterable[str], known: Sequence[str]) -> None:
    """Raise InputError, with the nearest names, where one of the names is not known."""
    from difflib import get_close_matches

    for name in names:
        if name not in known:
            near = get_close_matches(name.lower(), known, n=3, cutoff=0.5)
            shown = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
            raise InputError(f"--columns: there is no column {name!r}; {shown}")


def _by_default(rows: Sequence[Row]) -> list[str]:
    names = [*ALWAYS, *(name for name in WHERE_SEVERAL if len({row[name] for row in rows}) > 1)]
    names += [name for name in WHERE_A_NET_HAS_SEVERAL if _has_several(rows, name, ("model",))]
    names += [name for name in BY_DEFAULT if name in NAMES and (_is_known(rows, name) or _has_range(rows, name))]
    if "peak_memory" not in names and _is_known(rows, "predicted_memory"):
        names.append("predicted_memory")
    if _is_known(rows, TOP1):
        names += [DATASET, TOP1]
    return names


def _is_known(rows: Iterable[Row], name: str) -> bool:
    return any(row.get(name) is not None for row in rows)


def _has_range(rows: Iterable[Row], name: str) -> bool:
    return name == "macs" and _is_known(rows, "macs_most")


def _describe(name: str) -> Heading:
    head, _, part = name.rpartition("_")
    if name in METRICS:
        metric = METRICS[name]
        label = f"{metric.label[:1].upper()}{metric.label[1:]}"
        return Heading(name, HEADS.get(name, label), metric.unit, metric.better, name)
    if head in METRICS and part in _SHARES:
        return Heading(name, "±" if part == BETWEEN else f"{_describe(head).head}, {part}", "share", None, head)
    if name in (*SPREAD_COLUMNS, *RANGE_COLUMNS) and part not in _COUNTS:
        shown = HEADS.get(name, f"{_describe(head).head}, {part}")
        return Heading(name, shown, METRICS[head].unit, METRICS[head].better, head)
    if name == TOP1:
        return Heading(name, HEADS[name], "%", "higher")
    if name in PER_VIDEO:
        unit, better = PER_VIDEO[name]
        return Heading(name, HEADS[name], unit, better)
    text = name.replace("_", " ")
    return Heading(name, HEADS.get(name, f"{text[:1].upper()}{text[1:]}"), None)


def _scale(rows: Sequence[Row], headings: Iterable[Heading]) -> list[Heading]:
    listed = list(headings)
    shared: dict[str, Scale] = {}
    for unit in {one.base for one in listed if one.base in SCALES}:
        keys = [one.key for one in listed if one.base == unit]
        shared[str(unit)] = column_scale((row.get(key) for key in keys for row in rows), str(unit))
    return [replace(one, scale=_choose_scale(one, shared)) for one in listed]


def _choose_scale(heading: Heading, shared: Mapping[str, Scale]) -> Scale:
    if heading.base is None:
        return PLAIN
    fixed = FIXED.get(heading.key) or FIXED.get(heading.base)
    return fixed or shared.get(heading.base) or Scale(1.0, heading.base)


def axes_of_comparison(rows: Sequence[Row]) -> tuple[str, ...]:
    """In which columns rows must agree for their figures to compete: the setting, and the clip if nets have several."""
    fixed = [name for name in CASE_COLUMNS if name not in ("model", "classes", "frames", "size", "views", "repeat")]
    # Adaptive nets are measured on other clips than the rest, and nets come with weights of their own.
    setting = (*(name for name in fixed if name not in ("clip", "weights")), "environment")
    several = [axis for axis in ("frames", "size") if _has_several(rows, axis, ("model", *setting))]
    return (*several, *setting)


def _has_several(rows: Iterable[Row], name: str, within: Sequence[str]) -> bool:
    """Whether that column has several values in rows that agree in the others."""
    seen: dict[tuple[object, ...], object] = {}
    return any(seen.setdefault(tuple(row[one] for one in within), row[name]) != row[name] for row in rows)
