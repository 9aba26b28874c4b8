"""The page of results: every figure is its record's, hostile text is text, and nothing is loaded from anywhere."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from examples import environment, latency, macs, record
from pages import read_page

from vidbench.catalog import variants
from vidbench.errors import InputError
from vidbench.records import Failure, Measurement
from vidbench.report import details, write_page
from vidbench.store import read_all
from vidbench.table import rows

ROOT = Path(__file__).parents[2]
HERE = {"k1": environment(), "k2": environment(device="AMD EPYC", driver=None)}
HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">\' & {{ 7 * 7 }} \u202e\x00\ud800'


def params(value):
    return Measurement(metric="params", value=value, unit="parameters", method="elements of all parameters")


def page_of(*records):
    return read_page(write_page(records, HERE))


def table_of(page):
    """The main table as a row of cells by heading."""
    (table,) = page.all("table", id="cases-table")
    heads = [head.attributes["data-key"] for head in table.all("thead")[0].all("th")]
    lines = [[cell.text for cell in row.all() if cell.tag in ("th", "td")] for row in table.all("tbody")[0].all("tr")]
    return [dict(zip(heads, line, strict=True)) for line in lines]


@pytest.fixture(scope="module")
def measured():
    """The page of the committed records, with the records and environments."""
    found = read_all([ROOT / "results" / "amd-epyc-2cpus" / "families.jsonl"])
    return read_page(write_page(found.records, found.environments)), found


class TestTable:
    def test_committed_records(self, measured):
        """Every figure of the committed records stands in its row, in the unit of its heading."""
        page, found = measured
        shown = table_of(page)
        expected = rows(found.records, found.environments)
        assert len(shown) == len(expected) == 7
        for cells, row in zip(shown, expected, strict=True):
            assert (cells["model"], cells["frames"], cells["size"]) == (
                row["model"],
                str(row["frames"]),
                str(row["size"]),
            )
            assert float(cells["params"]) == pytest.approx(row["params"] / 1e6, abs=0.005)
            assert float(cells["latency"]) == pytest.approx(1e3 * row["latency"], abs=0.05)
            assert float(cells["throughput"]) == pytest.approx(row["throughput"], abs=0.005)
            assert float(cells["memory"]) == pytest.approx(row["peak_memory"] / 2**20, abs=0.05)
            figure, _, clip = cells["k400"].partition(" (at ")
            clip = clip.rstrip(")") or f"{row['frames']}x{row['size']}"
            published = {(p.top1, f"{p.frames}x{p.size}") for p in variants()[row["model"]].published}
            assert (float(figure), clip) in published if figure != "–" else row["model"] != "x3d-m"
        assert next(cells for cells in shown if cells["model"] == "tada2d-r50")["k400"] == "76.7 (at 8x256)"
        assert next(cells for cells in shown if cells["model"] == "x3d-m")["gmacs"] == "4.73"
        assert next(cells for cells in shown if "atfr" in cells["model"])["gmacs"] == "7.27 to 11.74"

    def test_data_of_the_script(self, measured):
        """What the page sorts and filters by are the same figures, unrounded, a value a row and column."""
        page, found = measured
        data = json.loads(page.all("script", id="data")[0].text)
        values = {column["key"]: values for column, values in zip(data["columns"], data["values"], strict=True)}
        assert values["latency"] == [
            pytest.approx(1e3 * record.figure("latency"), rel=1e-5) for record in found.records
        ]
        assert values["family"][:3] == ["vov3d", "x3d", "slowfast"]
        assert all(len(one) == len(found.records) for one in values.values())

    def test_marks(self):
        """A failure is told with its reason, an unsettled figure by its mark; both again in the case's details."""
        failed = record(failure=Failure(kind="oom", message="80 GiB predicted,\n24 free"))
        page = page_of(failed, record(latency(caveats=("not settled: known to ±4%",)), batch=2))
        assert [cells["marks"] for cells in table_of(page)] == [
            "out of memory: 80 GiB predicted, 24 free",
            "not settled",
        ]
        told = [item.text.strip() for item in page.all("ul", class_="marks")]
        assert told == ["out of memory: 80 GiB predicted,\n24 free", "not settled: latency: known to ±4%"]

    def test_interval_and_unknown(self):
        """A median has its interval; what is unknown is a dash, and null for the script."""
        page = page_of(record(latency()), record(macs(), batch=2))
        assert [cells["latency_interval"] for cells in table_of(page)] == ["20.00 to 31.00", "–"]
        data = json.loads(page.all("script", id="data")[0].text)
        assert data["values"][[c["key"] for c in data["columns"]].index("latency")] == [20.0, None]

    def test_runs_are_one_row(self):
        """Runs of a case are one row with their median; its details have a strip a run."""
        page = page_of(
            *(record(latency(seconds), repeat=n) for n, seconds in enumerate((0.01, 0.02, 0.06))), record(macs())
        )
        (cells,) = table_of(page)
        assert (cells["latency"], cells["latency_interval"]) == ("20.00", "10.00 to 60.00")
        assert len(page.all("svg", class_="strip")) == 3
        told = "latency: 20.00 ms is the median of 3 runs, its 75% interval 10.00 ms to 60.00 ms (±200%)"
        assert told in page.text

    def test_no_record(self):
        with pytest.raises(InputError, match="no record"):
            write_page([], {})

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 0.0])
    def test_figures_of_broken_files(self, value):
        """Figures that no file of ours has break neither the page nor the script's data."""
        page = page_of(record(latency(value), macs(value), params(value)))
        assert "NaN" not in page.all("script", id="data")[0].text
        assert "Infinity" not in page.all("script", id="data")[0].text


