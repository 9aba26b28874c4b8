r"""Tables in LaTeX: what siunitx is told, and that a real TeX compiles them and prints the figures."""

import re
import shutil
import subprocess

import pytest
from tables import TEX, UNITS, read_latex

from vidbench.export.latex import write_latex
from vidbench.export.layout import Cell, Column, Group, Layout
from vidbench.export.tex import _COMMANDS

FIGURES = ("1,234", "12.34", "0.0123", "1.2e-05", "100.0")


def has(name: str) -> bool:
    """Whether TeX is installed, with that package."""
    if shutil.which("pdflatex") is None or shutil.which("kpsewhich") is None:
        return False
    return bool(subprocess.run(["kpsewhich", name], capture_output=True, check=False).stdout)


real_tex = pytest.mark.skipif(not (has("siunitx.sty") and has("booktabs.sty")), reason="needs pdflatex with siunitx")


def lay(*lines: tuple[Cell, ...], columns: tuple[Column, ...], **changes) -> Layout:
    return Layout(**{
        "columns": columns, "groups": (Group(None, lines),), "caption": "How", "notes": (), "remarks": (), **changes
    })  # fmt: skip


def column_of(*texts: str, **changes) -> Layout:
    cells = [(Cell(text, is_figure=text[-1].isdigit(), **changes),) for text in texts]
    return lay(*cells, columns=(Column("Latency", "ms", is_numeric=True),))


class TestFormat:
    @pytest.mark.parametrize(
        ("texts", "specification"),
        [
            (("1.23", "12.3"), "S[table-format=2.2]"),
            (("1,234", "0.0123"), "S[table-format=4.4]"),
            (("16", "8"), "S[table-format=2.0]"),
            (("-1.5", "2.25"), "S[table-format=-1.2]"),
            (("OOM", "–"), "r"),
        ],
    )
    def test_width(self, texts, specification):
        """A column is as wide as its widest figure on either side of the point."""
        assert rf"\begin{{tabular}}{{{specification}}}" in write_latex(column_of(*texts))

    def test_texts(self):
        """What is no figure stands in braces, which siunitx does not read."""
        assert {"{OOM} \\\\", "12.34 \\\\", "1234 \\\\"} <= set(
            write_latex(column_of("OOM", "12.34", "1,234")).splitlines()
        )

    def test_underlined(self):
        """An underlined figure has the digits that it lacks beside the widest as space, before it and behind it."""
        cells = [(Cell("1,234.56", is_figure=True),), (Cell("7.1", ("a",), "second", is_figure=True),)]
        text = write_latex(lay(*cells, columns=(Column("x", is_numeric=True),)))
        assert r"{\hphantom{1,00}\second{7.1}\note{a}\hphantom{0}} \\" in text

    def test_preamble(self):
        """The table says what it needs; a whole document has it."""
        table = write_latex(column_of("1"))
        packages = set(re.findall(r"\\usepackage\{(\w+)\}", table))
        assert packages == {"booktabs", "siunitx"}
        assert table.startswith("% ")
        whole = write_latex(column_of("1"), standalone=True)
        assert whole.startswith(r"\documentclass")
        assert whole.index(r"\usepackage{siunitx}") < whole.index(r"\begin{document}")
        assert whole.endswith("\\end{document}\n")


