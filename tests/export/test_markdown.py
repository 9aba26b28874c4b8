"""Tables in GitHub's Markdown."""

import pytest

from vidbench.export.layout import Cell, Column, Group, Layout
from vidbench.export.markdown import escape, write_markdown

TABLE = Layout(
    columns=(Column("Model"), Column("GMACs", has_views=True, is_numeric=True), Column("Top-1", "%", is_numeric=True)),
    groups=(
        Group("A", ((Cell("a_b|c", ("a",)), Cell("4.73", (), "best", 30, is_figure=True), Cell("–")),)),
        Group("B", ((Cell("d"), Cell("9.46", ("a", "b"), "second", is_figure=True), Cell("76.2", is_figure=True)),)),
    ),
    caption="Measured *here*",
    notes=(("a", "first"), ("b", "second")),
    remarks=("GMACs",),
)


def test_table():
    """The method, the table with figures at the right, then footnotes and remarks, each on a line of its own."""
    assert write_markdown(TABLE).splitlines() == [
        r"Measured \*here\*",
        "",
        "| Model                |              GMACs × views | Top-1 (%) |",
        "| -------------------- | -------------------------: | --------: |",
        r"| a\_b\|c <sup>a</sup> |              **4.73** × 30 |         – |",
        "| d                    | <u>9.46</u> <sup>a,b</sup> |      76.2 |",
        "",
        "<sup>a</sup> first  ",
        "<sup>b</sup> second  ",
        "GMACs",
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [("a|b", r"a\|b"), ("`x` *y* _z_", r"\`x\` \*y\* \_z\_"), ("<b>", r"\<b\>"), ("a\n| b", r"a \| b"), ("\\", "\\\\")],
)
def test_escape(text, written):
    """What Markdown would take for its own is shown instead, on one line."""
    assert escape(text) == written
