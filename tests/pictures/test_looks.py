"""Families can be told apart without colour, and look the same everywhere."""

from vidbench.catalog import families
from vidbench.pictures.looks import FIRST, looks_of


def test_all_differ():
    """No two of the catalog look the same, and the seven main families differ in shape and in colour."""
    looks = looks_of(families())
    assert len(set(looks.values())) == len(looks)
    main = [looks[name] for name in FIRST]
    assert len({look.shape for look in main}) == len({look.colour for look in main}) == 7


def test_same_everywhere():
    """A family's look does not depend on who else is there; own nets come after the catalog's."""
    looks = looks_of(["mine:net", "x3d", "other:net"])
    assert looks["x3d"] == looks_of(["x3d"])["x3d"]
    assert looks["mine:net"] != looks["other:net"]
