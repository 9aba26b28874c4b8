"""`vidbench results`: what result files there are, several as one, and without what was measured again."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="List, merge and prune result files.", no_args_is_help=True)

Places = Annotated[list[str] | None, typer.Argument(metavar="RESULTS", help="Result files and folders of them.")]


@app.command("list")
def list_(results: Places = None) -> None:
    """Show what each file holds: its machine, how many records and failures, and from when."""
    from vidbench.runs import summarise_file
    from vidbench.store import find_files, read_results
    from vidbench.terminal.results import print_files
    from vidbench.terminal.screen import warn

    summaries = []
    for path in find_files(results or ["results"]):
        found = read_results(path)
        for warning in found.warnings:
            warn(warning)
        summaries.append(summarise_file(path, found))
    print_files(summaries)


@app.command("merge", no_args_is_help=True)
def merge(
    results: Annotated[list[str], typer.Argument(metavar="RESULTS", help="Result files and folders of them.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The new file; one that is there is not replaced.")],
) -> None:
    """Write the records of several files into one, each once."""
    from vidbench.errors import InputError
    from vidbench.store import read_all, replace_file
    from vidbench.terminal.screen import warn

    if output.exists():
        raise InputError(f"{output} is there already; give another name with -o")
    found = read_all(results)
    for warning in found.warnings:
        warn(warning)
    replace_file(output, found.records, found.environments)
    typer.echo(f"{len(found.records)} records in {output}")


@app.command("prune")
def prune(
    results: Places = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only what would be taken away is shown.")] = False,
) -> None:
    """Take away records whose case was measured again later in the same environment, and failures since overcome."""
    from vidbench.runs import find_superseded
    from vidbench.store import find_files, read_results, replace_file

    files = {path: read_results(path) for path in find_files(results or ["results"])}
    gone = find_superseded(record for found in files.values() for record in found.records)
    for path, found in files.items():
        kept = [record for record in found.records if record.id not in gone]
        taken = len(found.records) - len(kept)
        if taken:
            typer.echo(f"{path}: {taken} of {len(found.records)} records {'taken away' if yes else 'are superseded'}")
        if taken and yes:
            if kept:
                replace_file(path, kept, found.environments)
            else:
                path.unlink()
    if not gone:
        typer.echo("no record is superseded by a later one")
    elif not yes:
        typer.echo("nothing was changed; --yes takes them away")
