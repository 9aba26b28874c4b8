"""Published accuracy: that of the very setting, or of the nearest size, or none; the same wherever it is shown."""

from dataclasses import replace

import pytest
from examples import case

from vidbench.catalog import variants
from vidbench.errors import InputError
from vidbench.query.accuracy import (
    NEAR,
    add_accuracy,
    explain_missing,
    explain_none,
    find_dataset,
    find_published,
    name_sources,
    published_top1,
    tell_top1,
)


def row(model: str, frames: int, size: int, classes: int | None = 400, task: str = "inference") -> dict:
    return {"model": model, "frames": frames, "size": size, "classes": classes, "task": task}


def test_data_sets():
    """A data set has its name in any letters; another is answered with the nearest."""
    assert [find_dataset(name) for name in ("k400", "K400", "ssv2")] == ["K400", "K400", "SSv2"]
    with pytest.raises(InputError, match=r"'ssv3'; did you mean ssv[12]\?"):
        find_dataset("ssv3")
    with pytest.raises(InputError, match=r"there are .*K400"):
        find_dataset("---")


def test_of_its_own_clip():
    """Of several published sizes the row's own is taken; a near one, as nets are tested larger than trained."""
    found = add_accuracy([row("x3d-m", 16, 224), row("x3d-m", 16, 256), row("x3d-l", 16, 312)], "K400")
    assert [(one["top1"], one["top1_size"], one["top1_views"]) for one in found] == [
        (76.2, 224, 30), (76.0, 256, 30), (77.5, 312, 30),
    ]  # fmt: skip
    (near,) = add_accuracy([row("tada2d-r50", 8, 224)], "K400")
    assert (near["top1"], near["top1_size"]) == (76.7, 256)


@pytest.mark.parametrize("other", [row("x3d-m", 8, 224), row("x3d-m", 16, 112), row("mine:net", 16, 224)])
def test_of_another_clip(other):
    """With other frames, another size or of a user's own a net's accuracy is not known."""
    (found,) = add_accuracy([other], "K400")
    assert (found["top1"], found["top1_source"], found["dataset"]) == (None, None, "K400")


def test_sources():
    """Each accuracy is named once with its source, and with what differs between it and what was measured."""
    found = add_accuracy([row("x3d-m", 16, 224), row("x3d-m", 16, 224), row("tada2d-r50", 8, 224)], "K400")
    first, second = name_sources(found)
    assert first == (
        "top-1 of x3d-m at 16x224 on K400: 76.2%, over 30 views "
        "(PySlowFast MODEL_ZOO.md @287ec00, X3D table (10-view top-1 75.1))"
    )
    assert "76.7%, published at 8x256, over 10x3 views" in second
    (clips,) = name_sources(add_accuracy([row("r3d-18", 16, 112)], "K400"))
    assert "63.2%, over 5 clips (torchvision" in clips
    (other,) = name_sources(add_accuracy([row("x3d-m", 16, 256)], "SSv2"))
    assert other.endswith("; measured with 400 classes")
    assert not name_sources(add_accuracy([row("x3d-m", 16, 256, classes=174)], "SSv2"))[0].endswith("classes")


def test_missing():
    """Rows without accuracy are counted, with the clips that one is published for."""
    found = add_accuracy([row("x3d-m", 16, 224), row("x3d-m", 64, 224), row("mine:net", 8, 64)], "K400")
    assert explain_missing(found, "K400") == [
        "without accuracy: 2 rows, as none is published on K400 for such a clip; it is for x3d-m at 16x224, 16x256"
    ]
    assert explain_missing(found[:1], "K400") == []


def test_missing_of_training():
    """What is published is of inference; rows of training say that they have none."""
    found = add_accuracy([row("x3d-m", 16, 224, task="train"), row("x3d-m", 64, 224)], "K400")
    assert [one["top1"] for one in found] == [None, None]
    assert [line.split(",")[0] for line in explain_missing(found, "K400")] == [
        "without accuracy: 1 row", "without accuracy: 1 row of training",
    ]  # fmt: skip


@pytest.mark.parametrize("model", variants())
def test_nearest_first(model):
    """Of each net, what is published comes by its distance, none being farther than is near, exact ones first."""
    for wanted in variants()[model].published:
        for size in (wanted.size or 224, 200, 240, 288):
            found = find_published(model, wanted.frames, size, "inference")
            far = [abs(size / one.size - 1) if one.size else NEAR for one in found]
            assert far == sorted(far)
            assert max(far, default=0) <= NEAR
            assert {one.frames for one in found} <= {wanted.frames}
            assert wanted.size != size or found[0].size == size


SLOWFAST = {"model": "slowfast-16x8-r50-ssv2", "frames": 64, "classes": 174}


def test_exact_setting():
    """X3D-M's 76.2 on K400 is that of 16x224 with 400 classes, its 76.0 that of 16x256."""
    found = published_top1(case())
    assert {dataset: row.top1 for dataset, row in found.items()} == {"K400": 76.2}
    assert tell_top1(found["K400"], 224) == "76.2"
    assert published_top1(case(size=256))["K400"].top1 == 76.0


def test_near_setting():
    """Where nothing is published for a size, the nearest within 15% stands, and says at which clip it is."""
    found = published_top1(case(model="tada2d-r50", frames=8))["K400"]
    assert tell_top1(found, 224) == "76.7 (at 8x256)"
    assert tell_top1(found, 224, "%") == "76.7% (at 8x256)"
    assert published_top1(case(model="tada2d-r50", frames=8, size=200)) == {}


def test_rows_and_cases_agree():
    """A row has the figure that a picture of its case has."""
    for name, net in variants().items():
        for one in net.published:
            here = case(model=name, frames=one.frames, size=one.size or 224, classes=net.classes)
            for dataset, published in published_top1(here).items():
                (found,) = add_accuracy([row(name, here.frames, here.size, here.classes)], dataset)
                assert (found["top1"], found["top1_source"]) == (published.top1, published.source)


@pytest.mark.parametrize(
    "change", [{"frames": 8}, {"size": 160}, {"classes": 101}, {"task": "train"}, {"classes": None}]
)
def test_other_settings(change):
    """Other frames, sizes, classes and training have none."""
    assert published_top1(replace(case(), **change)) == {}


def test_best_of_several():
    """Where two are published for one setting, the first that the catalog lists stands, as in `show`."""
    assert published_top1(case(**SLOWFAST))["SSv2"].top1 == 63.0


def test_reasons():
    """Each case without has its reason, with the clips that something is published for."""
    assert explain_none(case(model="a:b")) == "a:b 16x224: not in the catalog"
    assert explain_none(case(model="slim3d-r50")) == "slim3d-r50 16x224: no top-1 is published for it"
    assert explain_none(case(frames=8)) == "x3d-m 8x224: top-1 is published at 16x224, 16x256"
