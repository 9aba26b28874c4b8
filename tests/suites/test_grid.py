"""A grid is every combination, of which none is impossible."""

import pytest

from vidbench.catalog import find_variant
from vidbench.errors import InputError
from vidbench.records import Case
from vidbench.suites import combine, expand_grid, list_left_out

VOV3D, SLOWFAST = find_variant("vov3d-l"), find_variant("slowfast-8x8-r50")


class TestGrid:
    def test_defaults(self):
        """Where nothing is given, each net has its own clip and classes."""
        ssv2 = find_variant("slowfast-16x8-r50-ssv2")
        assert expand_grid([VOV3D, ssv2]) == [
            Case(model="vov3d-l", classes=400, frames=16, size=224),
            Case(model="slowfast-16x8-r50-ssv2", classes=174, frames=64, size=224),
        ]

    def test_order(self):
        """Net by net, and of each the frames vary fastest, then batch, precision and size."""
        cases = expand_grid(
            [VOV3D, SLOWFAST], frames=[8, 16], sizes=[32, 64], batches=[1, 2], dtypes=["fp32", "bf16"], classes=10
        )
        assert {case.classes for case in cases} == {10}
        assert [(case.model, case.size, case.dtype, case.batch, case.frames) for case in cases] == [
            (model, size, dtype, batch, frames)
            for model in ("vov3d-l", "slowfast-8x8-r50")
            for size in (32, 64)
            for dtype in ("fp32", "bf16")
            for batch in (1, 2)
            for frames in (8, 16)
        ]

    def test_shared(self):
        """What all cases share is handed on."""
        (case,) = expand_grid([VOV3D], device="cuda:1", clip="a.mp4", threads=2, weights="given")
        assert (case.device, case.clip, case.threads, case.weights) == ("cuda:1", "a.mp4", 2, "given")

    def test_views(self):
        """Views are the same for all cases, written in one way."""
        assert [case.views for case in expand_grid([VOV3D], frames=[8, 16], views=" 10 x 03")] == ["10x3"] * 2
        assert [case.views for case in expand_grid([VOV3D])] == [None]

    def test_impossible_clip(self):
        """A clip that one of the nets cannot take is refused before anything is measured."""
        with pytest.raises(InputError, match="slowfast-8x8-r50 cannot take 6 frames; it takes 4 or 8"):
            expand_grid([VOV3D, SLOWFAST], frames=[8, 6])
        with pytest.raises(InputError, match="vov3d-l cannot take frames of 16 x 16"):
            expand_grid([VOV3D], sizes=[224, 16])

    def test_matched(self):
        """A net that a pattern stands for goes without what it cannot take, down to nothing; others are refused."""
        nets, matched = [SLOWFAST, VOV3D], {SLOWFAST.name}
        cases = expand_grid(nets, matched=matched, frames=[8, 6], sizes=[32, 64], repeats=2)
        assert {(case.model, case.frames) for case in cases} == {(SLOWFAST.name, 8), ("vov3d-l", 8), ("vov3d-l", 6)}
        assert len(cases) == 2 * (2 + 4)
        (reason,) = list_left_out(nets, matched, [8, 6], [32, 64])
        assert reason.startswith("slowfast-8x8-r50 cannot take 6 frames")
        assert expand_grid([SLOWFAST], matched=matched, frames=[6]) == []
        with pytest.raises(InputError, match="vov3d-l cannot take frames of 16 x 16"):
            expand_grid(nets, matched=matched, sizes=[16])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"frames": [0]}, "frames cannot be 0; give 1 or more with --frames"),
        ({"sizes": [-224]}, "size cannot be -224; give 1 or more with --size"),
        ({"batches": [1, 0]}, "batch cannot be 0; give 1 or more with --batch"),
        ({"threads": 0}, "threads cannot be 0; give 1 or more with --threads"),
        ({"views": "10x0"}, "--views takes clips x crops, both 1 or more, such as 10x3, not '10x0'"),
        ({"classes": -1}, "classes cannot be -1; give 1 or more with --classes"),
    ],
)
def test_numbers(wrong: dict, message: str):
    """A number below one is refused with the option that sets it, also for a net that is not of the catalog."""
    assert combine("Own", classes=None, frames=[8], sizes=[224])
    with pytest.raises(InputError, match=f"^{message}$"):
        combine("Own", **{"classes": None, "frames": [8], "sizes": [224], **wrong})
