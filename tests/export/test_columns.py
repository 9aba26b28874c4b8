"""Which columns a table for a paper has, and in which unit."""

import pytest
from examples import latency, macs, record

from vidbench.errors import InputError
from vidbench.export.columns import NAMES, axes_of_comparison, choose_headings
from vidbench.metrics import METRICS
from vidbench.records import Measurement
from vidbench.table import COLUMNS, rows


def flat(*records) -> list[dict]:
    return [{**row, "top1": None} for row in rows(records, {})]


def keys(*records, names=None) -> list[str]:
    return [one.column.name for one in choose_headings(flat(*records), names)]


class TestDefault:
    def test_what_was_measured(self):
        """The clip, and of the usual metrics those of which something is known."""
        assert keys(record(macs(), latency())) == ["model", "frames", "size", "macs", "latency"]

    @pytest.mark.parametrize(
        ("change", "shown"),
        [({"batch": 8}, True), ({"dtype": "bf16"}, True), ({"mode": "compile"}, True), ({"task": "train"}, True),
         ({"weights": "file"}, True), ({"clip": "a.mp4"}, True), ({"classes": 7}, True),
         ({"model": "x3d-l", "classes": 7, "clip": "a.mp4"}, False)],
    )  # fmt: skip
    def test_what_tells_rows_apart(self, change, shown):
        """A setting has a column where rows differ in it; the clip and classes only where one net has several."""
        added = set(keys(record(), record(**change))) - {"model", "frames", "size"}
        assert added == ({next(iter(change))} if shown else set())

    def test_memory(self):
        """Predicted memory is there where none is measured."""
        predicted, peak = (
            Measurement(metric=name, value=1.0, unit="bytes", method="") for name in ("predicted_memory", "peak_memory")
        )
        assert keys(record(predicted))[-1] == "predicted_memory"
        assert keys(record(predicted, peak))[3:] == ["peak_memory"]


class TestChosen:
    def test_names(self):
        """Those asked for, in that order; all columns of rows and all metrics can be."""
        assert keys(record(), names=["latency", "model"]) == ["latency", "model"]
        assert set(COLUMNS) <= set(NAMES)
        assert len(choose_headings(flat(record()), NAMES)) == len(NAMES)

    @pytest.mark.parametrize(("name", "near"), [("latncy", "latency"), ("memory", "peak_memory"), ("Model", "model")])
    def test_unknown(self, name, near):
        """A name that is none is answered with the nearest."""
        with pytest.raises(InputError, match=rf"no column '{name}'; did you mean .*\b{near}\b"):
            choose_headings(flat(record()), ["model", name])


class TestUnits:
    def test_heads(self):
        """Every metric has a head and its unit; parameters are in millions, MACs in billions, shares in percent."""
        wanted = {"params": "M", "macs": "", "latency": "ms", "latency_precision": "%", "throughput": "clips/s"}
        found = choose_headings(flat(record(macs(), latency(0.02))), [*wanted])
        assert {one.column.name: one.scale.label for one in found} == wanted
        assert {one.column.name: one.head for one in found}["macs"] == "GMACs"
        video = choose_headings(flat(record(macs(), views="10x3")), ["macs_per_video", "seconds_per_video"])
        assert [(one.head, one.column.better) for one in video] == [
            ("GMACs per video", "lower"),
            ("Time per video", "lower"),
        ]
        every = choose_headings(flat(record()), [name for name in METRICS if name in COLUMNS])
        assert all(one.head[:1].isupper() and one.column.better for one in every)


def test_axes():
    """Rows compete within their setting, and at one length where a net has several in the same setting."""
    assert axes_of_comparison(flat(record(), record(frames=32, model="x3d-l")))[0] == "batch"
    assert axes_of_comparison(flat(record(), record(frames=32)))[0] == "frames"
    assert axes_of_comparison(flat(record(), record(frames=32, batch=8)))[0] == "batch"
    assert {"batch", "dtype", "mode", "task", "environment"} <= set(axes_of_comparison(flat(record())))
