"""Published accuracy: whose is taken for a row or a case, wherever one is shown.

vidbench measures what a net costs, its authors measured what it knows. Theirs is taken at exactly the setting if there
is one, else of as many frames at the nearest size that is NEAR, which is then said beside it.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import cache

from vidbench.catalog import DATASET_CLASSES, Published, variants
from vidbench.errors import InputError
from vidbench.records import Case
from vidbench.table import Row

ACCURACY_COLUMNS = ("top1", "top5", "dataset", "top1_size", "top1_views", "top1_source")
NEAR = 0.15  # as a share of the published size: nets trained at 224 are tested at 256


@cache
def find_published(model: str, frames: int, size: int, task: str) -> tuple[Published, ...]:
    """What is published for the net with as many frames: at that size first, then at the nearest of the NEAR ones.

    With other frames a net has another accuracy, so that none is taken over, and all of it is of inference. A size that
    no source tells comes last; what is as near as another comes in the catalog's order. Nothing of users' own nets.
    """
    net = variants().get(model)
    if net is None or task != "inference":
        return ()

    def distance(published: Published) -> float:
        return abs(size / published.size - 1) if published.size else NEAR

    return tuple(sorted((p for p in net.published if p.frames == frames and distance(p) <= NEAR), key=distance))


def name_other_clip(frames: int, published: int | None, size: int) -> str:
    """The clip that is published for where its size is not the one measured, such as `8x256`; else nothing."""
    return "" if published == size else f"{frames}x{published or '?'}"


def tell_top1(published: Published, size: int, sign: str = "") -> str:
    """The figure, and at which clip it is published where that is not of this size: `76.7 (at 8x256)`."""
    clip = name_other_clip(published.frames, published.size, size)
    return f"{published.top1:g}{sign}" + (f" (at {clip})" if clip else "")


def published_for(case: Case) -> list[Published]:
    """Of `find_published` what is for as many classes as the case has, whatever the data set."""
    found = find_published(case.model, case.frames, case.size, case.task)
    return [p for p in found if _has_classes(p, case)]


def published_top1(case: Case) -> dict[str, Published]:
    """For each data set with as many classes the row whose top-1 is taken, the nearest first."""
    found: dict[str, Published] = {}
    for published in published_for(case):
        if published.top1 is not None:
            found.setdefault(published.dataset, published)
    return found


def explain_none(case: Case) -> str:
    """Why no top-1 is known for the case, and at which clips one is published."""
    name = f"{case.model} {case.frames}x{case.size}"
    net = variants().get(case.model)
    if net is None:
        return f"{name}: not in the catalog"
    known = [p for p in net.published if p.top1 is not None and _has_classes(p, case)]
    if not known:
        return f"{name}: no top-1 is published for it"
    return f"{name}: top-1 is published at {', '.join(_clips(known))}"


def _has_classes(published: Published, case: Case) -> bool:
    return DATASET_CLASSES.get(published.dataset, variants()[case.model].classes) == case.classes


def _clips(published: Iterable[Published]) -> list[str]:
    return list(dict.fromkeys(f"{p.frames}x{p.size or '?'}" for p in published))


def find_dataset(name: str) -> str:
    """The data set as the catalog writes it, whatever the letters' case.

    Raises:
        InputError: no accuracy is published for such a data set.
    """
    every = [p for variant in variants().values() for p in variant.published]
    known = dict.fromkeys(p.dataset for p in every if p.top1 is not None)
    for dataset in known:
        if dataset.lower() == name.strip().lower():
            return dataset
    near = get_close_matches(name.lower(), [dataset.lower() for dataset in known], n=1, cutoff=0.3)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    raise InputError(f"no accuracy is published for a data set {name!r}; {hint}")


def add_accuracy(rows: Iterable[Row], dataset: str) -> list[Row]:
    """The rows with ACCURACY_COLUMNS: what is published on that data set, whatever classes were measured.

    None where nothing is. Of the same size the first source that the catalog lists speaks.
    """
    return [{**row, **_accuracy(row["model"], row["frames"], row["size"], row["task"], dataset)} for row in rows]


@cache
def _accuracy(model: str, frames: int, size: int, task: str, dataset: str) -> Row:
    known = find_published(model, frames, size, task)
    published = next((p for p in known if p.dataset == dataset and p.top1 is not None), None)
    if published is None:
        return {**dict.fromkeys(ACCURACY_COLUMNS), "dataset": dataset}
    found = (published.top1, published.top5, dataset, published.size, published.views, published.source)
    return dict(zip(ACCURACY_COLUMNS, found, strict=True))


def name_sources(rows: Sequence[Row]) -> list[str]:
    """Whose accuracy each net's is, at which setting and over how many views; where classes differ, how many."""
    return list(dict.fromkeys(_name_source(row) for row in rows if row["top1"] is not None))


def _name_source(row: Row) -> str:
    other_clip = name_other_clip(row["frames"], row["top1_size"], row["size"])
    size = f", published at {other_clip}" if other_clip else ""
    told = str(row["top1_views"] or "")  # some sources name what they count
    views = f", over {told}" + (" views" if told[-1].isdigit() else "") if told else ""
    classes = DATASET_CLASSES.get(row["dataset"], row["classes"])
    other = f"; measured with {row['classes']} classes" if row["classes"] not in (None, classes) else ""
    setting = f"{row['model']} at {row['frames']}x{row['size']} on {row['dataset']}"
    return f"top-1 of {setting}: {row['top1']:g}%{size}{views} ({row['top1_source']}){other}"


def explain_missing(rows: Sequence[Row], dataset: str) -> list[str]:
    """Of how many rows no accuracy is known, and of which nets it is published with other frames or sizes."""
    missing = [row for row in rows if row["top1"] is None]
    trained = sum(row["task"] != "inference" for row in missing)
    lines = [f"without accuracy: {_count(trained)} of training"] if trained else []
    if trained == len(missing):
        return lines
    elsewhere = {
        f"{name} at {', '.join(clips)}": None
        for name in dict.fromkeys(row["model"] for row in missing if row["task"] == "inference")
        if (clips := _published_clips(name, dataset))
    }
    where = f"; it is for {'; '.join(elsewhere)}" if elsewhere else ""
    count = _count(len(missing) - trained)
    return [f"without accuracy: {count}, as none is published on {dataset} for such a clip{where}", *lines]


def _count(rows: int) -> str:
    return f"{rows:,} {'row' if rows == 1 else 'rows'}"


def _published_clips(name: str, dataset: str) -> list[str]:
    net = variants().get(name)
    return _clips(p for p in (net.published if net else ()) if p.dataset == dataset and p.top1 is not None)
