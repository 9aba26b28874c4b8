"""`vidbench env`: what the machine is, what makes it unfit to measure on, and how much the same case differs on it."""

from typing import TYPE_CHECKING, Annotated

import typer

from vidbench.cli.options import Threads

if TYPE_CHECKING:
    from vidbench.conditions.noise import Noise


def env(  # noqa: PLR0917  # one parameter an option
    device: Annotated[
        str, typer.Option(help="What to measure on: auto (the GPU where there is one), cpu, cuda, cuda:N.")
    ] = "auto",
    runs: Annotated[
        int, typer.Option(help="Processes in which the same case is timed to see how it differs; 0 leaves it out.")
    ] = 10,
    model: Annotated[
        str, typer.Option(help="The case: a variant, or a net of your own, at its default clip.")
    ] = "x3d-xs",
    threads: Threads = None,
    precision: Annotated[
        str, typer.Option(help="How well the median of each process is to be known, as 1% or 0.01.")
    ] = "1%",
    json: Annotated[
        str | None, typer.Option(help="Write one JSON object to this file; - is stdout, instead of text.")
    ] = None,
) -> None:
    """Say what this machine is, what makes it unfit to measure on and what to do, and measure its noise."""
    from pathlib import Path

    from vidbench.catalog import find_variant
    from vidbench.cli.options import parse_share
    from vidbench.cli.outputs import check_writable
    from vidbench.errors import InputError, VidbenchError

    share = parse_share("--precision", precision)
    find_variant(model)
    if runs < 0 or runs == 1:
        raise InputError(f"--runs takes 2 or more, or 0 to leave the noise out, not {runs}")
    if json is not None and json != "-":
        check_writable("--json", json)

    from vidbench.conditions.fitness import judge_machine
    from vidbench.conditions.machine import read_machine
    from vidbench.export.env import write_env
    from vidbench.run.stack import read_stack
    from vidbench.terminal.env import print_machine, print_noise
    from vidbench.terminal.screen import warn

    stack = read_stack(device, threads)
    warn("watching what else this machine does for a second")
    machine = read_machine()
    findings = judge_machine(machine, stack)
    if json != "-":
        print_machine(machine, stack, findings)
    noise, failure = None, None
    try:
        noise = _measure(model, runs, stack.device, threads, share) if runs else None
    except InputError:
        raise
    except VidbenchError as error:
        failure = error  # the rest is delivered
    text = write_env(machine, stack, findings, noise)
    if json == "-":
        typer.echo(text, nl=False)
    elif json is not None:
        Path(json).write_text(text, encoding="utf-8")
    if noise is not None and json != "-":
        print_noise(noise)
    if failure is not None:
        raise failure


def _measure(model: str, runs: int, device: str, threads: int | None, precision: float) -> "Noise":
    from vidbench.run.noise import measure_noise
    from vidbench.terminal.progress import show_progress

    with show_progress(runs) as announce:
        return measure_noise(model, runs=runs, device=device, threads=threads, precision=precision, announce=announce)