class TestPictures:
    def test_points(self, measured):
        """Each marker's figures are its record's; the front's members are named under the picture."""
        page, found = measured
        svg = next(svg for svg in page.all("svg", role="img") if "GMACs" in svg.all("title")[0].text)
        told = {marker.text for marker in svg.all("path", class_="marker") if "top-1" in marker.text}
        assert "x3d-m: 4.73 GMACs, top-1 76.2%, 3.79 M parameters" in told
        assert any("tada2d-r50: " in text and "top-1 76.7% (at 8x256)" in text for text in told)
        assert len(told) == 5
        figure = next(figure for figure in page.all("figure") if svg in figure.all("svg"))
        assert "accurate: x3d-m, vov3d-l, tada2d-r50*, slowfast-8x8-r50." in figure.text
        assert {"x3d-m", "4.73", "76.2", "3.79", "30", "yes"} <= {
            cell.text for cell in figure.all("td") + figure.all("th")
        }
        assert "tea-r50 8x224: top-1 is published at 16x256" in page.text
        assert len(found.records) == 7

    def test_growth_and_memory(self):
        """Costs at several clip lengths are lines with a table; memory is bars."""
        parts = {"weights": 1 << 20, "inputs": 1 << 20, "activations": 2 << 20}
        memory = Measurement(metric="predicted_memory", value=4.0 * 2**20, unit="bytes", method="m", details=parts)
        page = page_of(*(record(latency(0.01 * at), memory, frames=at) for at in (8, 16)))
        titles = [svg.all("title")[0].text for svg in page.all("svg", role="img")]
        assert [title.partition(" on ")[0] for title in titles] == [
            "Latency of a call against clip length", "Memory of a call,",
        ]  # fmt: skip
        cells = [cell.text for figure in page.all("figure") for cell in figure.all("td")]
        assert cells[:2] == ["80.00", "160.0"]
        assert len(page.all("path", class_="part")) == 2 * 3 + 3  # with the legend's

    def test_nothing_to_draw(self):
        """A page without pictures has no headings for them."""
        page = page_of(record(model="a:b", failure=Failure(kind="error", message="no")))
        assert not page.all("figure")
        assert len(page.all("h2")) == 3


