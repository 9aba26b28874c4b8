"""What is known of a column: its unit, which way is better, and the amounts that are compared with it."""

import pytest

from vidbench.errors import InputError
from vidbench.metrics import METRICS
from vidbench.query.columns import NAMES, find_column, find_columns, parse_amount


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
