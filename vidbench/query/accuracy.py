"""Published accuracy beside rows: vidbench measures what a net costs, its authors measured what it knows."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import cache

from vidbench.catalog import DATASET_CLASSES, Published, variants
from vidbench.errors import InputError
from vidbench.records import Case
from vidbench.table import Row

ACCURACY_COLUMNS = ("top1", "top5", "dataset", "top1_size", "top1_views", "top1_source")
DEFAULT_DATASET = "K400"
NEAR = 0.15  # as a share of the published size: nets trained at 224 are tested at 256


def find_dataset(name: str) -> str:
    """The data set as the catalog writes it, whatever the letters' case.

    Raises:
        InputError: no accuracy is published for such a data set.
    """
    known = _datasets()
    for dataset in known:
        if dataset.lower() == name.strip().lower():
            return dataset
    near = get_close_matches(name.lower(), [dataset.lower() for dataset in known], n=1, cutoff=0.3)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    raise InputError(f"no accuracy is published for a data set {name!r}; {hint}")


def _datasets() -> list[str]:
    every = [p for variant in variants().values() for p in variant.published]
    return list(dict.fromkeys(p.dataset for p in every if p.top1 is not None))


def add_accuracy(rows: Iterable[Row], dataset: str) -> list[Row]:
    """The rows with ACCURACY_COLUMNS: what is published for the net with as many frames, of about the same size.

    With other frames a net has another accuracy, so that none is taken over; None where nothing is published. Where
    several sources print one for the same size, the first of them that the catalog lists speaks.
    """
    find = cache(_find)
    return [{**row, **find(row["model"], row["frames"], row["size"], dataset)} for row in rows]


def _find(model: str, frames: int, size: int, dataset: str) -> Row:
    net = variants().get(model)
    near = [
        p
        for p in (net.published if net else ())
        if p.dataset == dataset and p.frames == frames and p.top1 is not None and size_distance(p, size) <= NEAR
    ]
    published = min(near, key=lambda p: size_distance(p, size), default=None)
    if published is None:
        return {**dict.fromkeys(ACCURACY_COLUMNS), "dataset": dataset}
    found = (published.top1, published.top5, dataset, published.size, published.views, published.source)
    return dict(zip(ACCURACY_COLUMNS, found, strict=True))


def size_distance(published: Published, size: int) -> float:
    """How far the size is from the published one, as a share of it; where none is told, as far as is near."""
    return abs(size / published.size - 1) if published.size else NEAR


def name_sources(rows: Sequence[Row]) -> list[str]:
    """Whose accuracy each net's is, at which setting and over how many views; where classes differ, how many."""
    return list(dict.fromkeys(_name_source(row) for row in rows if row["top1"] is not None))


def _name_source(row: Row) -> str:
    size = "" if row["top1_size"] in (None, row["size"]) else f", published at {row['frames']}x{row['top1_size']}"
    views = f", over {row['top1_views']} views" if row["top1_views"] else ""
    classes = DATASET_CLASSES.get(row["dataset"], row["classes"])
    other = f"; measured with {row['classes']} classes" if row["classes"] not in (None, classes) else ""
    setting = f"{row['model']} at {row['frames']}x{row['size']} on {row['dataset']}"
    return f"top-1 of {setting}: {row['top1']:g}%{size}{views} ({row['top1_source']}){other}"


def explain_missing(rows: Sequence[Row], dataset: str) -> list[str]:
    """Of how many rows no accuracy is known, and of which nets it is published with other frames or sizes."""
    missing = [row for row in rows if row["top1"] is None]
    if not missing:
        return []
    elsewhere = {
        f"{name} at {', '.join(settings)}": None
        for name in dict.fromkeys(row["model"] for row in missing)
        if (settings := _settings(name, dataset))
    }
    count = f"{len(missing):,} {'row' if len(missing) == 1 else 'rows'}"
    where = f"; it is for {'; '.join(elsewhere)}" if elsewhere else ""
    return [f"without accuracy: {count}, as none is published on {dataset} for such a clip{where}"]


def _settings(name: str, dataset: str) -> list[str]:
    net = variants().get(name)
    found = [p for p in (net.published if net else ()) if p.dataset == dataset and p.top1 is not None]
    return list(dict.fromkeys(f"{p.frames}x{p.size or '?'}" for p in found))


def published_top1(case: Case) -> dict[str, Published]:
    """For each data set the top-1 published at exactly this setting, at any views; the first that the catalog lists."""
    found: dict[str, Published] = {}
    for published in _of_task(case):
        if (published.frames, published.size) == (case.frames, case.size):
            found.setdefault(published.dataset, published)
    return found


def explain_none(case: Case) -> str:
    """Why no top-1 is known for the case, and at which clips one is published."""
    name = f"{case.model} {case.frames}x{case.size}"
    if case.model not in variants():
        return f"{name}: not in the catalog"
    clips = dict.fromkeys(f"{p.frames}x{p.size}" for p in _of_task(case) if p.size is not None)
    if not clips:
        return f"{name}: no top-1 is published for it"
    return f"{name}: top-1 is published at {', '.join(clips)}"


def _of_task(case: Case) -> list[Published]:
    """The rows with a top-1 of the case's net with as many classes."""
    variant = variants().get(case.model)
    if variant is None or case.classes is None or case.task != "inference":
        return []
    return [
        p
        for p in variant.published
        if p.top1 is not None and DATASET_CLASSES.get(p.dataset, variant.classes) == case.classes
    ]
