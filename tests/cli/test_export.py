"""`vidbench export`: every figure of every form is the record's, and what cannot be done is refused in one message."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from examples import environment, latency, macs, record
from tables import READERS, UNITS, read_html

from vidbench.metrics import MACS_CONVENTION
from vidbench.records import Failure
from vidbench.store import Writer, read_all
from vidbench.table import COLUMNS

MEASURED = Path(__file__).parents[2] / "results" / "amd-epyc-2cpus" / "families.jsonl"
METRICS = {"Params": "params", "Latency": "latency", "Throughput": "throughput", "Memory": "peak_memory"}


@pytest.fixture
def results(tmp_path):
    """Two nets at two lengths, one of which did not fit."""
    path = tmp_path / "results.jsonl"
    failed = Failure(kind="oom", message="out of memory: tried 80 GiB")
    records = [
        record(macs(4.73e9), latency(0.02), model="x3d-m"),
        record(macs(9.46e9), latency(0.04), model="x3d-m", frames=32),
        record(macs(9.3e9), latency(0.03), model="vov3d-l"),
        record(macs(18.6e9), model="vov3d-l", frames=32, failure=failed),
    ]
    with path.open("w") as file:
        writer = Writer(file)
        for number, one in enumerate(records):
            writer.append(replace(one, id=f"{number}"), environment())
    return path


class TestFigures:
    @pytest.mark.parametrize("form", ["markdown", "latex", "html"])
    def test_tables(self, vidbench, form):
        """Each figure of a measured file stands in the table to the last digit that is printed."""
        done = vidbench("export", str(MEASURED), "--to", form)
        assert (done.code, done.err) == (0, "")
        table = READERS[form](done.out)
        records = {one.case.model: one for one in read_all([MEASURED]).records}
        assert len(table.lines) == len(records) == 7
        for number, line in enumerate(table.lines):
            one = records[line[0].text]
            assert [table.cell(number, head).text for head in ("Frames", "Size")] == [
                str(one.case.frames), str(one.case.size)
            ]  # fmt: skip
            for head, metric in METRICS.items():
                assert table.cell(number, head).is_of(one.figure(metric), table.unit(head)), (line, head)
            assert table.cell(number, "GMACs × views").is_of(one.figure("macs") / 1e9, "")
        fastest = min(records.values(), key=lambda one: one.figure("latency")).case.model
        assert [line[0].text for n, line in enumerate(table.lines) if table.cell(n, "Latency").mark == "best"] == [
            fastest
        ]
        assert set(UNITS) >= {table.unit(head) for head in METRICS}
        assert "single synchronised calls" in done.out
        assert "FLOPs = 2 x MACs" in done.out

    def test_csv_is_what_profile_writes(self, vidbench, folder):
        """The same rows to the letter, of what was measured a moment ago."""
        assert (
            vidbench(
                "profile", "x3d-xs", "--frames", "4,8", "--device", "meta", "--json", "a.jsonl", "--csv", "a.csv"
            ).code
            == 0
        )
        assert vidbench("export", "a.jsonl", "--to", "csv").out == (folder / "a.csv").read_text()

    def test_wide(self, vidbench, results):
        """A row a net, a column a metric and length."""
        done = vidbench("export", str(results), "--to", "csv", "--wide", "--columns", "macs,latency,failure")
        first, second = csv.DictReader(io.StringIO(done.out))
        assert (first["model"], float(first["latency@16"]), float(first["latency@32"])) == ("x3d-m", 0.02, 0.04)
        assert (second["latency@32"], second["failure@32"], float(second["macs@32"])) == ("", "oom", 18.6e9)

    def test_json(self, vidbench, results):
        """One array of rows in base units, with the convention of counting."""
        rows = json.loads(vidbench("export", str(results), "--to", "json").out)
        assert [(row["model"], row["frames"], row["latency"]) for row in rows] == [
            ("x3d-m", 16, 0.02), ("x3d-m", 32, 0.04), ("vov3d-l", 16, 0.03), ("vov3d-l", 32, None)
        ]  # fmt: skip
        assert {row["macs_convention"] for row in rows} == {MACS_CONVENTION}
        assert list(rows[0]) == list(COLUMNS)

    def test_parquet(self, vidbench, results, tmp_path):
        """The rows as pandas reads them."""
        path = tmp_path / "rows.parquet"
        assert vidbench("export", str(results), "-o", str(path)).code == 0
        frame = pd.read_parquet(path)
        assert frame["latency"].dropna().tolist() == [0.02, 0.04, 0.03]
        assert list(frame.columns) == list(COLUMNS)

    def test_failed(self, vidbench, results):
        """A case that failed says so in its cell, and why under the table."""
        table = read_html(vidbench("export", str(results), "--to", "html").out)
        cell = table.cell(3, "Latency")
        assert cell.text == "OOM"
        assert table.notes[cell.notes] == "out of memory: tried 80 GiB"
        assert table.titles == [(0, "X3D"), (2, "VoV3D")]


class TestOptions:
    @pytest.mark.parametrize("name", ["t.csv", "t.json", "t.md", "t.tex", "t.html", "t.htm"])
    def test_suffix_is_the_form(self, vidbench, results, folder, name):
        """A file gets what its suffix says, the very text that stdout would; what was there is replaced."""
        form = {"md": "markdown", "tex": "latex", "htm": "html"}.get(name[2:], name[2:])
        (folder / name).write_text("old")
        assert vidbench("export", str(results), "-o", name).out == ""
        assert (folder / name).read_bytes().decode() == vidbench("export", str(results), "--to", form, "-o", "-").out

    @pytest.mark.parametrize("form", ["markdown", "latex", "html"])
    def test_columns(self, vidbench, results, form):
        """A table has the columns asked for, in that order."""
        done = vidbench("export", str(results), "--to", form, "--columns", "model,latency,frames")
        assert [head for head, _ in READERS[form](done.out).columns] == ["Model", "Latency", "Frames"]

    def test_columns_of_csv(self, vidbench, results):
        """So has CSV."""
        done = vidbench("export", str(results), "--to", "csv", "--columns", "frames,model")
        assert done.out.splitlines()[:2] == ["frames,model", "16,x3d-m"]

    def test_standalone(self, vidbench, results):
        """A whole document instead of the table alone."""
        for form, begins in (("latex", "\\documentclass"), ("html", "<!DOCTYPE html>")):
            assert vidbench("export", str(results), "--to", form, "--standalone").out.startswith(begins)
            assert begins not in vidbench("export", str(results), "--to", form).out

    def test_several(self, vidbench, results, folder):
        """Files and folders together; a record that stands in two of them comes once."""
        (folder / "below").mkdir()
        (folder / "below" / "copy.jsonl").write_text(results.read_text())
        done = vidbench("export", str(results), str(MEASURED), "below", "--to", "csv", "--columns", "model")
        assert len(done.out.splitlines()) == 1 + 4 + 7

    def test_cut_off(self, vidbench, results):
        """A last line that a crash cut off is warned of, and the rest delivered."""
        results.write_text(results.read_text()[:-40])
        done = vidbench("export", str(results), "--to", "csv")
        assert (done.code, len(done.out.splitlines())) == (0, 4)
        assert done.err.startswith("vidbench: ")
        assert "its last line is cut off" in done.err


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((), "--to is missing: one of csv, json, markdown, latex, html, parquet"),
            (("-o", "table.xls"), "--to is missing"),
            (("--to", "excel"), "--to takes csv, json, markdown, latex, html, parquet, not 'excel'"),
            (("--to", "json", "--wide"), "--wide is for --to csv, not json"),
            (("--to", "csv", "--standalone"), "--standalone is for --to latex or html, not csv"),
            (("--to", "parquet"), "needs a file: --output FILE"),
            (("--to", "csv", "-o", "no/t.csv"), "--output no/t.csv cannot be written: there is no folder no"),
            (("--to", "csv", "-o", "."), "--output . cannot be written"),
            (("--to", "latex", "--columns", "model,latncy"), "no column 'latncy'; did you mean latency"),
            (("--to", "csv", "--columns", "top1"), "no column 'top1'"),
            (("--to", "csv", "--wide", "--columns", "model"), "no column 'model'"),
            (("--to", "html", "--columns", "model,,latency"), "--columns takes names with commas between"),
        ],
    )  # fmt: skip
    def test_options(self, vidbench, results, folder, arguments, message):
        """What cannot be done is said in one line, and nothing is written."""
        before = sorted(folder.iterdir())
        done = vidbench("export", str(results), *arguments)
        assert (done.code, done.out) == (2, "")
        assert message in done.err
        assert len(done.err.splitlines()) == 1
        assert sorted(folder.iterdir()) == before

    def test_input(self, vidbench, results, folder):
        """The files to read are not written over, not even by another name; nor is a file read that is not there."""
        content = results.read_text()
        assert "is one of the files to read" in vidbench("export", ".", "--to", "json", "-o", results.name).err
        assert results.read_text() == content
        assert "nothing.jsonl cannot be read" in vidbench("export", "nothing.jsonl", "--to", "csv").err
        (folder / "empty.jsonl").touch()
        done = vidbench("export", "empty.jsonl", "--to", "csv")
        assert (done.code, done.err) == (2, "vidbench: no record in empty.jsonl; give files that --json wrote\n")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
    @pytest.mark.parametrize("form", ["csv", "latex", "parquet"])
    def test_full(self, vidbench, results, folder, form):
        """A disk that is full is told in one message, and what stood in the file's place is not removed."""
        link = folder / "full"  # whatever went wrong, the device itself is never the path that is written
        link.symlink_to("/dev/full")
        done = vidbench("export", str(results), "--to", form, "-o", "full")
        assert done.code == 2
        assert done.err.startswith("vidbench: --output full cannot be written: No space left on device")
        assert len(done.err.splitlines()) == 1
        assert link.is_symlink()

    def test_without_pyarrow(self, vidbench, results, monkeypatch):
        """Parquet without its extra is refused before anything is read."""
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        done = vidbench("export", str(results), "-o", "t.parquet")
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert "pip install 'vidbench[parquet]'" in done.err
