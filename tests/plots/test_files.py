"""Picture files: three formats with their texts, refused before anything is measured where they cannot be written."""

import sys
from pathlib import Path

import matplotlib
import pytest
from explanations import counted
from PIL import Image

from vidbench.errors import InputError
from vidbench.metrics import MACS_CONVENTION
from vidbench.plots import check_picture, draw_explanations


def test_png(tmp_path):
    """As wide as a column at 300 dots an inch, and not empty."""
    path = tmp_path / "picture.png"
    draw_explanations([counted()], path)
    with Image.open(path) as image:
        assert (image.format, image.width) == ("PNG", 1050)
        assert image.height > 500
        assert len(image.convert("RGB").getcolors(2**24)) > 20
        assert image.info["Description"] == MACS_CONVENTION


def test_pdf(tmp_path):
    """Its fonts are embedded as TrueType, which journals ask for, and not as Type 3."""
    path = tmp_path / "picture.PDF"
    draw_explanations([counted()], path)
    content = path.read_bytes()
    assert content.startswith(b"%PDF-")
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


def test_svg(tmp_path):
    """Its texts are texts, and the same picture is the same file."""
    path, again = tmp_path / "picture.svg", tmp_path / "again.svg"
    draw_explanations([counted()], path)
    draw_explanations([counted()], again)
    assert ">depthwise convolution</text>" in path.read_text()
    assert path.read_bytes() == again.read_bytes()


def test_style_is_ours(tmp_path, monkeypatch):
    """What the user set for other pictures neither changes this one nor is changed by it."""
    path, again = tmp_path / "picture.svg", tmp_path / "again.svg"
    draw_explanations([counted()], path)
    for name, value in (("axes.facecolor", "black"), ("font.family", ["monospace"]), ("svg.fonttype", "path")):
        monkeypatch.setitem(matplotlib.rcParams, name, value)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # whose import would now fail
    draw_explanations([counted()], again)
    assert path.read_bytes() == again.read_bytes()
    assert matplotlib.rcParams["axes.facecolor"] == "black"


@pytest.mark.parametrize("name", ["picture.gif", "picture", "-", "picture.svg.gz"])
def test_suffix(name):
    """Other formats are refused with the three that there are."""
    with pytest.raises(InputError, match=r"\.png, \.svg or \.pdf"):
        check_picture(Path(name))


def test_missing_library(tmp_path, monkeypatch):
    """Without matplotlib the message says how to get it, and nothing is loaded."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"pip install 'vidbench\[plots\]'"):
        check_picture(tmp_path / "picture.png")


def test_unwritable(tmp_path):
    """A folder that is not there, or a name that is taken by one, is refused."""
    (tmp_path / "folder.png").mkdir()
    for path, reason in ((tmp_path / "nowhere" / "picture.png", "there is no folder"), (tmp_path / "folder.png", "")):
        with pytest.raises(InputError, match=f"cannot be written: {reason}.*give a file in a folder you can write"):
            check_picture(path)
        with pytest.raises(InputError, match="cannot be written"):
            draw_explanations([counted()], path)


def test_checking_leaves_no_trace(tmp_path):
    """A check makes no file, and leaves one that is there as it is."""
    check_picture(tmp_path / "new.png")
    assert not list(tmp_path.iterdir())
    (tmp_path / "old.png").write_bytes(b"old")
    check_picture(tmp_path / "old.png")
    assert (tmp_path / "old.png").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("path", "message"), [("x.gif", ".png, .svg or .pdf"), ("/nowhere/x.png", "no folder /nowhere")]
)
def test_command_refuses_first(vidbench, path: str, message: str):
    """A wrong picture is told of before the net is built."""
    done = vidbench("explain", "x3d-m", "--device", "cpu", "--picture", path)
    assert done.code == 2
    assert message in done.err
    assert "counting" not in done.err
