"""Pictures of results by matplotlib: what is in them is what pictures.py has."""

import pytest
from examples import environment, latency, macs, record

from vidbench.pictures.drawn import BARS, CURVES
from vidbench.pictures.entries import gather_entries
from vidbench.plots.files import style
from vidbench.plots.results import draw
from vidbench.records import Measurement

HERE = {"k1": environment(), "k2": environment(device="AMD EPYC", driver=None)}


def drawn(kind, *records, dataset=None):
    with style():
        found = draw(kind, gather_entries(records, HERE), dataset)
    assert found is not None
    return found[0]


def panels(figure):
    return [axes for part in figure.subfigs for axes in part.axes if axes.axison]


def words(axes):
    return {text.get_text() for text in axes.texts}


def test_points():
    """A marker a net at its cost and accuracy, the front as a line, each named."""
    figure = drawn(
        "accuracy-macs",
        record(macs()),
        record(macs(9e9), model="vov3d-l"),
        record(macs(9e10), model="c2d-8x8-r50", frames=8),
    )
    (axes,) = panels(figure)
    places = [tuple(marker.get_offsets()[0]) for marker in axes.collections]
    assert sorted(places) == [(4.73, 76.2), (9.0, 76.3), (90.0, 67.2)]
    (front,) = axes.get_lines()
    assert list(front.get_xdata()) == [4.73, 9.0]
    assert words(axes) == {"x3d-m", "vov3d-l", "c2d-8x8-r50"}


def test_another_size():
    """A net whose accuracy is published at another size has a star, which the caption explains."""
    figure = drawn("accuracy-macs", record(macs()), record(macs(9e9), model="tada2d-r50", frames=8))
    assert words(panels(figure)[0]) == {"x3d-m", "tada2d-r50*"}
    assert "at this size or (*) at the nearest within 15%" in figure.get_supxlabel().replace("\n", " ")


def test_data_sets():
    """A panel a data set, or the one that was asked for."""
    both = record(macs(), model="blvnet-tam-50", classes=174)
    titles = [axes.get_title(loc="left") for axes in panels(drawn("accuracy-macs", both))]
    assert titles == ["Top-1 on SSv1, counted", "Top-1 on SSv2, counted"]
    (axes,) = panels(drawn("accuracy-macs", both, dataset="ssv2"))
    assert axes.get_title(loc="left").startswith("Top-1 on SSv2")


def test_curves():
    """A line a net, through its figures, in a panel a machine; very many nets leave some out and say so."""
    here = [record(latency(0.01 * at), frames=at, batch=batch) for at in (8, 16) for batch in range(1, CURVES + 3)]
    there = [record(latency(0.1 * at), frames=at, environment="k2") for at in (8, 32)]
    first, second = panels(drawn("growth", *here, *there))
    assert list(first.get_lines()[0].get_ydata()) == [pytest.approx(800), pytest.approx(3200)]  # ms
    assert len(second.get_lines()) == CURVES
    assert f"(the first {CURVES} of {CURVES + 2})" in second.get_title(loc="left").replace("\n", " ")


def test_bars():
    """A bar a case in three parts, the measured peak as a line, and no more of them than fit."""
    parts = {"weights": 2**20, "inputs": 2**20, "activations": 2**21}
    memory = Measurement(metric="predicted_memory", value=2.0**22, unit="bytes", method="m", details=parts)
    peak = Measurement(metric="peak_memory", value=2.0**23, unit="bytes", method="m")
    many = [record(memory, peak, batch=batch) for batch in range(BARS + 5)]
    (axes,) = panels(drawn("memory", *many))
    assert len(axes.patches) == 3 * BARS
    assert len(axes.get_lines()) == BARS
    assert axes.patches[2 * BARS].get_width() == pytest.approx(2 * axes.patches[0].get_width())


def test_nothing():
    """Without a case that fits there is no figure."""
    with style():
        assert draw("growth", gather_entries([record(macs())], HERE), None) is None
