"""`vidbench plot`: pictures of results for papers."""

from typing import Annotated

import typer

from vidbench.cli.options import Results


def plot(
    results: Results,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="A .pdf, .svg or .png file.")],
    kind: Annotated[
        str, typer.Option(help="accuracy-macs, accuracy-throughput, growth (cost against clip length) or memory.")
    ] = "accuracy-macs",
    dataset: Annotated[
        str | None, typer.Option(help="Accuracy on that data set alone, such as K400.", show_default=False)
    ] = None,
) -> None:
    """Draw accuracy against cost with the Pareto front, cost against clip length, or memory."""
    from pathlib import Path

    from vidbench.pictures.entries import gather_entries
    from vidbench.plots import check_picture, draw_results
    from vidbench.store import read_all
    from vidbench.terminal.screen import warn

    check_picture(Path(output))
    found = read_all(results)
    for warning in found.warnings:
        warn(warning)
    draw_results(gather_entries(found.records, found.environments), kind, Path(output), dataset)
