"""What papers print beside a cost: the published accuracy of a net at a clip, and over how many views of a video."""

import re

from vidbench.catalog import DATASET_CLASSES, Published, variants
from vidbench.query.accuracy import NEAR, size_distance
from vidbench.records import Case


def find_published(model: str, frames: int, size: int, classes: int | None) -> Published | None:
    """The row of the net with as many frames and classes and about that size, with an accuracy if there is any.

    Among several the nearest size comes first, then the catalog's order. None for users' own nets.
    """
    variant = variants().get(model)
    if variant is None:
        return None

    def distance(p: Published) -> tuple[bool, float]:
        return p.top1 is None, size_distance(p, size)

    same = [
        p
        for p in variant.published
        if p.frames == frames and DATASET_CLASSES.get(p.dataset, variant.classes) == classes
    ]
    return min((p for p in same if distance(p)[1] <= NEAR), key=distance, default=None)


def count_views(case: Case, published: Published | None) -> int | None:
    """How many views of a video a prediction takes: as the case says, otherwise as published; None where unknown."""
    views = case.views if case.views is not None else published and published.views
    found = re.fullmatch(r"\s*(\d+)(?:\s*x\s*(\d+))?(?:\s*views)?\s*", str(views))
    return int(found[1]) * int(found[2] or 1) if found else None
