"""The picture of explanations: what each point and bar stands for, and that every word of it can be read."""

from dataclasses import replace
from functools import cache
from itertools import combinations

import pytest
from explanations import LAPTOP, SLOW, X3D, counted, estimated, explain, of_twelve_kinds, on_gpu, slow, x3d
from matplotlib.figure import Figure
from matplotlib.text import Text

from vidbench.plots.explanation import draw
from vidbench.plots.files import style

SLOW_CASE = {"model": "slow-8x8-r50", "frames": 8}
PICTURES = {
    "one": lambda: [x3d()],
    "two": lambda: [x3d(), slow()],
    "twelve kinds": lambda: [of_twelve_kinds()],
    "two precisions": lambda: [of_twelve_kinds(), slow(dtype="bf16", peaks=replace(LAPTOP, macs_per_second=2e11))],
    "estimated": lambda: [estimated()],
    "waiting": lambda: [on_gpu(), on_gpu(SLOW, **SLOW_CASE)],
    "untimed": lambda: [counted(), counted(SLOW, **SLOW_CASE)],
    "long names": lambda: [x3d(model="tadaconvnextv2-small-ssv2"), slow(model="slowfast-16x8-r101-50-50-nl", batch=16)],
    "measured twice": lambda: [x3d(), slow(peaks=replace(LAPTOP, macs_per_second=125e9, bytes_per_second=19e9))],
    "nothing contracted": lambda: [explain([row for row in X3D if row[5] == 0])],
    "no roof": lambda: [x3d(peaks=None)],
    "one of two timed": lambda: [counted(), slow()],
}


@cache
def drawn(name: str) -> Figure:
    with style():
        figure, _ = draw(PICTURES[name]())
        figure.draw_without_rendering()
    return figure


def words(figure: Figure) -> list[Text]:
    """All that is written level or upright, without labels of ticks beyond the axes, which are never drawn."""
    beyond = {
        text
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
        for text in (tick.label1, tick.label2)
    }
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [text for text in texts if text not in beyond and text.get_rotation() in (0, 90)]


def texts(name: str) -> list[str]:
    return [text.get_text() for text in drawn(name).findobj(Text) if text.get_visible()]


@pytest.mark.parametrize("name", PICTURES)
def test_every_word_can_be_read(name):
    """No text covers another one, and none is cut off at the edge."""
    figure = drawn(name)
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in words(figure)]  # without lines to markers
    assert len(boxes) > 10
    for text, box in boxes:
        assert figure.bbox.count_contains(box.corners()) == 4, f"{text!r} is cut"
    for (one, first), (other, second) in combinations(boxes, 2):
        assert not first.shrunk(1, 0.8).overlaps(second.shrunk(1, 0.8)), f"{one!r} covers {other!r}"


def test_points():
    """A point a kind of contraction and filter: its MACs a byte, its rate, and an area by its share of the time."""
    explanation = x3d()
    points = {tuple(one.get_offsets()[0]): one.get_sizes()[0] for one in drawn("one").findobj(is_point)}
    kernels = {kind.name + kind.kernel: kind.work for kind in explanation.kernels}
    for name, work in kernels.items():
        place = (work.intensity, work.macs_per_second)
        shown = work.macs > 0 and explanation.share_of_time(work) >= 0.005
        assert (place in points) == shown, name
    assert len(points) == 4
    depthwise, dense = kernels["depthwise convolution3x3x3"], kernels["dense convolution1x3x3"]
    areas = [points[work.intensity, work.macs_per_second] for work in (depthwise, dense)]
    assert areas[0] / areas[1] == pytest.approx(depthwise.seconds / dense.seconds, rel=0.3)


def is_point(artist: object) -> bool:
    return type(artist).__name__ == "PathCollection"


@pytest.mark.parametrize("name", ["one", "estimated"])
def test_roof(name):
    """The roof rises with the bandwidth up to the peak; it is dashed, and says so, where it is of a datasheet."""
    (explanation,) = PICTURES[name]()
    axes = drawn(name).axes[1]
    assert axes.get_xlabel() == "MACs per byte"
    (line,) = axes.get_lines()
    x, y = line.get_data()
    assert list(y) == [x[0] * explanation.peaks.bytes_per_second, *2 * [explanation.peaks.macs_per_second]]
    assert x[1] == explanation.peaks.macs_per_second / explanation.peaks.bytes_per_second
    assert line.get_linestyle() == ("--" if explanation.peaks.estimate else "-")
    notes = [text.get_text() for text in axes.texts]
    assert any("(datasheet)" in note for note in notes) == explanation.peaks.estimate


