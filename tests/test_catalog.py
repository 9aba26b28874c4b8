"""The catalog answers every name with its net, or with the nearest ones, and knows which clips a net takes."""

import pytest

from vidbench.catalog import (
    DATASET_CLASSES,
    Published,
    Variant,
    families,
    find_family,
    find_nets,
    find_variant,
    find_variants,
    variants,
)
from vidbench.errors import InputError

# (frames, size) of the clip that stands where none is given
DEFAULT_CLIPS = {
    "vov3d-m": (16, 224),
    "vov3d-l": (16, 224),
    "x3d-xs": (4, 160),
    "x3d-s": (13, 160),
    "x3d-m": (16, 224),
    "x3d-l": (16, 312),
    "x3d-xl": (16, 312),
    "slowfast-4x16-r50": (32, 224),
    "slowfast-8x8-r50": (32, 224),
    "slowfast-16x8-r101-50-50": (64, 224),
    "slow-4x16-r50": (4, 224),
    "slow-8x8-r50": (8, 224),
    "i3d-8x8-r50": (8, 224),
    "c2d-8x8-r50": (8, 224),
    "csn-101": (32, 224),
    "r2plus1d-50": (16, 224),
    "r2plus1d-18": (16, 112),
    "r2plus1d-34": (32, 112),
    "r2plus1d-34-mm": (8, 224),
    "r3d-18": (16, 112),
    "mc3-18": (16, 112),
    "s3d": (64, 224),
    "s3d-g": (64, 224),
}


def variant(**changes) -> Variant:
    """A net that never was."""
    return Variant(
        **{
            "name": "net-a",
            "family": "net",
            "frames": 8,
            "size": 224,
            "classes": 400,
            "params": 1,
            "stride": 32,
            "config": {},
            "published": (),
            "mean": (0.45, 0.45, 0.45),
            "std": (0.225, 0.225, 0.225),
            **changes,
        }
    )


def published(**changes) -> Published:
    return Published(**{"dataset": "K400", "frames": 8, "size": 224, "gmacs": 1.0, "source": "a paper", **changes})


class TestRows:
    def test_names(self):
        """No variant has the name of another, or of a family that it does not stand for; all are lower-case."""
        names = [name for family in families().values() for name in family.variants]
        assert sorted(names) == sorted(variants())
        assert all(families()[name].default == name for name in set(names) & set(families()))
        assert [name for name in [*names, *families()] if name != name.lower() or "_" in name] == []

    def test_default_clips(self):
        """Each net's default clip is that of its paper."""
        assert {name: (variants()[name].frames, variants()[name].size) for name in DEFAULT_CLIPS} == DEFAULT_CLIPS

    def test_classes(self):
        """The nets have the 400 classes of Kinetics-400, but for those of other data sets."""
        others = {"-ssv2": 174, "slim3d": 194}
        expected = {name: next((n for part, n in others.items() if part in name), 400) for name in variants()}
        assert {name: variant.classes for name, variant in variants().items()} == expected

    @pytest.mark.parametrize("variant", variants().values(), ids=lambda variant: variant.name)
    def test_consistency(self, variant: Variant):
        """A net takes its own default clip, and every published figure names a data set, its clip and its source."""
        variant.check_frames(variant.frames)
        variant.check_size(variant.size)
        for figures in variant.published:
            assert figures.dataset in DATASET_CLASSES
            assert figures.source
            variant.check_frames(figures.frames)


