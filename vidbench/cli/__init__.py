"""The command line: each command parses, calls one function and hands its value on; errors end here, in one message."""

import signal
import sys
import traceback
from typing import Annotated

import typer

import vidbench
from vidbench.cli import (
    baseline,
    choose,
    claims,
    compare,
    env,
    explain,
    export,
    gate,
    listing,
    plot,
    profile,
    report,
    results,
    run,
    show,
)
from vidbench.errors import OwnCodeError, VidbenchError

BUG = 70

app = typer.Typer(
    name="vidbench",
    help="What video-recognition networks cost: parameters, MACs, latency, throughput and memory, across clip lengths.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("profile", no_args_is_help=True)(profile.profile)
app.command("explain", no_args_is_help=True)(explain.explain)
app.command("run")(run.run)
app.command("show")(show.show)
app.command("choose")(choose.choose)
app.command("report", no_args_is_help=True)(report.report)
app.command("plot", no_args_is_help=True)(plot.plot)
app.command("list")(listing.list_)
app.command("claims")(claims.claims)
app.command("env")(env.env)
app.command("export", no_args_is_help=True)(export.export)
app.command("compare", no_args_is_help=True)(compare.compare)
app.command("gate", no_args_is_help=True)(gate.gate)
app.add_typer(baseline.app, name="baseline")
app.add_typer(results.app, name="results")


def _print_version(asked: bool) -> None:  # noqa: FBT001  # typer hands over the flag's value
    if asked:
        typer.echo(f"vidbench {vidbench.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    _debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
) -> None:
    """What every command takes; main() has seen to --debug by then."""


def main() -> None:
    """Run the command line and end the process with one of the exit codes that README.md lists."""
    # --debug belongs to every command, and is wanted most when the command has just been typed and failed.
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    if hasattr(signal, "SIGPIPE"):
        # When whoever reads our output has had enough (`| head`), end as other tools do: at once and quietly.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        app(arguments)
    except VidbenchError as error:
        _end(str(error), error.exit_code, debug=debug, hint=isinstance(error, OwnCodeError))
    except Exception as error:  # the last resort, for bugs of ours
        _end(f"this is a bug in vidbench ({type(error).__name__}: {error})", BUG, debug=debug, hint=True)


def _end(message: str, code: int, *, debug: bool, hint: bool) -> None:
    """The traceback, if it is wanted, and the message; the exit code is the same with it and without."""
    if debug:
        traceback.print_exc()
    typer.echo(f"vidbench: {message}{'; --debug shows where' if hint and not debug else ''}", err=True)
    sys.exit(code)
