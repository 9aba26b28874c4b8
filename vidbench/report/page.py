"""The page: templates filled with what the other files make, in one file that loads nothing."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined

import vidbench
from vidbench.errors import InputError
from vidbench.metrics import MACS_CONVENTION
from vidbench.notes.methods import write_methods
from vidbench.pictures.entries import Entry, gather_entries, name_entries
from vidbench.pictures.looks import COLOURS
from vidbench.records import Environment, Record
from vidbench.report.columns import make_columns, tell_shared
from vidbench.report.details import Detail, Numbered, choose_detailed, detail
from vidbench.report.figures import make_figures, name_missing

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def write_page(
    records: Sequence[Record], environments: Mapping[str, Environment], title: str = "vidbench report"
) -> str:
    """The whole page as HTML.

    Raises:
        InputError: there is no record.
    """
    if not records:
        raise InputError("there is no record to report; give a file that `vidbench profile --json` wrote")
    entries = gather_entries(records, environments)
    methods, places = Numbered(), {key: number for number, key in enumerate(environments, 1)}
    details = _details(entries, methods, places)
    columns = make_columns(entries)
    shown = [column for column in columns if not column.hidden]
    style, script = _colour(_read("page.css")), _read("page.js")
    page = _templates().get_template("page.html.j2")
    return page.render(
        title=title,
        version=vidbench.__version__,
        policy=_policy(style, script),
        style=style,
        script=script,
        entries=entries,
        records=records,
        spans=sorted({records[0].time, *(record.time for record in records)}),
        columns=columns,
        shown=shown,
        table=list(zip(*(column.cells for column in shown), strict=True)),
        wordy={number for number, column in enumerate(shown) if column.words and column.key != "marks"},
        data=_data(columns),
        shared=tell_shared(entries),
        figures=make_figures(entries),
        missing=name_missing(entries),
        details=details,
        detailed={one.number for one in details},
        methods=methods.texts,
        sentences=write_methods(records, environments),
        environments=[(places[key], one) for key, one in environments.items()],
        convention=MACS_CONVENTION,
        failures=sum(entry.row["failure"] is not None for entry in entries),
        marked=sum(bool(entry.marks) for entry in entries),
    )


def _details(entries: Sequence[Entry], methods: Numbered, places: Mapping[str, int]) -> list[Detail]:
    names, _ = name_entries(entries)
    return [detail(number, names[number], entries[number], methods, places) for number in choose_detailed(entries)]


def _data(columns: Sequence[Any]) -> dict[str, Any]:
    """What the page's script sorts and filters by: the columns, and their values."""
    return {
        "columns": [
            {"key": column.key, "head": column.head, "words": column.words, "hidden": column.hidden}
            for column in columns
        ],
        "values": [column.values for column in columns],
    }


def _templates() -> Templates:
    templates = Templates(
        loader=PackageLoader("vidbench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_show,
    )
    templates.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": True}
    return templates


def _show(value: Any) -> Any:
    """Text without what a page cannot hold, or what would turn the text around it; Jinja's own markup as it is."""
    return CONTROL.sub("\ufffd", value) if type(value) is str else value


def _read(name: str) -> str:
    return files("vidbench.report").joinpath("templates", name).read_text("utf-8")


def _colour(style: str) -> str:
    """The style with the colours of families, on white and on black, where it names them by number."""
    for number, pair in enumerate(COLOURS):
        style = style.replace(f"COLOUR-{number}", ", ".join(pair))
    return style


def _policy(style: str, script: str) -> str:
    """A content security policy: this style and this script by their hashes, and nothing else from anywhere."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
