"""Pictures for papers, drawn with matplotlib: what is drawn is decided here, how it looks and is kept in files.py."""

from collections.abc import Sequence
from pathlib import Path

from vidbench.explain.explanation import Explanation
from vidbench.plots.files import check_picture

__all__ = ["check_picture", "draw_explanations"]


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