class TestNames:
    @pytest.mark.parametrize(
        ("family", "default"), [("vov3d", "vov3d-l"), ("x3d", "x3d-m"), ("slowfast", "slowfast-8x8-r50")]
    )
    def test_family_stands_for_default(self, family: str, default: str):
        """A family's name is that of its default variant."""
        assert find_variant(family) is find_variant(default) is variants()[default]

    @pytest.mark.parametrize("family", families().values(), ids=lambda family: family.name)
    def test_every_family_has_its_default(self, family):
        """A family's default is one of its own variants, which all know their family."""
        assert find_variant(family.name) is family.variants[family.default]
        assert {variant.family for variant in family.variants.values()} == {family.name}

    @pytest.mark.parametrize(("typed", "meant"), [("x3dm", "x3d-m"), ("VoV3D_L", "vov3d-l"), ("slowfst", "slowfast")])
    def test_nearest(self, typed: str, meant: str):
        """A wrong name is answered with the nearest right ones."""
        with pytest.raises(InputError, match=f"unknown model '{typed}'; did you mean .*{meant}"):
            find_variant(typed)

    def test_family_and_default_of_one_name(self):
        """One name may be both's, and is named once among the nearest."""
        assert find_variant("s3d") is families()["s3d"].variants["s3d"]
        assert find_family("s3d") is find_family("s3d-g") is families()["s3d"]
        assert find_variants("s3d*") == [variants()["s3d"], variants()["s3d-g"]]
        with pytest.raises(InputError, match=r"did you mean [^?]*\bs3d\b(?!-)") as caught:
            find_variant("s3dd")
        assert str(caught.value).removesuffix("?").split().count("s3d") == 1

    def test_nothing_near(self):
        """A name like no other is answered with where to look."""
        with pytest.raises(InputError, match="unknown model 'qqqqqq'; `vidbench list` shows all"):
            find_variant("qqqqqq")

    def test_find_family(self):
        """A family is found by its name or a variant's; a wrong name is answered with the nearest, or with all."""
        assert find_family("x3d") is find_family("x3d-xl") is families()["x3d"]
        with pytest.raises(InputError, match=r"unknown family 'x3'; did you mean .*x3d"):
            find_family("x3")
        with pytest.raises(InputError, match=r"unknown family 'qqqqqq'; there are .*vov3d"):
            find_family("qqqqqq")

    @pytest.mark.parametrize(
        ("pattern", "names"),
        [
            ("x3d-m", ["x3d-m"]),
            ("x3d", ["x3d-m"]),
            ("x3d-[ms]", ["x3d-s", "x3d-m"]),
            ("vov3d-?", ["vov3d-m", "vov3d-l"]),
            ("x3d-x*", ["x3d-xs", "x3d-xl"]),
        ],
    )
    def test_patterns(self, pattern: str, names: list[str]):
        """A shell pattern stands for all that fit, in the order of their files."""
        assert [variant.name for variant in find_variants(pattern)] == names

    def test_pattern_for_all(self):
        """A star is everything."""
        assert find_variants("*") == list(variants().values())

    def test_pattern_for_none(self):
        """A pattern that nothing fits is refused."""
        with pytest.raises(InputError, match=r"no model fits 'y3d-\*'; `vidbench list` shows all"):
            find_variants("y3d-*")


def test_names_and_patterns():
    """Each net once, in the order asked for; only what no name stands for is told to be matched."""
    nets, matched = find_nets(["x3d-[sm]", "vov3d", "x3d-s", "x3d", "vov3d-*"])
    assert [net.name for net in nets] == ["x3d-s", "x3d-m", "vov3d-l", "vov3d-m"]
    assert matched == {"vov3d-m"}
    assert find_nets(["a.b:c", "x3d-xs"])[1] == set()