class TestSafety:
    def test_hostile_text_is_text(self):
        """Names, messages, conditions and titles cannot become elements, scripts or templates."""
        bad = record(latency(method=HOSTILE, caveats=(HOSTILE,)), model=HOSTILE, clip=HOSTILE, environment="k3")
        bad = replace(bad, conditions={HOSTILE: {HOSTILE: [HOSTILE]}}, id=HOSTILE, time=HOSTILE)
        failed = record(model=HOSTILE, failure=Failure(kind="crash", message=HOSTILE))
        places = {**HERE, "k3": environment(device=HOSTILE, stack={HOSTILE: HOSTILE}, flags={HOSTILE: HOSTILE})}
        pictured = [record(latency(0.01 * at), frames=at, weights=HOSTILE, model=HOSTILE) for at in (8, 16)]
        written = write_page([bad, failed, *pictured], places, title=HOSTILE)
        page = read_page(written)
        assert len(page.all("script")) == 2
        assert not page.all("img")
        assert not [name for one in page.all() for name in one.attributes if name.startswith("on")]
        assert "49" not in page.all("h1")[0].text
        assert page.all("h1")[0].text.startswith("</script><script>alert(1)")
        assert not re.search("[\x00\u202e\ud800]", written)
        written.encode()

    def test_nothing_is_loaded(self, measured):
        """No element names another place than the page itself, and its policy allows its own style and script alone."""
        page, _ = measured
        for one in page.all():
            assert not {"src", "srcset", "data", "action", "style", "ping", "poster"} & set(one.attributes)
            assert one.attributes.get("href", "#").startswith("#")
        assert not page.all("link")
        style, script = page.all("style")[0].text, page.all("script")[-1].text
        assert "url(" not in style
        assert "@import" not in style
        hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
        (policy,) = (meta.attributes["content"] for meta in page.all("meta", http_equiv="Content-Security-Policy"))
        assert policy == (
            f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
            "base-uri 'none'; form-action 'none'"
        )


class TestAccess:
    def test_references(self, measured):
        """Identifiers are unique; every link and every reference to a name or description has its element."""
        page, _ = measured
        names = [one.attributes["id"] for one in page.all() if "id" in one.attributes]
        assert len(names) == len(set(names))
        wanted = {one.attributes["href"][1:] for one in page.all("a")}
        for one in page.all():
            for attribute in ("aria-labelledby", "aria-describedby", "for"):
                wanted |= set(one.attributes.get(attribute, "").split())
        assert wanted <= set(names)

    def test_names(self, measured):
        """Pictures have a title and a description, tables a caption and headings with a scope, controls a label."""
        page, _ = measured
        assert page.all("html")[0].attributes["lang"] == "en"
        for svg in page.all("svg"):
            told = svg.attributes.get("aria-hidden") == "true" or (svg.all("title") and svg.all("desc")[0].text)
            assert told
        for table in page.all("table"):
            assert table.all("caption")
            assert all(head.attributes.get("scope") in ("col", "row") for head in table.all("th"))
        assert {label.attributes.get("for") for label in page.all("label")} == {"filter", None}
        levels = [int(one.tag[1]) for one in page.all() if re.fullmatch("h[1-6]", one.tag)]
        assert levels[0] == 1
        assert page.all("a", class_="skip")[0].attributes["href"] == "#table"


class TestSize:
    def test_details_of_few(self, monkeypatch):
        """Of more runs than there is room for, those of marked cases come first; the page says how many."""
        monkeypatch.setattr(details, "DETAILED", 3)
        good = [record(latency(), batch=number) for number in range(1, 6)]
        page = page_of(*good, record(failure=Failure(kind="crash", message="signal 11"), batch=9))
        names = [one.attributes["id"] for one in page.all("details", class_="case")]
        assert names == ["case-0", "case-1", "case-5"]
        assert "3 of 6 cases have their details here" in page.text
        assert len(table_of(page)) == 6
        links = {link.attributes["href"] for link in page.all("table", id="cases-table")[0].all("a")}
        assert links == {"#case-0", "#case-1", "#case-5"}

    def test_samples_are_thinned(self):
        """Of very many samples a part is drawn, and the strip says so."""
        page = page_of(record(latency(samples=tuple(0.02 + 0.0001 * n for n in range(1000)))))
        (ticks,) = page.all("path", class_="ticks")
        assert ticks.attributes["d"].count("M") == details.SAMPLES
        assert "100 of 1,000 samples" in page.text

    @pytest.mark.parametrize("repeats", [1, 5])
    def test_size_of_many(self, repeats):
        """By what 1,000 cases more add, 10,000 records of 20 samples stay under 10 MB, at one run a case or at five."""
        samples = tuple(0.02 + 0.0001 * number for number in range(20))
        fast = Measurement(metric="throughput", value=50.123, unit="clips/s", method="windows", samples=samples)
        figures = (params(3794322), macs(), latency(samples=samples, caveats=("not settled: known to ±4%",)), fast)
        sizes = []
        for cases in (1000 // repeats, 2000 // repeats):
            many = [record(*figures, batch=n, repeat=run) for n in range(cases) for run in range(repeats)]
            sizes.append(len(write_page(many, HERE)))
        assert sizes[1] < sizes[0] + (sizes[1] - sizes[0]) * 9 < 10_000_000
