"""`vidbench list` shows the architectures and what is published of them."""

import json

from vidbench.catalog import families, variants


def test_overview(vidbench):
    """Every variant has a line with its parameters, default clip and a published figure with its source."""
    done = vidbench("list")
    assert done.code == 0
    assert {line.split()[0].rstrip("*") for line in done.out.splitlines() if line.strip()} >= set(variants())
    line = next(line for line in done.out.splitlines() if line.startswith("vov3d-l"))
    *cells, source = line.split()
    assert cells == ["vov3d-l*", "VoV3D", "6.30", "16x224", "9.3", "76.3", "K400", "16x224"]
    assert f"{source} VoV3D README (youngwanLEE/VoV3D @df9cc7b), Kinetics-400 table" in done.out


def test_one_family(vidbench):
    """One family is shown with its paper and all that is published of its variants."""
    done = vidbench("list", "x3d")
    published = sum(len(variant.published) for variant in families()["x3d"].variants.values())
    assert "arXiv 2004.04730" in done.out
    table = done.out.partition("\n\n")[0]
    assert len(table.splitlines()) == 3 + published
    assert "vov3d" not in done.out


def test_json(vidbench):
    """--json prints one array with an object a variant, unknown figures null."""
    rows = json.loads(vidbench("list", "--json").out)
    assert [row["name"] for row in rows] == list(variants())
    large = next(row for row in rows if row["name"] == "vov3d-l")
    assert (large["family"], large["frames"], large["size"], large["params"]) == ("vov3d", 16, 224, 6297168)
    assert {"dataset": "K400", "gmacs": 9.3, "top1": 76.3}.items() <= large["published"][-1].items()
    assert next(row for row in rows if row["name"] == "x3d-xs")["published"][0]["top5"] is None


def test_unknown_family(vidbench):
    """An unknown family is answered with the nearest ones."""
    done = vidbench("list", "slowfats")
    assert done.code == 2
    assert "did you mean slowfast" in done.err


def test_version(vidbench):
    """--version names the version that the package has."""
    from vidbench import __version__

    assert vidbench("--version").out == f"vidbench {__version__}\n"
