"""Tables of Markdown, LaTeX and HTML read back, by rules of their own."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

UNITS = {"M": 1e6, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "MiB": 2.0**20, "GiB": 2.0**30, "clips/s": 1.0, "%": 1.0, "": 1.0}


@dataclass(frozen=True)
class Shown:
    """What stands in a cell."""

    text: str
    mark: str = ""
    views: str = ""
    notes: str = ""

    def is_of(self, value: float, unit: str) -> bool:
        """Whether it is that figure in base units, to the last digit that is printed."""
        number, _, exponent = self.text.replace(",", "").partition("e")
        digits = len(number.partition(".")[2]) - int(exponent or 0)
        return abs(float(self.text.replace(",", "")) - value / UNITS[unit]) <= 0.5000001 * 10.0**-digits


@dataclass(frozen=True)
class Table:
    """Columns as (head, unit), lines of cells, titles as (line that follows, title), notes by letter."""

    columns: list[tuple[str, str]]
    lines: list[list[Shown]]
    titles: list[tuple[int, str]]
    notes: dict[str, str]

    def cell(self, line: int, head: str) -> Shown:
        return self.lines[line][[name for name, _ in self.columns].index(head)]

    def unit(self, head: str) -> str:
        return dict(self.columns)[head]


def read_markdown(text: str) -> Table:
    """A table of GitHub's Markdown."""
    plain = lambda cell: re.sub(r"\\(.)", r"\1", cell)  # noqa: E731
    rows = [re.split(r"(?<!\\) \| ", line[2:-2]) for line in text.splitlines() if line.startswith("| ")]
    heads = [re.fullmatch(r"(.*?)(?: \(([^()]*)\))?", cell.strip()) for cell in rows[0]]
    lines = []
    for row in rows[2:]:
        found = [
            re.fullmatch(r"(\*\*|<u>)?(.*?)(?:\*\*|</u>)?(?: × (\d+))?(?: <sup>(.*)</sup>)?", cell.strip())
            for cell in row
        ]
        marks = {"**": "best", "<u>": "second", None: ""}
        lines.append([Shown(plain(m[2]), marks[m[1]], m[3] or "", m[4] or "") for m in found])
    notes = {letter: plain(note) for letter, note in re.findall(r"^<sup>(\w+)</sup> (.*?) *$", text, re.M)}
    return Table([(plain(m[1]), plain(m[2] or "")) for m in heads], lines, [], notes)


TEX = {
    r"$\times$": "×", r"$\mu$": "µ", r"\%": "%", r"\_": "_", r"\#": "#", r"\&": "&", r"\{": "{", r"\}": "}", "--": "–",
    r"$\mathdollar$": "$", r"$<$": "<", r"$>$": ">", r"\textbackslash{}": "\\", r"\textasciitilde{}": "~",
    r"$\pm$": "±", "$|$": "|", r"\textasciicircum{}": "^",
}  # fmt: skip


def _plain_tex(cell: str) -> str:
    for command, character in TEX.items():
        cell = cell.replace(command, character)
    return cell.replace("{}", "")


def _shown_tex(cell: str, views: str = "") -> Shown:
    notes = re.search(r"\\(?:note|textsuperscript)\{([a-z,]*)\}", cell)
    mark = "best" if r"\best " in cell or r"\bfseries" in cell else "second" if r"\second" in cell else ""
    note = r"\\(?:note|textsuperscript)\{[a-z,]*\}"
    bare = re.sub(rf"\\hphantom{{[^}}]*}}|{{{note}}}|{note}|\\best ", "", cell)
    bare = re.sub(r"\\second\{(.*?)\}", r"\1", re.sub(r"^\{(.*?)\}?$", r"\1", bare.strip()))
    return Shown(_plain_tex(bare), mark, views.replace(r"$\times$\,", "").strip(), notes[1] if notes else "")


def read_latex(text: str) -> Table:
    """A table as vidbench writes it in LaTeX."""
    head, _, body = text[text.index(r"\toprule") : text.index(r"\bottomrule")].partition("\\midrule\n")
    titles, lines = [], []
    split = lambda line: re.split(r"(?<!\\)& ?", line.removesuffix(r" \\"))  # noqa: E731
    heads = [split(line) for line in head.splitlines() if line.endswith(r" \\")]
    joined = [place for place, cell in enumerate(heads[0]) if r"\multicolumn{2}" in cell]
    names = [[re.sub(r"^\\multicolumn\{2\}\{c\}", "", c.strip()).strip("{}") for c in row] for row in heads]
    names += [[""] * len(names[0])] if len(names) == 1 else []  # no column has a unit
    for line in body.splitlines():
        if title := re.fullmatch(r"\\multicolumn\{\d+\}\{l\}\{\\itshape (.*)\} \\\\", line):
            titles.append((len(lines), _plain_tex(title[1])))
        elif line.endswith(r" \\"):
            row = split(line)
            views = {place: row.pop(place + 1) for place in joined}
            lines.append([_shown_tex(cell, views.get(place, "")) for place, cell in enumerate(row)])
    notes = dict(re.findall(r"^\\textsuperscript\{(\w+)\}~(.*?)(?:\\par)?$", text, re.M))
    columns = [(_plain_tex(a), _plain_tex(b)) for a, b in zip(*names, strict=True)]
    return Table(columns, lines, titles, {letter: _plain_tex(note) for letter, note in notes.items()})


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.columns, self.lines, self.titles, self.notes, self.caption = [], [], [], {}, ""
        self.open: list[tuple[str, dict]] = []
        self.now: dict[str, str] = {}

    def handle_starttag(self, tag, attrs) -> None:
        self.open.append((tag, dict(attrs)))
        if tag == "tr":
            self.lines.append([])
        if tag in ("th", "td", "p"):
            self.now = {}

    def handle_data(self, data) -> None:
        tag = self.open[-1][0] if self.open else ""
        if tag == "caption":
            self.caption += data
        key = {"sup": "notes", "strong": "best", "u": "second", "small": "unit"}.get(tag, "text")
        self.now[key] = self.now.get(key, "") + data

    def handle_endtag(self, tag) -> None:
        name, attributes = self.open.pop()
        assert name == tag
        now = self.now
        text, _, views = now.get("text", "").partition(" × ")
        mark = next((key for key in ("best", "second") if key in now), "")
        if tag == "p" and "notes" in now:
            self.notes[now["notes"]] = now["text"].strip()
        elif tag in ("th", "td") and attributes.get("scope") == "col":
            self.columns.append((now["text"], now.get("unit", "")))
        elif tag == "th" and attributes["scope"] == "rowgroup":
            self.titles.append((len([line for line in self.lines if line]), text))
        elif tag in ("th", "td") and "colspan" not in attributes:
            self.lines[-1].append(Shown(now.get(mark, text), mark, views, now.get("notes", "")))


def read_html(text: str) -> Table:
    """A table of HTML; every element of it is closed."""
    reader = _Reader()
    reader.feed(text[text.index("<table") : text.index("</table>") + len("</table>")])
    assert not reader.open
    return Table(reader.columns, [line for line in reader.lines if line], reader.titles, reader.notes)


READERS = {"markdown": read_markdown, "latex": read_latex, "html": read_html}