def compile_tex(folder, document: str, pages: str = "1") -> str:
    """What the document prints, after TeX had neither an error nor anything to warn of."""
    (folder / "table.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    for _ in range(1 + ("longtable" in document)):  # which measures its columns first
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    log = (folder / "table.log").read_text("latin-1")
    assert done.returncode == 0, log
    assert not re.findall(r".*(?:[Ww]arning|Overfull|Missing character|\.600pk).*", log)
    assert re.search(r"\((\d) page", log)[1] == pages
    if shutil.which("pdftotext") is None:
        return ""
    subprocess.run(["pdftotext", "-layout", "table.pdf"], cwd=folder, check=True)
    return (folder / "table.txt").read_text("utf-8").replace("\N{NO-BREAK SPACE}", " ")


COLUMNS = (
    Column("Model"),
    Column("GMACs", has_views=True, is_numeric=True),
    Column("Latency, %", "µs", is_numeric=True),
)


@real_tex
class TestRealTex:
    @pytest.mark.parametrize("version", ["", "[=v2]"])
    def test_figures(self, tmp_path, version):
        """Both versions of siunitx take every kind of cell, and print each figure in its row."""
        marks = ("best", "second", "", "best", "second")
        lines = [
            (
                Cell(f"[net{number}]", ("a",)),
                Cell(figure, ("a", "b")[: number % 3], mark, 30 if number % 2 else None, is_figure=True),
                Cell("OOM", ("b",)) if number == 2 else Cell(f"{number}.25", (), mark, is_figure=True),
            )
            for number, (figure, mark) in enumerate(zip(FIGURES, marks, strict=True))
        ]  # fmt: skip
        layout = lay(columns=COLUMNS, notes=(("a", "50 % of $5_"), ("b", "漢 größer")), remarks=("a ~ b", "µ × ±"))
        groups = (Group("X3D & more", tuple(lines[:2])), Group("#2", tuple(lines[2:])))
        document = write_latex(Layout(COLUMNS, groups, layout.caption, layout.notes, layout.remarks), standalone=True)
        printed = compile_tex(tmp_path, document.replace(r"\usepackage{siunitx}", rf"\usepackage{{siunitx}}{version}"))
        rows = [line for line in printed.splitlines() if "[net" in line]
        assert len(rows) == 5 or not printed
        for row, figure, number in zip(rows, FIGURES, range(5), strict=False):
            shown = row.replace(" ", "").replace("−", "-")
            assert figure.replace(",", "") in shown.replace(",", "")
            assert ("OOM" if number == 2 else f"{number}.25") in shown
            assert ("×30" in shown) == bool(number % 2)

    def test_any_text(self, tmp_path):
        """Every sign that has a meaning of its own is printed, beside any other, and nothing breaks the table."""
        text = "".join(chr(code) for code in range(33, 127)) + " " + " ".join(_COMMANDS) + " é ñ ő α Ω 漢 --json ``x''"
        line = (Cell(text[:40], ("a",)), Cell("1", is_figure=True), Cell("2", is_figure=True))
        layout = lay(line, columns=COLUMNS, caption=text, notes=(("a", text),), remarks=(text,))
        document = write_latex(layout, standalone=True)
        printed = compile_tex(tmp_path, document)
        if printed:
            for shown in ("#$%&'()*+,-./0123456789:;<=>?@A", "[\\]^", "{|}", "--json", "U+6F22", "≤", "×", "±"):
                assert shown.replace("'", "’") in printed.replace("ˆ", "^"), shown

    def test_long(self, tmp_path):
        """A table of many rows goes over several pages, each headed, without losing a row."""
        lines = [(Cell(f"n{n}n"), Cell("1", views=30, is_figure=True), Cell("2", is_figure=True)) for n in range(60)]
        layout = lay(*lines, columns=COLUMNS, notes=(("a", "note"),), caption="all of it " * 40 + "once")
        printed = compile_tex(tmp_path, write_latex(layout, standalone=True), pages="2")
        if printed:
            assert re.findall(r"\bn(\d+)n\b", printed) == [str(n) for n in range(60)]
            assert printed.count("GMACs") == printed.count("\f")
            assert printed.count("once") == 1
        assert "longtable" not in write_latex(lay(*lines[:30], columns=COLUMNS))
        assert r"% \usepackage{longtable}" in write_latex(layout)


def test_reader():
    """The reader that other tests trust undoes what is written."""
    table = read_latex(write_latex(column_of("12.34", "OOM", notes=("a",), mark="")))
    assert [(cell.text, cell.notes) for (cell,) in table.lines] == [("12.34", "a"), ("OOM", "a")]
    assert table.columns == [("Latency", "ms")]
    assert UNITS["ms"] == 1e-3
    assert set(TEX.values()) >= set("%_#&{}$<>\\~")
