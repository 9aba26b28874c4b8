"""`vidbench compare`: two results case by case."""

from typing import Annotated

import typer


def compare(  # noqa: PLR0917  # one parameter an option
    old: Annotated[str, typer.Argument(metavar="OLD", help="A result file, or a folder of them.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Another, to be held against it.")],
    across: Annotated[
        bool,
        typer.Option("--across", help="Compare figures of different stacks or devices, too, and say what differs."),
    ] = False,
    effect: Annotated[str, typer.Option(help="The change of a measured figure up to which it is the same.")] = "1%",
    noise: Annotated[
        str | None,
        typer.Option(
            help="How far single runs lie apart on this machine, such as 2%, for cases of too few runs; default is "
            "taken from cases that have more.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[
        str | None, typer.Option(help="Write the comparison as JSON; - is stdout, instead of the table.")
    ] = None,
) -> None:
    """Compare two results: counted figures must be equal, measured ones are judged by their runs."""
    from vidbench.cli.options import parse_share
    from vidbench.cli.outputs import check_writable, write_text
    from vidbench.compare import compare as compare_results
    from vidbench.export.comparison import write_comparison
    from vidbench.store import read_all
    from vidbench.terminal.comparison import print_comparison
    from vidbench.terminal.screen import warn

    shares = [parse_share("--effect", effect), parse_share("--noise", noise) if noise is not None else None]
    if json is not None:
        check_writable("--json", json)
    sides = [read_all([old]), read_all([new])]
    for warning in (warning for side in sides for warning in side.warnings):
        warn(warning)
    comparison = compare_results(*sides, across=across, effect=shares[0] or 0.0, noise=shares[1])
    if json is not None:
        write_text("--json", json, write_comparison(comparison) + "\n")
    if json != "-":
        print_comparison(comparison)
