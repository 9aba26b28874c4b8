"""Tables in HTML: headed for screen readers, well formed, nothing from elsewhere."""

import re
import xml.etree.ElementTree as ET

from vidbench.export.html import write_html
from vidbench.export.layout import Cell, Column, Group, Layout

TABLE = Layout(
    columns=(Column("Model"), Column("GMACs", has_views=True, is_numeric=True)),
    groups=(Group("A & <B>", ((Cell("x<y>&z", ("a",)), Cell("4.73", ("a",), "best", 30, is_figure=True)),)),),
    caption="Measured <here>",
    notes=(("a", "1 < 2"),),
    remarks=("GMACs & more",),
)


def parse(text: str) -> ET.Element:
    return ET.fromstring(text[text.index("<table") :])  # noqa: S314  # our own


def test_headings():
    """Each column, row and group of rows is headed, and the table has its caption first."""
    table = parse(write_html(TABLE))
    assert (table[0].tag, table[0].text) == ("caption", "Measured <here>")
    scopes = [(one.get("scope"), "".join(one.itertext())) for one in table.iter("th")]
    assert scopes == [("col", "Model"), ("col", "GMACs × views"), ("rowgroup", "A & <B>"), ("row", "x<y>&za")]
    assert [one.get("colspan") for one in table.iter() if one.get("colspan")] == ["2", "2"]


def test_marks():
    """The best figure is strong, its footnote raised, and the footnotes stand in the table's foot."""
    table = parse(write_html(TABLE))
    cell = table.find("tbody/tr/td")
    assert (cell.find("strong").text, cell.find("strong").tail, cell.find("sup").text) == ("4.73", " × 30", "a")
    assert ["".join(one.itertext()) for one in table.findall("tfoot//p")] == ["a 1 < 2", "GMACs & more"]


def test_standalone():
    """A whole page has a title, a language and its letters' code; neither form asks for anything from elsewhere."""
    page = write_html(TABLE, standalone=True)
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert '<meta charset="utf-8">' in page
    assert "<title>" in page
    assert write_html(TABLE) in page
    assert not re.search(r"https?:|@import|url\(|<script|<link", page)
