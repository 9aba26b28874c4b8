"""`vidbench report` and `vidbench plot` as their users meet them."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from examples import environment, macs, record
from pages import read_page

from vidbench.records import Measurement
from vidbench.store import Writer

RESULTS = str(Path(__file__).parents[2] / "results" / "amd-epyc-2cpus" / "families.jsonl")


@pytest.fixture
def counted(folder) -> str:
    """A result file of two nets at two clip lengths, counted."""
    parts = {"weights": 1 << 20, "inputs": 1 << 18, "activations": 1 << 22}
    memory = Measurement(metric="predicted_memory", value=5.5e6, unit="bytes", method="lifetimes", details=parts)
    records = [
        replace(record(macs(1e9 * frames), memory, model=model, frames=frames, device="meta"), id=f"{model}{frames}")
        for model in ("x3d-m", "slow-8x8-r50")
        for frames in (8, 16)
    ]
    path = folder / "counted.jsonl"
    with path.open("w") as file:
        writer = Writer(file)
        for one in records:
            writer.append(one, environment(device="meta"))
    return str(path)


class TestReport:
    def test_files_and_folders(self, vidbench, folder):
        """What `profile` wrote and a folder become one page with all their cases."""
        counted = str(folder / "counted.jsonl")
        grid = ("--frames", "8,16", "--device", "meta", "--json", counted)
        assert vidbench("profile", "x3d-m", "slow-8x8-r50", *grid).code == 0
        (folder / "more").mkdir()
        (folder / "more" / "families.jsonl").write_text(Path(RESULTS).read_text())
        done = vidbench("report", counted, "more", "-o", "page.html", "--title", "Mine & yours")
        assert (done.code, done.out, done.err) == (0, "", "")
        page = read_page((folder / "page.html").read_text("utf-8"))
        assert page.all("title")[0].text == "Mine & yours"
        assert len(page.all("table", id="cases-table")[0].all("tbody")[0].all("tr")) == 7 + 4

    def test_stdout(self, vidbench):
        """A dash is stdout, and the same records give the same page."""
        first, second = vidbench("report", RESULTS, "-o", "-"), vidbench("report", RESULTS, "-o", "-")
        assert first.code == 0
        assert first.out.startswith("<!DOCTYPE html>")
        assert first.out == second.out

    def test_cut_off_line(self, vidbench, counted):
        """A file whose last line is cut off is shown, with one warning."""
        text = Path(counted).read_text()
        Path(counted).write_text(text + text.splitlines()[1][:100])
        done = vidbench("report", counted, "-o", "page.html")
        assert done.code == 0
        assert done.err.count("vidbench:") == 1
        assert "cut off" in done.err

    def test_surrogates(self, vidbench, counted, folder):
        """Text that is no Unicode does not stop the page."""
        lines = Path(counted).read_text().splitlines()
        record = json.loads(lines[1])
        record["conditions"]["host"] = "\ud800"
        Path(counted).write_text("\n".join([lines[0], json.dumps(record)]) + "\n")
        assert vidbench("report", counted, "-o", "page.html").code == 0
        assert "host" in (folder / "page.html").read_text("utf-8")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["nowhere.jsonl"], "nowhere.jsonl cannot be read"),
            ([RESULTS, "-o", "/nowhere/page.html"], "there is no folder /nowhere"),
            (["empty"], "holds no result file"),
            (["empty.jsonl"], "no record"),
        ],
    )
    def test_refusals(self, vidbench, folder, arguments, said):
        """What cannot be read or written is one message, and no page is left."""
        (folder / "empty").mkdir()
        (folder / "empty.jsonl").touch()
        done = vidbench("report", *arguments)
        assert done.code == 2
        assert said in done.err
        assert not list(folder.glob("*.html"))


class TestPlot:
    @pytest.mark.parametrize("kind", ["accuracy-macs", "growth", "memory"])
    def test_counted(self, vidbench, counted, folder, kind):
        """Each kind is drawn of counted records, with the nets' names as text."""
        done = vidbench("plot", counted, "--kind", kind, "-o", "picture.svg")
        assert (done.code, done.err) == (0, "")
        words = re.sub(r"<[^>]*>", "", (folder / "picture.svg").read_text())
        assert "x3d-m" in words
        assert "slow-8x8-r50" in words

    @pytest.mark.parametrize("suffix", ["pdf", "png"])
    def test_measured(self, vidbench, folder, suffix):
        """Accuracy against measured throughput, of the committed records."""
        done = vidbench("plot", RESULTS, "--kind", "accuracy-throughput", "-o", f"picture.{suffix}")
        assert done.code == 0
        head = (folder / f"picture.{suffix}").read_bytes()[:4]
        assert head == {"pdf": b"%PDF", "png": b"\x89PNG"}[suffix]

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--kind", "pie", "-o", "x.svg"], "accuracy-macs, accuracy-throughput, growth, memory"),
            (["-o", "x.gif"], ".png, .svg or .pdf"),
            (["--kind", "growth", "-o", "x.svg"], "at two clip lengths or more"),
            (["--dataset", "SSv3", "-o", "x.svg"], "nothing to draw on SSv3"),
        ],
    )
    def test_refusals(self, vidbench, folder, arguments, said):
        """What cannot be drawn is one message that says what is needed, and no file is left."""
        done = vidbench("plot", RESULTS, *arguments)
        assert done.code == 2
        assert said in done.err
        assert not list(folder.iterdir())
