"""`vidbench claims` prints every published row with its reason, then the headline claims."""

import json

from vidbench.catalog import families


def test_table(vidbench):
    """A family's rows stand beside ours, and its claim's lines end in what can be told."""
    done = vidbench("claims", "x3d")
    assert done.code == 0
    line = next(line for line in done.out.splitlines() if line.startswith("x3d-m") and "6.72" in line)
    cells = line.split()[:9]
    assert cells == ["x3d-m", "K400", "16x256", "3.79", "3.79", "+0.1", "6.18", "6.72", "-8.0"]
    assert "pytorchvideo's figure counts batch normalisation" in line
    assert "GMACs a view: 242.0 / 48.41 G = 5.00x, holds (more than the claimed 4.8" in done.out
    assert "vov3d" not in done.out.partition("\n\n")[0]


def test_crop_that_the_source_names_wrongly(vidbench):
    """A cost at another crop than its source's table says stands at its own, explained, the source telling of both."""
    done = vidbench("claims", "r2plus1d")
    line = next(line for line in done.out.splitlines() if line.startswith("r2plus1d-34-mm") and "53.1" in line)
    assert line.split()[:9] == ["r2plus1d-34-mm", "K400", "8x256", "63.76", "63.8", "-0.1", "52.98", "53.1", "-0.2"]
    assert "counts batch normalisation" in line
    assert "table says 224, FLOPs are at 256" in done.out


def test_json(vidbench):
    """--json has an object a published row and a claim's line, unknown figures null."""
    found = json.loads(vidbench("claims", "blvnet-tam", "--json").out)
    published = sum(len(variant.published) for variant in families()["blvnet-tam"].variants.values())
    assert len(found["rows"]) == published
    assert found["rows"][0]["published"]["gmacs"] is None
    assert found["rows"][0]["macs_difference"] is None
    assert {line["verdict"] for line in found["claims"]} == {"holds", "cannot be told here"}


def test_family_without_claims_or_figures(vidbench):
    """A family of which nothing is published prints no row and no claim, and is no error."""
    done = vidbench("claims", "tsn")
    assert (done.code, done.err) == (0, "")
    assert "nothing is published" in done.out


def test_unknown_family(vidbench):
    """An unknown family is answered with the nearest ones."""
    done = vidbench("claims", "slowfats")
    assert done.code == 2
    assert "did you mean slowfast" in done.err


def test_device_that_cannot_measure(vidbench):
    """--device meta is refused: nothing is computed there."""
    done = vidbench("claims", "x3d", "--device", "meta")
    assert done.code == 2
    assert "--device cpu or cuda" in done.err
