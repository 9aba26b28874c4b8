"""Published figures against ours: each reason is found by recomputing, and the headline ratios are as counted."""

from dataclasses import replace

import pytest

from vidbench.catalog import Published, families, variants
from vidbench.claims import UNEXPLAINED, Cost, Measured, Setting, answer_claims, check_rows, load_claims, sum_up
from vidbench.claims.printed import cut_to, rounds_to
from vidbench.run import Tally


@pytest.fixture(scope="module")
def tally():
    """One tally for all, so that what several tests ask is counted once."""
    return Tally()


@pytest.fixture(scope="module")
def finding(tally):
    """The finding of a variant's row by data set, size and printed GMACs."""

    def find(name, gmacs, dataset="K400", size=None, frames=None):
        family = families()[variants()[name].family]
        only = replace(family, variants={name: family.variants[name]})
        rows = [
            row
            for row in check_rows([only], tally)
            if row.published.gmacs == gmacs
            and row.published.dataset == dataset
            and size in (None, row.setting.size)
            and frames in (None, row.setting.frames)
        ]
        return rows[0]

    return find


def lines(family, tally, measuring=None):
    """The answers of a family's claim."""
    return answer_claims([claim for claim in load_claims() if claim.family == family], tally, measuring)


def by_pair(answers, quantity):
    """Ratio and verdict of a quantity by the names of the pair."""
    return {
        (str(a.pair.ours), str(a.pair.rival)): (a.ratio and round(a.ratio, 2), a.verdict)
        for a in answers
        if a.quantity == quantity
    }


class TestPrinted:
    @pytest.mark.parametrize(("value", "printed"), [(9.25, 9.3), (9.35, 9.3), (105.5, 106), (11.04, 11.0), (0.55, 0.6)])
    def test_rounding_is_judged_by_the_printed_digits(self, value, printed):
        """A printed 9.3 covers 9.25 to 9.35, a printed 106 covers 105.5 to 106.5."""
        assert rounds_to(value, printed)
        assert not cut_to(value, printed)

    def test_digits_may_be_cut_off(self):
        """106.51 cut off is 106, which it does not round to; 107.2 is neither."""
        assert cut_to(106.51, 106)
        assert not rounds_to(106.51, 106)
        assert not cut_to(107.2, 106)


