"""Tidy CSV that any reader takes: a head, a row a record, nothing where nothing is known."""

import csv
import io

import pandas as pd
from examples import environment, latency, macs, record

from vidbench.export.csv import Writer
from vidbench.records import Failure
from vidbench.table import COLUMNS, row


def write(*rows: dict) -> str:
    file = io.StringIO()
    writer = Writer(file)
    for one in rows:
        writer.append(one)
    return file.getvalue()


def test_head():
    """The head comes once, with the first row, and names every column."""
    assert write() == ""
    text = write(row(record()), row(record(frames=8)))
    assert text.splitlines()[0] == ",".join(COLUMNS)
    assert [line["frames"] for line in csv.DictReader(io.StringIO(text))] == ["16", "8"]


def test_cells():
    """Figures are in base units as they are; what is unknown is empty."""
    (line,) = csv.DictReader(io.StringIO(write(row(record(macs(4727395328), latency(0.02)), environment()))))
    assert (line["macs"], line["latency"], line["latency_count"]) == ("4727395328", "0.02", "3")
    assert [line[name] for name in ("peak_memory", "failure", "threads", "views")] == [""] * 4


def test_text():
    """Commas, quotes and newlines in a text stay in their cell."""
    message = 'CUDA said "no", twice\nand once more, größer'
    text = write(row(record(failure=Failure(kind="error", message=message))), row(record()))
    first, second = csv.DictReader(io.StringIO(text))
    assert first["failure_message"] == message
    assert (second["failure"], second["model"]) == ("", "x3d-m")


def test_pandas():
    """Pandas reads numbers as numbers and gaps as gaps."""
    frame = pd.read_csv(io.StringIO(write(row(record(macs(4.73e9), latency())), row(record(frames=8)))))
    assert list(frame.columns) == list(COLUMNS)
    assert frame["macs"].iloc[0] == 4.73e9
    assert frame["macs"].isna().tolist() == [False, True]
    assert frame["frames"].tolist() == [16, 8]


def test_crash(tmp_path):
    """Each row is in the file as soon as it is handed over."""
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        writer = Writer(file)
        for count in (1, 2):
            writer.append(row(record(repeat=count)))
            assert len(path.read_text().splitlines()) == 1 + count
