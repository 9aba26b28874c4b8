"""Pictures for papers, drawn with matplotlib: what is drawn is decided here, how it looks and is kept in files.py."""

from collections.abc import Sequence
from pathlib import Path

from vidbench.errors import InputError
from vidbench.explain.explanation import Explanation
from vidbench.pictures.entries import Entry
from vidbench.plots.files import check_picture

__all__ = ["KINDS", "check_picture", "draw_explanations", "draw_results"]

KINDS = {  # of pictures of results, and what a case needs to be in one
    "accuracy-macs": "GMACs, and a top-1 published for exactly its frames, size and classes",
    "accuracy-throughput": "a throughput, and a top-1 published for exactly its frames, size and classes",
    "growth": "a cost, at two clip lengths or more",
    "memory": "a predicted or measured memory",
}


def draw_results(entries: Sequence[Entry], kind: str, path: Path, dataset: str | None = None) -> None:
    """The picture of these cases, a panel a data set, metric or machine. The file is replaced if it is there.

    Args:
        entries: the cases.
        kind: one of KINDS.
        path: a .png, .svg or .pdf file.
        dataset: of pictures with accuracy, only that one.

    Raises:
        InputError: the kind is unknown, no case can be in such a picture, the file cannot be written, or matplotlib is
            missing.
    """
    if kind not in KINDS:
        raise InputError(f"there is no picture of kind {kind!r}; there are {', '.join(KINDS)}")
    check_picture(path)
    from vidbench.plots.files import save, style
    from vidbench.plots.results import draw

    with style():
        drawn = draw(kind, entries, dataset)
        if drawn is None:
            only = f" on {dataset}" if dataset else ""
            raise InputError(f"there is nothing to draw{only}: for {kind} a case needs {KINDS[kind]}")
        save(drawn[0], path, drawn[1])


def draw_explanations(explanations: Sequence[Explanation], path: Path) -> None:
    """A roofline of what contracts, beside the shares of MACs, bytes and time by kind of operator, of each net.

    Where nothing was timed there are only the shares. The file is replaced if it is there.

    Args:
        explanations: at least one; of two or more, each has a marker of its own.
        path: a .png, .svg or .pdf file.

    Raises:
        InputError: the file cannot be written, or matplotlib is missing.
    """
    check_picture(path)
    from vidbench.plots.explanation import draw
    from vidbench.plots.files import save, style

    with style():
        figure, title = draw(explanations)
        save(figure, path, title)