class TestRows:
    def test_vov3d_on_kinetics_is_at_another_crop(self, finding):
        """The 9.3 G of VoV3D-L is at 224, its rows beside it at 256; 6.297 M is printed as 6.2."""
        row = finding("vov3d-l", 9.3)
        assert row.note == "published 9.3 is at a 224 crop; its sibling rows are at 256, where it would be 12.16"
        assert row.reasons == {"params": "6.2 is 6.297 cut off after its last digit, not rounded"}

    def test_a_paper_counts_as_we_do_and_pytorchvideo_adds_normalisation(self, finding):
        """SlowFast 4x16: 36.1 G in the paper are our MACs, pytorchvideo's 36.69 G have batch normalisation in them."""
        assert finding("slowfast-4x16-r50", 36.1).reasons == {}
        row = finding("slowfast-4x16-r50", 36.69)
        assert row.reasons == {
            "macs": "pytorchvideo's figure counts batch normalisation "
            "(0.59 G: 5 an element, as fvcore counts in training)"
        }
        assert row.macs_difference == pytest.approx(-1.61, abs=0.01)

    @pytest.mark.parametrize(
        ("name", "frames", "size", "printed"),
        [
            ("x3d-xs", 4, 182, 0.91),
            ("x3d-m", 16, 256, 6.72),
            ("x3d-l", 16, 356, 26.64),
            ("csn-101", 32, 256, 75.62),
            ("r2plus1d-50", 16, 256, 76.45),
            ("c2d-8x8-r50", 8, 256, 25.89),
            ("i3d-8x8-r50", 8, 256, 37.53),
            ("slow-4x16-r50", 4, 256, 27.55),
            ("slowfast-8x8-r101", 32, 256, 127.2),
        ],
    )
    def test_pytorchvideo_figures_to_the_last_digit(  # noqa: PLR0917
        self, finding, tally, name, frames, size, printed
    ):
        """MACs and five operations an element of batch normalisation are what pytorchvideo prints."""
        cost = tally.cost(Setting(variant=name, classes=400, frames=frames, size=size))
        assert rounds_to((cost.macs + 5 * cost.normalised) / 1e9, printed)
        assert finding(name, printed).reasons["macs"].startswith("pytorchvideo's figure counts batch normalisation")

    @pytest.mark.parametrize(
        ("name", "printed", "whose", "operations"),
        [
            ("mvit-b-16x4", 70.8, "pytorchvideo's figure", 0.2),
            ("mvit-b-32x3", 170.37, "pytorchvideo's figure", 0.41),
            ("mvitv2-l-40x3", 2828, "the figure", 4.7),
        ],
    )
    def test_layer_normalisation(self, finding, name, printed, whose, operations):
        """What is printed of MViT is MACs and five operations an element of layer normalisation."""
        how = f"({operations} G: 5 an element, as fvcore counts)"
        assert finding(name, printed).reasons["macs"] == f"{whose} counts layer normalisation {how}"

    def test_parameters_of_another_net(self, finding):
        """The 217.6 M of MViTv2-L are no net's that its configuration gives; the 213.1 M for 174 classes are."""
        assert finding("mvitv2-l-40x3", 2828).reasons["params"] == UNEXPLAINED
        assert "params" not in finding("mvitv2-l-40x3", 2828, "SSv2").reasons

    def test_two_knobs_together(self, finding, tally):
        """X3D-S is printed with normalisation and with the head run once for each of four windows."""
        cost = tally.cost(Setting(variant="x3d-s", classes=400, frames=13, size=182))
        assert cost.window_macs == 432 * 2048 + 2048 * 400
        assert not rounds_to((cost.macs + 5 * cost.normalised) / 1e9, 2.96)
        assert rounds_to((cost.macs + 5 * cost.normalised + 3 * cost.window_macs) / 1e9, 2.96)
        reason = finding("x3d-s", 2.96).reasons["macs"]
        assert "counts batch normalisation" in reason
        assert "runs the head for each of 4 windows" in reason

    def test_another_crop_and_a_doubled_figure(self, finding):
        """TEA's 70 G are twice a rounded 35 at 224, in rows that name 256, too."""
        doubled = "70 is 34.5 at 8 frames, rounded to 35 and then doubled"
        assert finding("tea-r50", 70, "SSv1", 224).reasons["macs"] == doubled
        there = finding("tea-r50", 70, "SSv2", 256).reasons["macs"]
        assert there == f"published 70 is at a 224 crop; its sibling rows are at 256; {doubled}"

    def test_a_table_at_another_crop_than_it_says(self, finding, tally):
        """mmaction2's table says 224; that its cost is at 256 and counts normalisation is found out."""
        counts = "the figure counts batch normalisation (0.16 G: 2 an element, as fvcore counts in evaluation)"
        row = finding("r2plus1d-34-mm", 53.1)
        assert (row.setting.size, row.reasons) == (256, {"macs": counts})
        family = families()["r2plus1d"]
        variant = replace(family.variants["r2plus1d-34-mm"], published=(replace(row.published, size=224),))
        (told,) = check_rows([replace(family, variants={variant.name: variant})], tally)
        assert told.reasons == {"macs": f"published 53.1 is at a 256 crop, not at the row's 224; {counts}"}

    def test_multiples_of_printed_figures(self, finding):
        """The 1406 G of TAdaFormer-L/14 at 32 frames are twice the 703 printed at 16, not twice our count."""
        assert finding("tadaformer-l14", 1406).reasons["macs"] == "1406 is the 703 printed at 16 frames, doubled"

    def test_parameters_with_other_classes(self, finding):
        """Slow-only's 31.96 M on Something-Something are those of a net with Charades' 157 classes."""
        reason = finding("slow-8x8-r50", 55.1, "SSv2").reasons["params"]
        assert reason == "published 31.96 M is with 157 classes, those of Charades; this row's net has 174"

    def test_what_no_knob_gives_is_unexplained(self, finding):
        """No knob gives 234 G and 59.9 M of SlowFast with non-local blocks, nor the 162 G of TAdaConvNeXtV2-B."""
        assert finding("slowfast-16x8-r101-50-50-nl", 234).reasons == {"params": UNEXPLAINED, "macs": UNEXPLAINED}
        assert finding("tadaconvnextv2-b", 162).reasons == {"macs": UNEXPLAINED}

    @pytest.mark.parametrize(
        ("gmacs", "params_m", "words"),
        [
            (24.06, None, "published are FLOPs, two a multiply-accumulate"),
            (360.9, None, "all 30 views are counted together"),
            (6.01, None, "published 6.01 is of 8 frames, not of 16"),
            (11.53, None, "the classifier is left out (0.5 G)"),
            (
                12.07,
                None,
                "the figure counts batch normalisation (0.04 G: 2 an element, as fvcore counts in evaluation)",
            ),
            (None, 3.0, "published 3.0 M leaves the classifier out (0.80 M)"),
            (20.0, 9.9, UNEXPLAINED),
        ],
    )
    def test_each_other_knob(self, gmacs, params_m, words):
        """Figures made up with one knob are explained by that knob."""

        class Linear:
            def cost(self, setting):
                macs = int(12.03e9 * setting.frames / 16 * (setting.size / 256) ** 2)
                return Cost(
                    macs=macs, params=3_800_000, classifier_macs=500_000_000, classifier_params=800_000,
                    normalised=20_000_000,
                )  # fmt: skip

        published = Published(
            dataset="K400", frames=16, size=256, source="a table", gmacs=gmacs, params_m=params_m, views="10x3"
        )
        family = families()["vov3d"]
        variant = replace(family.variants["vov3d-l"], published=(published,))
        (row,) = check_rows([replace(family, variants={variant.name: variant})], Linear())
        assert set(row.reasons.values()) == {words}


