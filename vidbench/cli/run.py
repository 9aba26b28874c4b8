"""`vidbench run`: the cases of a suite, measured one after the other into a result file that survives crashes."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vidbench.run.sweep import Sweep

INTERRUPTED = 130
NOT_MEASURED = 3


def run(  # noqa: PLR0917  # one parameter an option
    suite: Annotated[
        str | None,
        typer.Argument(metavar="SUITE", help="A suite's file, or the name of one that comes with vidbench (--list)."),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show the suites that come with vidbench.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the cases, their predicted memory and how long they will take.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Measure only what earlier runs of the suite here have not, or what failed."),
    ] = False,
    retry: Annotated[
        str,
        typer.Option(help="Failures that --resume measures again, of oom, crash, timeout, error; or none."),
    ] = "oom,crash,timeout,error",
    results: Annotated[str, typer.Option(help="The folder that results go to, a folder a machine in it.")] = "results",
    device: Annotated[
        str | None, typer.Option(help="Measure on this device instead of the suite's.", show_default=False)
    ] = None,
    devices: Annotated[
        str | None,
        typer.Option(help="Measure on these GPUs at once, a case on each, such as cuda:0,cuda:1.", show_default=False),
    ] = None,
    check_devices: Annotated[
        bool, typer.Option("--check-devices", help="Only tell whether cases on --devices disturb each other.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(help="Seconds after which a case is ended, instead of the suite's.", show_default=False),
    ] = None,
) -> None:
    """Run a suite: all its cases, each in a process of its own, into a new result file."""
    from vidbench.cli import seats
    from vidbench.cli.left_out import warn_of_clips
    from vidbench.errors import InputError
    from vidbench.suites.files import read_suite, shipped_suites
    from vidbench.terminal.suites import print_plan, print_suites

    if list_:
        print_suites([read_suite(name) for name in shipped_suites()])
        return
    if suite is None:
        raise InputError("no suite; give its name or file, or --list for those that come with vidbench")
    from vidbench.run.processes import Processes
    from vidbench.run.sweep import plan_sweep

    wanted = read_suite(suite)
    kinds = _parse_kinds(retry)
    seats.check_options(devices, device=device, check=check_devices)
    if devices is not None:
        code = seats.run_on_devices(
            wanted, results, devices, limit=timeout or wanted.timeout, measure=_run, resume=resume, retry=kinds,
            dry_run=dry_run, check=check_devices,
        )  # fmt: skip
        raise typer.Exit(code)
    with Processes(timeout or wanted.timeout) as processes:
        sweep = plan_sweep(wanted, results, processes, device=device, resume=resume, retry=kinds)
        if dry_run:
            print_plan(sweep.cases, sweep.predict_memory(), sweep.estimate(), done=sweep.done, left_out=wanted.left_out)
            return
        warn_of_clips(wanted.left_out)
        code = _run(sweep)
    raise typer.Exit(code)


def _parse_kinds(text: str) -> tuple[str, ...]:
    from vidbench.cli.options import parse_names
    from vidbench.errors import InputError
    from vidbench.runs import FAILURES

    kinds = () if text.strip() == "none" else tuple(parse_names("--retry", text))
    for kind in kinds:
        if kind not in FAILURES:
            raise InputError(f"--retry takes {', '.join(FAILURES)} or none, not {kind!r}")
    return kinds


def _run(sweep: "Sweep") -> int:
    """Measure what is to be measured, saying how far it is; the exit code."""
    from vidbench.notes.lines import describe_failure
    from vidbench.terminal.progress import show_progress
    from vidbench.terminal.screen import warn
    from vidbench.terminal.suites import print_end

    for warning in sweep.warnings:
        warn(warning)
    if sweep.done:
        warn(f"{sweep.done} cases are there already and not measured again")
    if not sweep.jobs:
        warn("nothing is left to measure")
        return 0
    failed = measured = 0
    interrupted = False
    try:
        with show_progress(len(sweep.jobs), expected=sweep.estimate().seconds) as announce:
            announce.done = 0 if sweep.seats else None
            for record in sweep.run(announce):
                measured += 1
                announce.done = measured if sweep.seats else None
                if failure := describe_failure(record):
                    failed += 1
                    announce.failed = failed
                    warn(f"not measured: {failure}")
    except KeyboardInterrupt:
        interrupted = True
    print_end(sweep.path, measured, failed)
    if interrupted:
        warn(f"interrupted after {measured} of {len(sweep.jobs)} cases; --resume goes on with the rest")
        return INTERRUPTED
    return NOT_MEASURED if failed else 0
