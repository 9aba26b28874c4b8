"""Wide tables: a row a setting, clip lengths side by side."""

from examples import environment, latency, macs, record

from vidbench.export.wide import widen
from vidbench.records import Failure
from vidbench.table import rows


def wide(*records, names=None) -> list[dict]:
    return widen(rows(records, {"k1": environment()}), names)


def test_lengths():
    """Each length has a column of each metric, in ascending order, with the very figure of its record."""
    lines = wide(record(macs(4e9), latency(0.02), frames=16), record(macs(2e9), latency(0.01), frames=8))
    assert len(lines) == 1
    (line,) = lines
    assert [key for key in line if "@" in key] == ["macs@8", "macs@16", "latency@8", "latency@16"]
    assert [line[key] for key in line if "@" in key] == [2e9, 4e9, 0.01, 0.02]


def test_settings():
    """Other settings have rows of their own; all rows have the same columns, empty where nothing is known."""
    lines = wide(record(macs()), record(latency(), batch=8), record(latency(), frames=64, model="x3d-l"))
    assert [(line["model"], line["batch"]) for line in lines] == [("x3d-m", 1), ("x3d-m", 8), ("x3d-l", 1)]
    assert len({tuple(line) for line in lines}) == 1
    assert [line["latency@16"] for line in lines] == [None, 0.02, None]
    assert [line["latency@64"] for line in lines] == [None, None, 0.02]


def test_repeats():
    """Runs of a case are merged to the median."""
    (line,) = wide(*(record(latency(value), repeat=n) for n, value in enumerate((0.1, 0.3, 0.2))))
    assert line["latency@16"] == 0.2
    assert "repeat" not in line


def test_failures():
    """Why a figure is missing stands beside it."""
    (line,) = wide(record(latency(), frames=8), record(failure=Failure(kind="oom", message="80 GiB"), frames=64))
    assert line["failure@64"] == "oom"
    assert "failure@8" not in line
    assert "latency@64" not in line


def test_chosen_columns():
    """Only the columns asked for are widened."""
    (line,) = wide(record(macs(), latency()), names=["latency_p90"])
    assert [key for key in line if "@" in key] == ["latency_p90@16"]
