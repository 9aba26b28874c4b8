"""What a table for a paper shows: figures, best ones, footnotes, groups and method, the same in every markup."""

from dataclasses import replace

import pytest
from examples import environment, latency, macs, record
from tables import READERS

from vidbench.export.columns import NAMES
from vidbench.export.html import write_html
from vidbench.export.latex import write_latex
from vidbench.export.layout import Layout, lay_out
from vidbench.export.markdown import write_markdown
from vidbench.metrics import MACS_CONVENTION, METRICS
from vidbench.records import Failure, Measurement, Record

WRITERS = {"markdown": write_markdown, "latex": write_latex, "html": write_html}


def taken(metric: str, value: float | None, **changes) -> Measurement:
    return Measurement(**{"metric": metric, "value": value, "unit": METRICS[metric].unit, "method": "", **changes})


def settled(value: float, **details) -> Measurement:
    found = {"count": 20, "precision": 0.01, "settled": True, "interval": [0.99 * value, 1.01 * value], **details}
    return latency(value, details=found)


def lay(*records: Record, names: list[str] | None = None) -> Layout:
    return lay_out(records, {"k1": environment(), "k2": environment(device="CPU", driver=None)}, names)


def column(layout: Layout, head: str) -> list[str]:
    """The column's cells, with * before the best and + before the second best."""
    place = [one.head for one in layout.columns].index(head)
    signs = {"best": "*", "second": "+", "": ""}
    return [signs[line[place].mark] + line[place].text for group in layout.groups for line in group.lines]


def notes(layout: Layout, head: str) -> list[list[str]]:
    """The footnotes of the column's cells."""
    place = [one.head for one in layout.columns].index(head)
    texts = dict(layout.notes)
    return [[texts[letter] for letter in line[place].notes] for group in layout.groups for line in group.lines]


def nets(*figures: float | None, **changes) -> list[Record]:
    """A net of one's own for each latency."""
    return [
        record(*([settled(figure)] if figure else []), model=f"nets:n{number}", **changes)
        for number, figure in enumerate(figures)
    ]


class TestMarkup:
    def test_all_agree(self):
        """Heads, figures, marks, footnotes and titles are the same in Markdown, LaTeX and HTML."""
        records = [
            record(taken("params", 3794322), macs(), settled(0.0123), model="x3d-m"),
            record(taken("params", 6153432), macs(9.1e9), latency(1.5), model="x3d-l"),
            record(taken("params", 6297168), settled(0.5), model="vov3d-l"),
            record(taken("params", 1234567890), model="own_nets.a:b|c", failure=Failure(kind="oom", message="80 % $5")),
        ]
        layout = lay(*records)
        read = {name: READERS[name](write(layout)) for name, write in WRITERS.items()}
        for name in ("latex", "html"):
            assert read[name].columns == read["markdown"].columns
            assert read[name].notes == read["markdown"].notes
            # siunitx groups thousands itself
            assert [[replace(c, text=c.text.replace(",", "")) for c in line] for line in read[name].lines] == [
                [replace(c, text=c.text.replace(",", "")) for c in line] for line in read["markdown"].lines
            ]
        assert read["latex"].titles == read["html"].titles == [(0, "X3D"), (2, "VoV3D"), (3, "Own nets")]
        assert read["html"].cell(3, "Params").text == "1,235"
        assert {cell.mark for line in read["html"].lines for cell in line} == {"", "best", "second"}

    def test_hostile_names(self):
        """Whatever a net is called and a failure says, the cells come back as they were written."""
        name = r"a_b#1%&$x{y}<z>|~\textbf" + "µ×±:net"
        layout = lay(record(model=name, failure=Failure(kind="error", message=f"<script>{name}</script>\n| x |")))
        for markup, write in WRITERS.items():
            read = READERS[markup](write(lay(record(taken("params", 1e6), model=name))))
            assert read.lines[0][0].text == name
            assert "\n| x |" not in write(layout)
        assert "<script>" not in write_html(layout)