class TestHeadlines:
    def test_blvnet(self, tally):
        """Against ResNet-50 2.7, against ResNet-101 3.9 times fewer MACs; memory needs a device."""
        answers = lines("blvnet-tam", tally)
        ratios = by_pair(answers, "macs")
        assert ratios["blvnet-tam-50 16x224", "tsn-r50 16x224"] == (2.74, "holds")
        assert ratios["blvnet-tam-101 64x224", "tsn-r101 64x224"] == (3.88, "holds")
        assert {verdict for _, verdict in by_pair(answers, "memory").values()} == {"cannot be told here"}

    def test_vov3d(self, tally):
        """SlowFast 16x8 R50 gives the six, TEA with its views the sixteen, the deep SlowFasts more than both."""
        answers = lines("vov3d", tally)
        params, macs, viewed = (by_pair(answers, q) for q in ("params", "macs", "macs_of_all_views"))
        slowfast = ("vov3d-l 16x256", "slowfast-16x8-r50-ssv2 64x256")
        assert (params[slowfast], macs[slowfast]) == ((5.84, "holds"), (10.81, "does not hold"))
        tea = ("vov3d-l 32x256", "tea-r50 16x256")
        assert (params[tea], macs[tea]) == ((4.19, "does not hold"), (3.71, "does not hold"))
        assert viewed[tea] == (18.56, "holds")
        deep = ("vov3d-l 16x224", "slowfast-16x8-r101-50-50-nl 64x256")
        assert (params[deep], macs[deep]) == ((9.54, "holds"), (26.0, "holds"))

    def test_x3d(self, tally):
        """X3D-XL against SlowFast 16x8 R101 with non-local blocks is the pair that the claim is nearest to."""
        answers = lines("x3d", tally)
        pair = ("x3d-xl 16x356", "slowfast-16x8-r101-50-50-nl 64x256")
        assert by_pair(answers, "macs")[pair] == (5.0, "holds")
        assert by_pair(answers, "params")[pair] == (5.41, "does not hold")
        assert sum_up(answers)[-1] == f"nearest to its figures: {pair[0]} against {pair[1]}"

    def test_mvit(self, tally):
        """Of six pairs with TimeSformer four bear out the computation, none the parameters (a third)."""
        answers = lines("mvit", tally)
        params, macs, viewed = (by_pair(answers, q) for q in ("params", "macs", "macs_of_all_views"))
        nearest = ("mvit-b-32x3 32x224", "timesformer-hr 16x448")
        assert (params[nearest], macs[nearest]) == ((3.33, "does not hold"), (10.02, "holds"))
        assert viewed[nearest] == (6.01, "holds")
        small = ("mvit-b-16x4 16x224", "timesformer-base 8x224")
        assert (macs[small], viewed[small]) == ((2.77, "does not hold"), (1.66, "does not hold"))
        assert macs["mvit-b-16x4 16x224", "timesformer-l 96x224"] == (33.71, "holds")
        assert sum_up(answers) == [
            "parameters bear it out in 0 of 6 pairs; GMACs a view bear it out in 4 of 6 pairs; "
            "GMACs of all views bear it out in 4 of 6 pairs; all of it is borne out by no pair",
            f"nearest to its figures: {nearest[0]} against {nearest[1]}",
        ]

    def test_tada(self, tally):
        """The routes add a two-thousandth of the MACs, and an eighth of the parameters."""
        macs, params = lines("tada2d", tally)
        widths = [64] * 3 + [128] * 4 + [256] * 6 + [512] * 3
        assert macs.ours - macs.rival == sum(c * c * (1 + 8 * (3 + 3) // 4) for c in widths)
        assert (macs.verdict, params.verdict) == ("holds", "does not hold")
        assert params.ratio == pytest.approx(1.13, abs=0.01)

    def test_sampling_has_bounds_alone(self, tally):
        """Of sampled nets only bounds can be told, and how many frames may survive where the cost is halved."""
        first, *_ = lines("atfr-sgs", tally)
        assert (first.verdict, first.ratio) == ("cannot be told here", None)
        assert "3.70 to 31.38 G against 31.27 G" in first.why
        assert "halved where 14 of 32 frames" in first.why
        base = 31_274_698_752
        assert 2_810_075_136 + 892_731_392 * 14 <= base / 2 < 2_810_075_136 + 892_731_392 * 15

    def test_with_a_device(self, tally):
        """Memory is judged where it is claimed, latency told beside it, and what failed says so."""
        answers = lines("blvnet-tam", tally, lambda s: Measured(latency=1.0, memory=1.0 if "blv" in s.variant else 2.0))
        assert {pair[1] for pair in by_pair(answers, "memory").values()} == {"holds"}
        assert set(by_pair(answers, "latency").values()) == {(1.0, "cannot be told here")}
        failed = lines("blvnet-tam", tally, lambda s: Measured(failure=f"{s.variant}: out of memory"))
        assert "out of memory" in next(a.why for a in failed if a.quantity == "memory")
