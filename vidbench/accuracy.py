"""The accuracy that is published for a case: only where net, frames, size and classes are the published ones."""

from vidbench.catalog import DATASET_CLASSES, Published, variants
from vidbench.records import Case


def published_top1(case: Case) -> dict[str, Published]:
    """For each data set the row with the highest top-1 published at exactly this setting; views may be any."""
    found: dict[str, Published] = {}
    for published in _of_task(case):
        if (published.frames, published.size) == (case.frames, case.size):
            best = found.get(published.dataset)
            if best is None or (published.top1 or 0) > (best.top1 or 0):
                found[published.dataset] = published
    return found


def explain_missing(case: Case) -> str:
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