class TestColumns:
    def test_scaled_as_a_whole(self):
        """A column has one unit, that of its smallest figure; columns of one kind share it."""
        layout = lay(record(settled(0.0004, p90=0.002)), record(settled(2.0, p90=3.0), frames=8),
                     names=["latency", "latency_p90"])  # fmt: skip
        assert [(one.head, one.unit) for one in layout.columns] == [("Latency", "µs"), ("Latency, p90", "µs")]
        assert column(layout, "Latency") == ["2,000,000", "400.0"]

    def test_every_column(self):
        """Whatever column is asked for has a cell in every markup, a text of the rows being shown as it is."""
        full = record(macs(), latency(), taken("params", 5), views="10x3", failure=Failure(kind="oom", message="much"))
        layout = lay(full, names=list(NAMES))
        for markup, write in WRITERS.items():
            (line,) = READERS[markup](write(layout)).lines
            assert len(line) == len(NAMES)
        assert column(layout, "Convention") == [MACS_CONVENTION]
        assert column(layout, "Failure message") == ["much"]
        assert column(layout, "GMACs per video") == ["141.9"]

    def test_views(self):
        """GMACs are times the views of the case, otherwise those of the published accuracy at that setting."""
        records = [
            record(macs(4.73e9), model="x3d-m"),
            record(macs(4.73e9), model="x3d-m", views="10x3"),
            record(macs(4.73e9), model="x3d-m", frames=32),
        ]
        layout = lay(*records)
        place = [one.head for one in layout.columns].index("GMACs")
        assert [line[place].views for group in layout.groups for line in group.lines] == [30, 30, None]
        assert layout.columns[place].has_views
        assert any("times the views" in text for text in layout.remarks)
        assert not any(one.has_views for one in lay(records[2]).columns)

    def test_accuracy(self):
        """Top-1 is the published one for that many frames, its source a footnote; elsewhere there is none."""
        layout = lay(*(record(macs(), model="x3d-m", frames=frames) for frames in (16, 32)))
        assert column(layout, "Top-1") == ["76.2", "–"]
        assert column(layout, "Dataset") == ["K400", "–"]
        ((source,), nothing) = notes(layout, "Top-1")
        assert source.startswith("as published on K400: PySlowFast MODEL_ZOO.md")
        assert nothing == []
        assert "Top-1" not in [one.head for one in lay(record(macs(), model="x3d-m", task="train")).columns]
        elsewhere = lay(record(macs(), model="tada2d-r50", frames=8))
        assert notes(elsewhere, "Top-1") == [["as published on K400 at 8x256: TAdaConv/MODEL_ZOO.md, seen"]]

    def test_bounds(self):
        """MACs that depend on the clip are their range, with the reason."""
        caveat = "depends on the clip"
        bounds = taken("macs_bounds", None)
        one = record(macs(None, caveats=(caveat,)), replace(bounds, value=(14.16e9, 50.46e9)))
        layout = lay(one)
        assert column(layout, "GMACs") == ["14.16–50.46"]
        assert notes(layout, "GMACs") == [[caveat]]


class TestBest:
    @pytest.mark.parametrize(
        ("figures", "shown"),
        [
            ((0.03, 0.01, 0.02), ["30.00", "*10.00", "+20.00"]),
            ((0.01, 0.010000001, 0.02, 0.03), ["*10.00", "*10.00", "+20.00", "30.00"]),
            ((0.01, 0.02), ["*10.00", "20.00"]),
            ((0.01, 0.01), ["10.00", "10.00"]),
            ((0.01, None, 0.03), ["*10.00", "–", "30.00"]),
        ],
    )
    def test_ranks(self, figures, shown):
        """The best is marked, the second of three too; what is printed alike is marked alike, what is alone not."""
        assert column(lay(*nets(*figures)), "Latency") == shown

    def test_higher_is_better(self):
        """Of throughput the greatest is best."""
        records = [record(taken("throughput", value), model=f"a:n{value}") for value in (5.0, 7.0, 6.0)]
        assert column(lay(*records), "Throughput") == ["5.00", "*7.00", "+6.00"]

    def test_like_with_like(self):
        """Figures compete at the same batch and precision on one machine, and at one length where nets have several."""
        apart = [*nets(0.03, 0.04), *nets(0.01, 0.02, batch=8), *nets(0.005, 0.006, environment="k2")]
        assert column(lay(*apart), "Latency") == ["*30.00", "*10.00", "*5.00", "40.00", "20.00", "6.00"]
        lengths = [*nets(0.03, 0.04, frames=32), *nets(0.01, 0.02)]
        assert column(lay(*lengths), "Latency") == ["*10.00", "*30.00", "20.00", "40.00"]
        assert any("among rows of the same frames." in text for text in lay(*lengths).remarks)
        assert any("among rows of the same batch and environment." in text for text in lay(*apart).remarks)
        own = [record(settled(0.03), model="x3d-m"), record(settled(0.02), model="slowfast-8x8-r50", frames=32)]
        assert column(lay(*own), "Latency") == ["30.00", "*20.00"]


