"""The catalog as JSON has a row a variant, with all that is known of it."""

import json

from vidbench.catalog import families, find_family, find_variant, variants
from vidbench.export.catalog import write_catalog


def test_all():
    """One array has every variant in the catalog's order, each with its family and its paper."""
    rows = json.loads(write_catalog(list(families().values())))
    assert [row["name"] for row in rows] == list(variants())
    assert all(row["paper"] == families()[row["family"]].paper for row in rows)


def test_default():
    """Exactly one variant of each family stands for it."""
    rows = json.loads(write_catalog(list(families().values())))
    assert {row["family"]: row["name"] for row in rows if row["default"]} == {
        name: family.default for name, family in families().items()
    }
    assert sum(row["default"] for row in rows) == len(families())


def test_row():
    """A row has the net's clip, size and configuration, and its published figures with null for what is unknown."""
    rows = {row["name"]: row for row in json.loads(write_catalog([find_family("x3d")]))}
    row, variant = rows["x3d-m"], find_variant("x3d-m")
    assert {key: row[key] for key in ("family", "frames", "size", "classes", "params", "default")} == {
        "family": "x3d",
        "frames": 16,
        "size": 224,
        "classes": 400,
        "params": 3794322,
        "default": True,
    }
    assert row["config"] == variant.config
    assert (row["mean"], row["std"]) == ([0.45] * 3, [0.225] * 3)
    assert len(row["published"]) == len(variant.published)
    first = row["published"][0]
    assert (first["gmacs"], first["top1"], first["top5"]) == (4.73, 76.2, None)
    assert first["source"].startswith("PySlowFast MODEL_ZOO.md")


def test_nothing():
    """No families are an empty array."""
    assert json.loads(write_catalog([])) == []
