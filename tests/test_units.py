"""Numbers are printed with about four digits, a column in one unit."""

import pytest

from vidbench.units import (
    Scale,
    column_scale,
    format_days,
    format_figure,
    format_number,
    format_signed,
    format_tolerance,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.00"),
        (0.00001234, "1.23e-05"),
        (0.012345, "0.0123"),
        (0.1, "0.10"),
        (4.7264, "4.73"),
        (99.99, "99.99"),
        (100, "100.0"),
        (999.9, "999.9"),
        (1000, "1,000"),
        (1234567.8, "1,234,568"),
        (-4.7264, "-4.73"),
        (-1234.5, "-1,234"),
    ],
)
def test_format_number(value: float, text: str):
    """Two decimals below 100, one below 1,000, none above, three significant digits of what is small."""
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.01, "±1%"), (0.0123, "±1.2%"), (0.0004, "±0.04%"), (0.25, "±25%"), (1.4, "±140%")]
)
def test_format_tolerance(share: float, text: str):
    """Two digits of what is small, whole percents of what is not."""
    assert format_tolerance(share) == text


class TestColumnScale:
    @pytest.mark.parametrize(
        ("values", "unit", "label", "texts"),
        [
            ([1.5, 20], "seconds", "s", ["1.50", "20.00"]),
            ([0.0025, 3], "seconds", "ms", ["2.50", "3,000"]),
            ([0.0000025, 3], "seconds", "µs", ["2.50", "3,000,000"]),
            ([2 * 1024**3], "bytes", "GiB", ["2.00"]),
            ([2 * 1024**3, 1.5 * 1024**2], "bytes", "MiB", ["2,048", "1.50"]),
            ([512], "bytes", "KiB", ["0.50"]),
            ([7], "clips/s", "clips/s", ["7.00"]),
        ],
    )
    def test_smallest_decides(self, values: list[float], unit: str, label: str, texts: list[str]):
        """A column has the largest unit in which its smallest value is at least one, or the smallest there is."""
        scale = column_scale(values, unit)
        assert scale.label == label
        assert [scale.format(value) for value in values] == texts

    def test_unknown_and_zero(self):
        """What is unknown or nothing has no say, and is printed as a dash or a zero."""
        scale = column_scale([None, 0.0, 0.002, None], "seconds")
        assert scale.label == "ms"
        assert [scale.format(value) for value in (None, 0.0)] == ["–", "0.00"]

    def test_nothing_known(self):
        """A column without a value has a unit all the same."""
        assert column_scale([None], "seconds") == Scale(1e-6, "µs")

    @pytest.mark.parametrize(
        ("unit", "label"), [("MACs", "GMACs"), ("parameters", "M"), ("share", "%"), ("clips/s", "clips/s")]
    )
    def test_one_unit(self, unit: str, label: str):
        """What papers print in one unit has it whatever the figures; what has no prefixes stays as it is."""
        assert {column_scale([value], unit).label for value in (1e-3, 1.0, 1e12)} == {label}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (163_900_000, "+0.16 G"),
        (-4_120, "-4.12 k"),
        (99_000_000, "+99.00 M"),
        (62, "+0.062 k"),
        (0, "+0.00 k"),
    ],
)
def test_format_signed(value: float, text: str):
    """A difference has its sign, and the largest unit of which it is a tenth or more."""
    assert format_signed(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.01234, "seconds", "12.34 ms"),
        (3 * 1024**2, "bytes", "3.00 MiB"),
        (4_730_000_001.0, "MACs", "4,730,000,001"),
        ((1e9, 2e9 + 1), "MACs", "1,000,000,000 to 2,000,000,001"),
        (49.5, "clips/s", "49.50 clips/s"),
        (None, "seconds", "–"),
    ],
)
def test_format_figure(value: float, unit: str, text: str):
    """A figure alone has its own unit; what is counted has all of its digits, and what is unknown a dash."""
    assert format_figure(value, unit) == text


def test_format_days():
    """Times of one day are that day, of several the first and the last."""
    assert format_days(["2026-11-21T23:59:59+00:00", "2026-11-21T00:00:00+00:00"]) == "2026-11-21"
    assert format_days(f"2026-{month}-30T12:00:00+00:00" for month in (10, "09", 11)) == "2026-09-30 to 2026-11-30"
