"""`vidbench baseline update`: results become what later ones are held against."""

from pathlib import Path
from typing import Annotated

import typer

FEW = 10

app = typer.Typer(help="Write what `vidbench gate` compares with.", no_args_is_help=True)


@app.callback()
def _baseline() -> None:
    """Keeps `update` a command of its own."""


@app.command("update", no_args_is_help=True)
def update(
    results: Annotated[list[str], typer.Argument(metavar="RESULTS", help="Result files, or folders of them.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The baseline file.")] = Path("baseline.jsonl"),
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget the cases and environments that the file has besides these.")
    ] = False,
) -> None:
    """Write results into a baseline file with their provenance; other cases that it has are kept."""
    from vidbench.comparison.pairs import label
    from vidbench.gates.baselines import write_baseline
    from vidbench.store import read_all
    from vidbench.terminal.screen import warn

    found = read_all(results)
    for warning in found.warnings:
        warn(warning)
    done = write_baseline(found, output, results, fresh=fresh)
    for case in done.failed:
        warn(f"{label(case)} was not measured and is left out")
    if done.fewest < FEW:
        warn(
            f"some case has {done.fewest} runs; with {FEW} or more (--repeats 20) a gate tells small changes from noise"
        )
    kept = f", {len(done.kept)} more kept" if done.kept else ""
    typer.echo(f"{output}: {len(done.written)} cases written{kept}")
