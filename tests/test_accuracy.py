"""Published accuracy goes to cases at exactly its setting, and to no others."""

from dataclasses import replace

import pytest
from examples import case

from vidbench.accuracy import explain_missing, published_top1

SLOWFAST = {"model": "slowfast-16x8-r50-ssv2", "frames": 64, "classes": 174}


def test_exact_setting():
    """X3D-M's 76.2 on K400 is that of 16x224 with 400 classes."""
    found = published_top1(case())
    assert {dataset: row.top1 for dataset, row in found.items()} == {"K400": 76.2}


@pytest.mark.parametrize(
    "change", [{"frames": 8}, {"size": 160}, {"classes": 174}, {"task": "train"}, {"classes": None}]
)
def test_other_settings(change):
    """Other frames, sizes, classes and training have none."""
    assert published_top1(replace(case(), **change)) == {}


def test_best_of_several():
    """Where two are published for one setting, the higher stands."""
    assert published_top1(case(**SLOWFAST))["SSv2"].top1 == 63.5


def test_reasons():
    """Each case without has its reason, with the clips that something is published for."""
    assert explain_missing(case(model="a:b")) == "a:b 16x224: not in the catalog"
    assert explain_missing(case(model="slim3d-r50")) == "slim3d-r50 16x224: no top-1 is published for it"
    assert explain_missing(case(frames=8)) == "x3d-m 8x224: top-1 is published at 16x224, 16x256"
