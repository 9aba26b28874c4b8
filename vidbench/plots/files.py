"""Picture files: refused before anything is measured where they cannot be written, and free of the user's own style."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidbench.errors import InputError
from vidbench.metrics import MACS_CONVENTION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
DOTS_PER_INCH = 300

STYLE = {
    "font.size": 8,
    "text.parse_math": False,  # a net's name may have dollars
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "figure.titlesize": 9,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.6,
    "patch.linewidth": 0.5,
    "pdf.fonttype": 42,  # journals refuse the default, Type 3
    "svg.fonttype": "none",  # text that can be searched and edited
    "svg.hashsalt": "vidbench",  # the same picture is the same file
}


def check_picture(path: Path) -> None:
    """Refuse what `draw_explanations` could not write, without loading matplotlib.

    Raises:
        InputError: the suffix is none of SUFFIXES, the file cannot be written, or matplotlib is missing.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"a picture is a {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file; {path} is none of them")
    if find_spec("matplotlib") is None:
        raise InputError("pictures are drawn by matplotlib, which is missing; pip install 'vidbench[plots]'")
    existed = path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        raise _unwritable(path, error) from error
    if not existed:
        path.unlink()


def _unwritable(path: Path, error: OSError) -> InputError:
    reason = error.strerror if path.parent.is_dir() else f"there is no folder {path.parent}"
    return InputError(f"the picture {path} cannot be written: {reason}; give a file in a folder you can write")


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's own defaults with STYLE, whatever the user's settings; they are back afterwards."""
    from matplotlib import style as styles

    with styles.context(["default", STYLE]):
        yield


def save(figure: "Figure", path: Path, title: str) -> None:
    """Write the figure in its suffix's format, without a date, so that the same figure gives the same bytes.

    Raises:
        InputError: the file cannot be written.
    """
    form = path.suffix.lower().removeprefix(".")
    about: dict[str, Any] = {"Title": title, "Subject" if form == "pdf" else "Description": MACS_CONVENTION}
    if form != "png":
        about |= {"CreationDate" if form == "pdf" else "Date": None}
    drawn = io.BytesIO()
    figure.savefig(drawn, format=form, dpi=DOTS_PER_INCH, metadata=about)
    try:
        path.write_bytes(drawn.getvalue())
    except OSError as error:
        raise _unwritable(path, error) from error
