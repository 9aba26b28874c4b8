"""One JSON array: an object a row, in base units."""

import json

from examples import environment, latency, macs, record

from vidbench.export.json import write_json
from vidbench.metrics import MACS_CONVENTION
from vidbench.table import COLUMNS, rows


def test_rows():
    """Figures are in base units as they are, integers to the last digit; what is unknown is null."""
    text = write_json(rows([record(macs(4727395328), latency(0.1)), record(frames=8)], {"k1": environment()}))
    first, second = json.loads(text)
    assert list(first) == list(COLUMNS)
    assert (first["macs"], first["latency"], first["macs_convention"]) == (4727395328, 0.1, MACS_CONVENTION)
    assert '"macs": 4727395328,' in text
    assert (second["frames"], second["macs"]) == (8, None)


def test_chosen_columns():
    """Only those asked for, in the order asked for."""
    assert json.loads(write_json(rows([record()], {}), ["frames", "model"])) == [{"frames": 16, "model": "x3d-m"}]
    assert json.loads(write_json([])) == []


def test_valid():
    """JSON has no word for infinity."""
    assert json.loads(write_json(rows([record(latency(float("inf")))], {}), ["latency"])) == [{"latency": None}]