def test_bars():
    """Each bar is of its kinds' shares, in one order, and full; the time outside of operators ends the last one."""
    explanation = x3d()
    axes = drawn("one").axes[0]
    bars = [(round(bar.get_y()), bar.get_x(), bar.get_width()) for bar in axes.patches]
    for place in range(3):
        assert sum(width for row, _, width in bars if row == place) == pytest.approx(1)
    depthwise = next(kind.work for kind in explanation.kinds if kind.name == "depthwise convolution")
    shares = [explanation.share_of_macs(depthwise), explanation.share_of_bytes(depthwise)]
    for share in (*shares, explanation.share_of_time(depthwise)):
        assert any(width == pytest.approx(share) for *_, width in bars)
    row, left, width = bars[-1]
    assert (row, left + width) == (2, pytest.approx(1))
    assert width == pytest.approx(explanation.outside / explanation.total)


def test_one():
    """The title has the setting, bars their totals, the legend all kinds; what contracts nothing is told of below."""
    found = texts("one")
    for text in ("x3d-m 16x224\nbatch 1, fp32, Laptop CPU, 2 threads", "MACs\n4.73 G", "bytes\n2.20 GiB",
                 "time\n257.1 ms", "depthwise 3x3x3", "1x1x1 convolution", "120.0 GMACs/s", "20.00 GB/s", "GMACs/s",
                 "normalisation", "elementwise", "in no operator", "all else, each under 1%"):  # fmt: skip
        assert text in found, text
    assert any("what contracts nothing (40% of it) is left out" in text for text in found)
    assert "linear" not in found  # in less than 1% of everything


def test_two():
    """Both nets have their name over their bars and beside their marker, with what tells them apart."""
    found = texts("two precisions")
    assert found.count("everything 16x224 fp32") == found.count("slow-8x8-r50 8x224 bf16") == 2
    assert "everything 16x224 fp32 against slow-8x8-r50 8x224 bf16\nbatch 1, Laptop CPU, 2 threads" in found
    assert {"depthwise 3x3x3", "dense 1x3x3", "120.0 GMACs/s (fp32)", "200.0 GMACs/s (bf16)"} <= set(found)
    assert texts("two").count("x3d-m 16x224") == texts("two").count("slow-8x8-r50 8x224") == 2


def test_untimed():
    """Without times there are two bars a net, as wide as a column, and no roofline."""
    found = texts("untimed")
    assert "x3d-m 16x224 against slow-8x8-r50 8x224\nbatch 1, fp32, counted on meta" in found
    assert {"MACs\n4.73 G", "MACs\n41.74 G"} <= set(found)
    assert not any(text.startswith(("time", "MACs per byte", "in no operator")) for text in found)
    assert drawn("untimed").get_figwidth() < drawn("one").get_figwidth() / 2


def test_launches():
    """On a GPU the time outside of operators is the wait for launches; estimated times are called so."""
    assert "waiting for launches" in texts("waiting")
    found = texts("estimated")
    assert "x3d-m 16x224\nbatch 1, fp32, estimated for a100-sxm-40gb" in found
    assert any(text.startswith("est. time\n") for text in found)
    assert any("Roof printed, not measured: " in text for text in found)


def test_odd_nets():
    """Nets that contract nothing, that know no roof, or of which only one was timed, are drawn as far as it goes."""
    assert "MACs per byte" not in texts("nothing contracted")
    assert "depthwise 3x3x3" in texts("no roof")
    assert not any("GB/s" in text for text in texts("no roof"))
    assert "dense 1x3x3" in texts("one of two timed")


def test_one_roof_a_device():
    """Peaks that were measured anew for the second net make no second roof; the higher ones are the device's."""
    assert {text for text in texts("measured twice") if "GMACs/s" in text} == {"GMACs/s", "125.0 GMACs/s"}
    assert [text for text in texts("measured twice") if "GB/s" in text] == ["20.00 GB/s"]


def test_command(vidbench, tmp_path):
    """`--picture` draws what is explained."""
    path = tmp_path / "x3d.svg"
    done = vidbench("explain", "x3d-m", "--frames", "4", "--size", "64", "--device", "meta", "--picture", str(path))
    assert done.code == 0, done.err
    assert ">depthwise convolution</text>" in path.read_text()
