"""The columns of a table for a paper: their heads and scales, and which of them are there by default."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from vidbench.metrics import METRICS, TIMED
from vidbench.query.columns import Column, check_columns, find_column, shared_scale
from vidbench.repeats import BETWEEN
from vidbench.table import CASE_COLUMNS, COLUMNS, Row
from vidbench.units import Scale

TOP1 = "top1"
DATASET = "dataset"
ALWAYS = ("model", "frames", "size")
WHERE_SEVERAL = ("batch", "device_name", "threads", "dtype", "mode", "task", "torch")
WHERE_A_NET_HAS_SEVERAL = ("classes", "clip", "weights")
BY_DEFAULT = ("params", "macs", "latency", "throughput", "peak_memory", "reserved_memory", "energy")
NAMES = (*COLUMNS, DATASET, TOP1, *(f"{name}_{BETWEEN}" for name in TIMED))

HEADS = {
    "params": "Params", "macs": "GMACs", "activations": "Activations", "weight_memory": "Weights",
    "predicted_memory": "Memory, predicted", "peak_memory": "Memory", "reserved_memory": "Memory, reserved",
    "macs_fewest": "Fewest GMACs", "macs_most": "Most GMACs", "macs_min": "Least GMACs", "macs_max": "Greatest GMACs",
    "published_gmacs": "GMACs, published", "published_source": "Source", "device_name": "Device", "dtype": "Precision",
    "macs_convention": "Convention", TOP1: "Top-1", DATASET: "Dataset",
    "macs_per_video": "GMACs per video", "videos_per_second": "Videos", "seconds_per_video": "Time per video",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above a column, and what its figures are printed in."""

    column: Column
    head: str
    scale: Scale


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
    columns = [find_column(name) for name in dict.fromkeys(chosen)]
    return [Heading(one, _name(one), _choose_scale(one, columns, rows)) for one in columns]


def _by_default(rows: Sequence[Row]) -> list[str]:
    names = [*ALWAYS, *(name for name in WHERE_SEVERAL if len({row[name] for row in rows}) > 1)]
    names += [name for name in WHERE_A_NET_HAS_SEVERAL if _has_several(rows, name, ("model",))]
    names += [name for name in BY_DEFAULT if _is_known(rows, name) or _has_range(rows, name)]
    if "peak_memory" not in names and _is_known(rows, "predicted_memory"):
        names.append("predicted_memory")
    if _is_known(rows, TOP1):
        names += [DATASET, TOP1]
    return names


def _is_known(rows: Iterable[Row], name: str) -> bool:
    return any(row.get(name) is not None for row in rows)


def _has_range(rows: Iterable[Row], name: str) -> bool:
    return name == "macs" and _is_known(rows, "macs_most")


def _name(column: Column) -> str:
    """What stands above it: of a metric its label, of a part of one its head and which part."""
    name, of = column.name, column.metric
    if name in HEADS:
        return HEADS[name]
    if of is None:
        return _capitalise(name.replace("_", " "))
    if name == of:
        return _capitalise(METRICS[of].label)
    part = name.removeprefix(f"{of}_")
    return "±" if part == BETWEEN else f"{_name(find_column(of))}, {part}"


def _capitalise(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _choose_scale(column: Column, columns: Sequence[Column], rows: Sequence[Row]) -> Scale:
    """One for all columns of a unit; that MACs are billions is in their heads."""
    scale = shared_scale(column, columns, rows)
    return replace(scale, label="") if column.unit == "MACs" else scale


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
