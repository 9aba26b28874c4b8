"""`vidbench list`: the architectures, and what their papers reported."""

from typing import Annotated

import typer


def list_(
    family: Annotated[
        str | None, typer.Argument(help="Only this family, such as vov3d; a variant's name stands for its family.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array, an object a variant.")] = False,
) -> None:
    """List families and variants: parameters, default clip, published GMACs and accuracy with their source."""
    from vidbench.catalog import families, find_family
    from vidbench.cli.left_out import warn_of_left_out

    shown = [find_family(family)] if family else list(families().values())
    warn_of_left_out()
    if json:
        from vidbench.export.catalog import write_catalog

        typer.echo(write_catalog(shown))
        return
    from vidbench.terminal.catalog import print_families

    print_families(shown)
