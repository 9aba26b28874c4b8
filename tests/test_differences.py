"""A difference as a line: its size, what it consists of, and what is left."""

import pytest
from examples import macs, record

from vidbench.differences import cross_checks, describe_check, list_doubts
from vidbench.records import CrossCheck


def check(**parts) -> CrossCheck:
    return CrossCheck(**{"counter": "fvcore", "version": "1", "macs": 0, "ours": 0, **parts})


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({}, "fvcore agrees"),
        ({"skipped": {"mean": 2, "mul": 1}}, "fvcore agrees; skipped: mean, mul"),
        (
            {"macs": 190_000_000, "beside": {"batch_norm": 190_000_000}, "skipped": {"mean": 2}},
            "fvcore +0.19 G: batch_norm +0.19 G; skipped: mean",
        ),
        (
            {"ours": 4_000, "beside": {"layer_norm": 1_000}, "missed": {"lstm": 5_000}, "skipped": {"lstm": 1}},
            "fvcore -4.00 k: layer_norm +1.00 k, lstm -5.00 k skipped",
        ),
        ({"macs": 46, "rounded": {"einsum": 46}}, "fvcore +0.046 k: einsum +0.046 k rounded to 4 digits"),
        ({"beside": {"bias": 100}, "missed": {"mv": 100}}, "fvcore +0.00 k: bias +0.10 k, mv -0.10 k skipped"),
        (
            {"macs": 2_000, "unexplained": {"einsum": 3_000, "elsewhere": -1_000}, "unjudged": {"PythonOp.Own": 1}},
            "fvcore +2.00 k; unexplained +3.00 k in einsum, -1.00 k elsewhere, perhaps PythonOp.Own",
        ),
        ({"skipped": dict.fromkeys("abcdefgh", 1)}, "fvcore agrees; skipped: a, b, c, d, e, f and 2 more"),
        ({"macs": None, "ours": None, "failure": "failed: KeyError: x"}, "fvcore failed: KeyError: x"),
    ],
)
def test_describe_check(parts, text):
    """Every part of a difference stands in its line, with its sign."""
    assert describe_check(check(**parts)) == text


def test_cross_checks():
    """They come out of a record as they went in, also by way of a file; a record without them has none."""
    stored = {"counter": "fvcore", "macs": 5, "ours": 3, "beside": {"bias": 2}}
    (found,) = cross_checks(record(macs(details={"cross_check": [stored]})))
    assert (found.difference, found.beside, found.failure) == (2, {"bias": 2}, None)
    assert cross_checks(record(macs())) == cross_checks(record()) == []


def test_doubts():
    """Only what is unexplained, or failed, asks to be looked into."""
    stored = [
        {"counter": "a", "macs": 5, "ours": 3, "beside": {"bias": 2}},
        {"counter": "b", "macs": 5000, "ours": 3000, "unexplained": {"mm": 2000}},
        {"counter": "c", "failure": "failed: it took over 1 s"},
        {"counter": "d", "failure": "was not asked: work depends on the clip"},
    ]
    assert list_doubts(record(macs(details={"cross_check": stored}))) == [
        "x3d-m 16x224: b +2.00 k; unexplained +2.00 k in mm",
        "x3d-m 16x224: c failed: it took over 1 s",
    ]
