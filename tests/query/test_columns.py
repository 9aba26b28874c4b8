"""What is known of a column: its unit, which way is better, and the amounts that are compared with it."""

import pytest

from vidbench.errors import InputError
from vidbench.metrics import METRICS
from vidbench.query.columns import NAMES, find_column, find_columns, parse_amount, shared_scale


@pytest.mark.parametrize(
    ("name", "unit", "better"),
    [
        ("latency", "seconds", "lower"),
        ("latency_p99", "seconds", "lower"),
        ("latency_precision", "share", None),
        ("latency_between", "share", None),
        ("latency_count", "", None),
        ("throughput", "clips/s", "higher"),
        ("macs_most", "MACs", "lower"),
        ("macs_convention", "", None),
        ("seconds_per_video", "seconds", "lower"),
        ("top1", "%", "higher"),
        ("frames", "", None),
        ("family", "", None),
    ],
)
def test_columns(name, unit, better):
    """Parts of a metric have its unit; shares and counts have their own; settings are neither good nor bad."""
    column = find_column(name)
    assert (column.name, column.unit, column.better) == (name, unit, better)


def test_every_name_is_a_column():
    """All columns of rows can be asked for, with the metrics' units."""
    assert [find_column(name).name for name in NAMES] == list(NAMES)
    assert all(find_column(name).unit == METRICS[name].unit for name in METRICS if name in NAMES)


def test_unknown_names():
    """A wrong name is answered with the nearest, or with what there is."""
    with pytest.raises(InputError, match="no column 'latencey'; did you mean latency"):
        find_columns("model, latencey")
    with pytest.raises(InputError, match="there are model, family, classes, frames"):
        find_column("zzz")


@pytest.mark.parametrize(
    ("name", "text", "amount"),
    [
        ("latency", "20ms", 0.02),
        ("latency", " 1.5 s ", 1.5),
        ("latency", "30µs", 30e-6),
        ("peak_memory", "4GB", 4e9),
        ("peak_memory", "4gib", 4 * 2**30),
        ("throughput", "100", 100),
        ("params", "10M", 10e6),
        ("params", "10e6", 10e6),
        ("macs", "10G", 10e9),
    ],
)
def test_amounts(name, text, amount):
    """Units are the column's, in any letters."""
    assert parse_amount("--max", text, find_column(name)) == pytest.approx(amount)


@pytest.mark.parametrize(
    ("name", "text", "example"),
    [
        ("latency", "20", "20ms"),
        ("latency", "20MB", "20ms"),
        ("peak_memory", "4", "4GB"),
        ("params", "ten", "10M"),
        ("macs", "-5G", "10G"),
        ("macs", "0", "10G"),
        ("macs", "1e999", "10G"),
        ("macs", "1.2.3", "10G"),
        ("throughput", "", "100"),
    ],
)
def test_wrong_amounts(name, text, example):
    """What is no amount, or would leave open in which unit it is, is refused with an example."""
    with pytest.raises(InputError, match=f"--max takes an amount.* such as {example}"):
        parse_amount("--max", text, find_column(name))


@pytest.mark.parametrize(
    ("name", "values", "label"),
    [
        ("params", [100], "M"),
        ("macs", [1e12], "GMACs"),
        ("latency_between", [0.2], "%"),
        ("latency", [0.02, 4.0, None], "ms"),
        ("idle_power", [40.0], "W"),
        ("frames", [16], ""),
        ("latency_count", [20], ""),
    ],
)
def test_scales(name, values, label):
    """A column is printed in one unit, what papers print in a fixed one in that; plain numbers in none."""
    scale = find_column(name).scale(values)
    assert scale.label == label
    assert label or scale.factor == 1


def test_shared_scale():
    """A median and its 90th percentile have one unit, that of the smallest; a metric of another unit has no say."""
    columns = [find_column(name) for name in ("latency", "latency_p90", "params")]
    rows = [{"latency": 0.5, "latency_p90": 2.0, "params": 1e-6}]
    assert [shared_scale(column, columns, rows).label for column in columns] == ["ms", "ms", "M"]


@pytest.mark.parametrize(
    ("name", "metric", "sampled"),
    [("macs", "macs", False), ("macs_min", "macs", False), ("latency_p99", "latency", True),
     ("latency_precision", "latency", True), ("latency_count", None, False), ("videos_per_second", None, True),
     ("macs_convention", None, False)],
)  # fmt: skip
def test_metrics(name, metric, sampled):
    """A part of a metric's figure is of that metric; a count of samples, and what is said of it, is of none."""
    assert (find_column(name).metric, find_column(name).sampled) == (metric, sampled)