class TestClips:
    @pytest.mark.parametrize(
        ("least", "multiple", "frames"), [(1, 1, 1), (1, 1, 7), (2, 1, 2), (2, 1, 3), (1, 4, 4), (1, 4, 32)]
    )
    def test_possible_frames(self, least: int, multiple: int, frames: int):
        """A net takes what is enough and a multiple of its step."""
        variant(frames_min=least, frames_multiple=multiple).check_frames(frames)

    @pytest.mark.parametrize(
        ("least", "multiple", "frames", "possible"),
        [
            (1, 1, 0, r"1, 2, 3, \.\.\."),
            (1, 1, -8, r"1, 2, 3, \.\.\."),
            (2, 1, 1, r"2, 3, 4, \.\.\."),
            (1, 4, 0, r"4, 8, 12, \.\.\."),
            (1, 4, 3, r"4, 8, 12, \.\.\."),
            (1, 4, 5, r"4 or 8 \(multiples of 4\)"),
            (1, 8, 30, r"24 or 32 \(multiples of 8\)"),
        ],
    )
    def test_impossible_frames(self, least: int, multiple: int, frames: int, possible: str):
        """What a net cannot take is refused with what it can."""
        with pytest.raises(InputError, match=f"^net-a cannot take {frames} frames; it takes {possible}$"):
            variant(frames_min=least, frames_multiple=multiple).check_frames(frames)

    def test_size(self):
        """A size below the total stride is refused with the least."""
        variant().check_size(32)
        told = r"frames of 31 x 31: its total stride is 32; it takes sizes of 32, 33, 34, \.\.\.$"
        with pytest.raises(InputError, match=told):
            variant().check_size(31)

    @pytest.mark.parametrize(
        ("size", "possible"),
        [(31, r"60, 64, 68, \.\.\."), (56, r"60, 64, 68, \.\.\."), (66, r"64 or 68 \(multiples of 4\)")],
    )
    def test_impossible_sizes(self, size: int, possible: str):
        """A net with a least size and a step says which sizes are near."""
        net = variant(size_min=57, size_multiple=4)
        net.check_size(60)
        with pytest.raises(InputError, match=rf"frames of {size} x {size}.*; it takes sizes of {possible}$"):
            net.check_size(size)

    def test_fixed(self):
        """A net for one clip alone takes that one, and says why."""
        fixed = variant(size_fixed=True, frames_fixed=True, clip_reason="it knows no other")
        fixed.check_size(224)
        fixed.check_frames(8)
        with pytest.raises(InputError, match=r"256 x 256: it knows no other; it takes sizes of 224 alone$"):
            fixed.check_size(256)
        with pytest.raises(InputError, match=r"cannot take 16 frames: it knows no other; it takes 8 alone$"):
            fixed.check_frames(16)

    def test_reason_of_a_size(self):
        """Where the stride alone sets the least size, that is the reason, not what is said of frames."""
        net = variant(frames_multiple=4, clip_reason="it takes fours")
        with pytest.raises(InputError, match=r"31 x 31: its total stride is 32; it takes sizes of 32, 33, 34, \.\.\.$"):
            net.check_size(31)
        with pytest.raises(InputError, match="48 x 48: it takes fours; it takes sizes of 32 or 64"):
            variant(size_multiple=32, clip_reason="it takes fours").check_size(48)

    def test_built_for(self):
        """Of a clip counts what the parameters follow."""
        assert variant().built_for(8, 224) == {}
        assert variant(params_follow=("frames",)).built_for(8, 224) == {"frames": 8}
        assert find_variant("mynets:Net").built_for(8, 96) == {"frames": 8, "size": 96}


class TestPublished:
    def test_at(self):
        """Figures count for a setting if frames, size and the data set's classes are the same and GMACs are known."""
        right = published()
        others = [
            published(frames=16),
            published(size=256),
            published(size=None),
            published(dataset="SSv2"),
            published(gmacs=None),
        ]
        assert variant(published=(*others, right)).published_at(8, 224, 400) == (right,)
        assert variant(published=(*others, right)).published_at(8, 224, 174) == (others[3],)
        assert variant(published=(*others, right)).published_at(8, 224, 10) == ()

    def test_headline(self):
        """The one figure to show has GMACs first of all, then the net's own classes, its default clip, an accuracy."""
        order = [
            published(top1=70.0),
            published(),
            published(frames=16, top1=70.0),
            published(dataset="SSv2", top1=70.0),
            published(gmacs=None, top1=70.0),
        ]
        while order:
            assert variant(published=tuple(reversed(order))).headline() is order[0]
            order = order[1:]
        assert variant().headline() is None

    def test_headline_of_a_real_net(self):
        """VoV3D-L's is Kinetics-400 at its default clip."""
        headline = variants()["vov3d-l"].headline()
        assert (headline.gmacs, headline.dataset, headline.frames, headline.size) == (9.3, "K400", 16, 224)
