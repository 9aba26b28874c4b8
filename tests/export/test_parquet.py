"""Parquet files: the rows as they are, each column of the same type whatever is in it."""

import sys

import pandas as pd
import pyarrow.parquet as pq
import pytest
from examples import environment, latency, macs, record

from vidbench.differences import COUNTERS
from vidbench.errors import InputError
from vidbench.export.parquet import check_parquet, name_type, write_parquet
from vidbench.metrics import MACS_CONVENTION, METRICS
from vidbench.records import Failure
from vidbench.table import COLUMNS, rows


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rows.parquet"


def test_rows(path):
    """Every cell comes back as it was, nothing as null."""
    failed = record(failure=Failure(kind="oom", message="größer als 漢字"), threads=2, frames=64)
    flat = rows([record(macs(4727395328), latency(0.02)), failed], {"k1": environment()})
    write_parquet(path, flat)
    assert pq.read_table(path).to_pylist() == flat
    frame = pd.read_parquet(path)
    assert list(frame.columns) == list(COLUMNS)
    assert frame["latency"].iloc[0] == 0.02


def test_types(path, tmp_path):
    """Files of other records can be put together: a column's type does not depend on what is known in it."""
    write_parquet(path, rows([record()], {}))
    full = record(macs(), latency(), views="10x3", threads=4)
    write_parquet(tmp_path / "other.parquet", rows([full], {"k1": environment()}))
    assert pq.read_schema(path).equals(pq.read_schema(tmp_path / "other.parquet"))


def test_every_column_has_its_type():
    """What is no text, no integer and no yes or no is a figure of a metric or of a counter."""
    figures = (*METRICS, *COUNTERS, "videos_per", "seconds_per")
    for name in COLUMNS:
        assert name_type(name) != "float64" or name.startswith(figures), name


def test_units(path):
    """The units and the counting convention go with the file."""
    write_parquet(path, rows([record()], {}))
    schema = pq.read_schema(path)
    assert schema.metadata[b"macs_convention"].decode() == MACS_CONVENTION
    units = {name: (schema.field(name).metadata or {}).get(b"unit") for name in COLUMNS}
    assert (units["latency"], units["latency_p90"], units["peak_memory"]) == (b"seconds", b"seconds", b"bytes")
    assert (units["latency_precision"], units["latency_count"], units["macs_convention"]) == (b"share", None, None)


def test_chosen_columns(path):
    """Only those asked for, in their order."""
    write_parquet(path, rows([record()], {}), ["frames", "model"])
    assert pq.read_table(path).to_pylist() == [{"frames": 16, "model": "x3d-m"}]


def test_without_pyarrow(monkeypatch):
    """One message names the extra."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.delitem(sys.modules, "pyarrow", raising=False)
    with pytest.raises(InputError, match=r"pip install 'vidbench\[parquet\]'"):
        check_parquet()
