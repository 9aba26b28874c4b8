"""`vidbench export`: what was measured, in the form that a paper, a spreadsheet or a program takes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vidbench.store import Results

SUFFIXES = {
    "csv": (".csv",),
    "json": (".json",),
    "markdown": (".md", ".markdown"),
    "latex": (".tex",),
    "html": (".html", ".htm"),
    "parquet": (".parquet",),
}
STANDALONE = ("latex", "html")


def export(  # noqa: PLR0917  # one parameter an option
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULTS...", help="Files that --json wrote, or folders with such files.")
    ],
    to: Annotated[
        str | None,
        typer.Option(
            help=f"{', '.join(SUFFIXES)}; default is what the suffix of --output says.", show_default=False
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="The file to write (replaced); default is stdout.", show_default=False),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="Columns to show, such as model,frames,macs,latency; default is all or, of a table for a "
                     "paper, the usual ones.", show_default=False),
    ] = None,
    wide: Annotated[
        bool,
        typer.Option("--wide", help="Of csv: a row a model and setting, its clip lengths side by side (latency@16)."),
    ] = False,
    standalone: Annotated[
        bool, typer.Option("--standalone", help="Of latex and html: a whole document around the table.")
    ] = False,
) -> None:  # fmt: skip
    """Write records as CSV, JSON, Parquet, or as a table for a paper: Markdown, LaTeX (booktabs, siunitx), HTML."""
    from vidbench.cli.options import parse_names
    from vidbench.cli.outputs import check_writable
    from vidbench.errors import InputError
    from vidbench.store import collecting_nothing, read_all
    from vidbench.terminal.screen import warn

    output = None if output == "-" else output
    form = _choose_form(to, output)
    for option, given, forms in (("--wide", wide, ("csv",)), ("--standalone", standalone, STANDALONE)):
        if given and form not in forms:
            raise InputError(f"{option} is for --to {' or '.join(forms)}, not {form}")
    names = parse_names("--columns", columns) if columns is not None else None
    if output is not None:
        _check_other(output, results)
        check_writable("--output", output)
    with collecting_nothing():
        found = read_all(results)
        for warning in found.warnings:
            warn(warning)
        if not found.records:
            raise InputError(f"no record in {', '.join(map(str, results))}; give files that --json wrote")
        if form == "parquet":
            _save(str(output), lambda: _write_parquet(str(output), found, names))
            return
        text = _write(form, found, names, wide=wide, standalone=standalone)
    if output is None:
        typer.echo(text, nl=False)
    else:
        _save(output, lambda: Path(output).write_text(text, encoding="utf-8", newline=""))


def _save(output: str, write: Callable[[], object]) -> None:
    """Raise InputError where writing fails although the file could be opened."""
    from vidbench.errors import InputError

    try:
        write()
    except OSError as error:
        raise InputError(
            f"--output {output} cannot be written: {error.strerror or error}; give a file on another disk"
        ) from error


def _choose_form(to: str | None, output: str | None) -> str:
    """The form asked for by name, or by the file's suffix.

    Raises:
        InputError: neither says one, or it cannot be had.
    """
    from vidbench.errors import InputError

    suffix = Path(output or "").suffix.lower()
    form = to or next((form for form, suffixes in SUFFIXES.items() if suffix in suffixes), None)
    if form is None:
        raise InputError(
            f"--to is missing: one of {', '.join(SUFFIXES)}; or give --output FILE with a suffix of theirs"
        )
    if form not in SUFFIXES:
        raise InputError(f"--to takes {', '.join(SUFFIXES)}, not {form!r}")
    if form == "parquet":
        from vidbench.export.parquet import check_parquet

        check_parquet()
        if output is None:
            raise InputError("Parquet is no text and needs a file: --output FILE")
    return form


def _check_other(output: str, results: Sequence[Path]) -> None:
    """Raise InputError where the file to write is one of those to read."""
    from vidbench.errors import InputError
    from vidbench.store import find_files

    if Path(output).resolve() in (path.resolve() for path in find_files(results)):
        raise InputError(f"--output {output} is one of the files to read; give another name")


def _write(form: str, results: "Results", names: list[str] | None, *, wide: bool, standalone: bool) -> str:
    from vidbench.query.columns import check_columns
    from vidbench.table import COLUMNS, rows

    if form in ("csv", "json"):
        from vidbench.export.csv import write_csv
        from vidbench.export.json import write_json
        from vidbench.export.wide import WIDENED, widen

        check_columns(names or (), WIDENED if wide else COLUMNS)
        flat = rows(results.records, results.environments)
        if wide:
            lines = widen(flat, names)
            return write_csv(lines, list(lines[0]))
        return (write_csv if form == "csv" else write_json)(flat, names or COLUMNS)
    from vidbench.export.html import write_html
    from vidbench.export.latex import write_latex
    from vidbench.export.layout import lay_out
    from vidbench.export.markdown import write_markdown

    layout = lay_out(results.records, results.environments, names)
    if form == "markdown":
        return write_markdown(layout)
    return (write_latex if form == "latex" else write_html)(layout, standalone=standalone)


def _write_parquet(path: str, results: "Results", names: list[str] | None) -> None:
    from vidbench.export.parquet import write_parquet
    from vidbench.query.columns import check_columns
    from vidbench.table import COLUMNS, rows

    check_columns(names or (), COLUMNS)
    write_parquet(path, rows(results.records, results.environments), names or COLUMNS)
