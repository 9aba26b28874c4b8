"""`vidbench report`: results as one page that needs no network."""

from typing import Annotated

import typer

from vidbench.cli.options import Results


def report(
    results: Results,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="The page; - is stdout.")
    ] = "report.html",
    title: Annotated[str, typer.Option(help="What the page is headed.")] = "vidbench report",
) -> None:
    """Write a page with a table to sort and filter, pictures, and what is known of each case."""
    from pathlib import Path

    from vidbench.cli.outputs import check_writable
    from vidbench.report import write_page
    from vidbench.store import read_all
    from vidbench.terminal.screen import warn

    check_writable("-o", output)
    found = read_all(results)
    for warning in found.warnings:
        warn(warning)
    page = write_page(found.records, found.environments, title).encode("utf-8", "replace")
    if output == "-":
        typer.echo(page, nl=False)
    else:
        Path(output).write_bytes(page)