class TestFootnotes:
    def test_failed(self):
        """A case that failed says how in each cell that it has not, and why in one footnote."""
        failure = Failure(kind="oom", message="out of memory:\n tried 80 GiB")
        layout = lay(*nets(0.01), record(taken("params", 1e6), model="a:b", frames=64, failure=failure))
        assert column(layout, "Latency") == ["10.00", "OOM"]
        assert column(layout, "Params") == ["–", "1.00"]
        assert notes(layout, "Latency")[1] == ["out of memory: tried 80 GiB"]
        assert ("a", "not measured") in layout.notes

    @pytest.mark.parametrize(("kind", "text"), [("crash", "crashed"), ("timeout", "timed out"), ("error", "failed")])
    def test_kinds(self, kind, text):
        """Other failures are told by their kind."""
        layout = lay(*nets(0.01), record(model="a:b", failure=Failure(kind=kind, message="why")))
        assert column(layout, "Latency")[1] == text

    def test_unsettled(self):
        """Figures that are not settled share a footnote with the limits within which they are known."""
        loose = record(settled(0.01, settled=False, precision=0.12), model="a:b")
        layout = lay(record(latency(0.02)), loose, *nets(0.5))
        told = "not settled in the time allowed; the 95% interval of the median is within ±5% to ±12%"
        assert notes(layout, "Latency") == [[told], [told], []]

    def test_disturbed(self):
        """So do those that were disturbed, whatever by."""
        caveats = [(f"disturbed: {count} of 20 samples were taken beside other load",) for count in (4, 9)]
        layout = lay(*(record(replace(settled(0.1), caveats=one), model=f"a:n{one}") for one in caveats))
        (first,), (second,) = notes(layout, "Latency")
        assert first == second
        assert first.startswith("disturbed: ")

    def test_caveats(self):
        """Any other caveat is a footnote of its figure, equal ones one."""
        layout = lay(*(record(replace(settled(0.1), caveats=("first",)), model=f"a:n{n}") for n in range(2)))
        assert notes(layout, "Latency") == [["first"], ["first"]]
        assert layout.notes == (("a", "first"),)

    def test_outputs(self):
        """A net whose outputs differ from the reference's is marked by its name."""
        other = Measurement(
            metric="output_difference", value=0.25, unit="relative", method="", details={"agrees": False}
        )
        layout = lay(record(settled(0.1), other, dtype="fp16"), record(settled(0.2)))
        assert notes(layout, "Model") == [
            ["outputs differ from those of fp32 eager, by 0.25 relative to the greatest of them"], []
        ]  # fmt: skip

    def test_letters(self):
        """Letters come in reading order, after z with two."""
        layout = lay(*(record(replace(settled(0.1), caveats=(f"{n}",)), model=f"a:n{n}") for n in range(28)))
        assert [letter for letter, _ in layout.notes[:2] + layout.notes[25:]] == ["a", "b", "z", "aa", "ab"]


class TestRepeats:
    def test_merged(self):
        """Runs of a case are one row, the median of their medians, with how far they lie apart behind it."""
        figures = (0.1, 0.11, 0.12, 0.1, 0.11)
        layout = lay(*(record(settled(value), repeat=repeat) for repeat, value in enumerate(figures)))
        assert column(layout, "Latency") == ["110.0"]
        assert column(layout, "±") == ["9.09"]
        assert [one.unit for one in layout.columns if one.head == "±"] == ["%"]
        (told,) = [text for text in layout.remarks if text.startswith("Medians of 5 runs")]
        assert "93.8% interval" in told

    def test_failed_run(self):
        """A run that failed beside others is told by the net's name."""
        failed = record(failure=Failure(kind="crash", message="signal 11"), repeat=1)
        layout = lay(record(settled(0.1)), failed, record(settled(0.1), repeat=2))
        assert column(layout, "Latency") == ["100.0"]
        assert notes(layout, "Model") == [["1 of 3 runs failed: signal 11"]]


class TestGroups:
    def test_by_family(self):
        """Rows of a family stand together under its title, in the order of the records, those of a net by length."""
        names = ("x3d-m", "vov3d-l", "nets:a", "x3d-l", "nets:b")
        layout = lay(*(record(taken("params", 1e6), model=name) for name in names))
        assert [group.title for group in layout.groups] == ["X3D", "VoV3D", "Own nets"]
        assert column(layout, "Model") == ["x3d-m", "x3d-l", "vov3d-l", "nets:a", "nets:b"]
        lengths = lay(*(record(taken("params", 1e6), model=name, frames=n) for n in (32, 8, 16) for name in names[:2]))
        assert column(lengths, "Frames") == ["8", "16", "32"] * 2

    def test_needless(self):
        """There are no titles where all rows are of one family, or each is of another."""
        for names in (("x3d-m", "x3d-l"), ("x3d-m", "vov3d-l")):
            layout = lay(*(record(taken("params", 1e6), model=name) for name in names))
            assert [group.title for group in layout.groups] == [None]


def test_method():
    """The caption is how figures were taken, the remarks what a MAC is and what figures are per."""
    layout = lay(record(macs(), settled(0.02), taken("peak_memory", 2**28)))
    assert layout.caption.startswith("Latency is the median of 20 single synchronised calls")
    assert "NVIDIA H100, driver 550.54" in layout.caption
    assert any("FLOPs = 2 x MACs" in text for text in layout.remarks)
    assert "Per call of the whole batch: latency, memory." in layout.remarks
    assert lay(record(macs(), settled(0.02)), names=["model", "macs"]).caption == "Counted, not timed."
    assert lay(record(macs(), device="meta")).caption == "Counted, not timed."
