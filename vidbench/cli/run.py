"""`vidbench run`: the cases of a suite, measured one after the other into a result file that survives crashes."""

from typing import TYPE_CHECKING, Annotated

import typer

from vidbench.cli.exits import INTERRUPTED, NOT_MEASURED

if TYPE_CHECKING:
    from vidbench.run.sweep import Sweep

CLUSTER = "On a cluster"


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
    launcher: Annotated[
        str, typer.Option(help="local measures on this machine; slurm hands the cases to a cluster.")
    ] = "local",
    partition: Annotated[
        str | None, typer.Option(help="Slurm's partition.", show_default=False, rich_help_panel=CLUSTER)
    ] = None,
    gres: Annotated[
        str | None,
        typer.Option(help="What a job has of a node, such as gpu:a100:1.", show_default=False, rich_help_panel=CLUSTER),
    ] = None,
    constraint: Annotated[
        str | None, typer.Option(help="Features that nodes must have.", show_default=False, rich_help_panel=CLUSTER)
    ] = None,
    exclusive: Annotated[
        bool | None,
        typer.Option(
            "--exclusive/--shared",
            help="Whether a job has its node for itself; by default one without --gres.",
            show_default=False,
            rich_help_panel=CLUSTER,
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(
            help="Time of a job: minutes, or as 2:00:00; by default 60.",
            show_default=False,
            rich_help_panel=CLUSTER,
        ),
    ] = None,
    array_parallelism: Annotated[
        int | None,
        typer.Option(
            help="How many jobs may run at once, of each GPU kind; by default 256.",
            show_default=False,
            rich_help_panel=CLUSTER,
        ),
    ] = None,
    job_time: Annotated[
        float | None,
        typer.Option(
            help="Seconds that a job is to take; cases are packed so. By default 600, or half of --time.",
            show_default=False,
            rich_help_panel=CLUSTER,
        ),
    ] = None,
    each_gpu_kind: Annotated[
        bool,
        typer.Option(
            "--each-gpu-kind",
            help="Measure all on each kind of GPU that the partition has, with one GPU a job.",
            rich_help_panel=CLUSTER,
        ),
    ] = False,
    slurm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE", help="Any further option of sbatch.", show_default=False, rich_help_panel=CLUSTER
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait for the jobs, and merge what they measured.", rich_help_panel=CLUSTER)
    ] = False,
    attach: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Come back to a run on the cluster, merge it at its end; with --resume begin again what ended early.",
            show_default=False,
            rich_help_panel=CLUSTER,
        ),
    ] = None,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="End the jobs of --attach ID.", rich_help_panel=CLUSTER)
    ] = False,
    poll: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two looks at the jobs.", rich_help_panel=CLUSTER)
    ] = 10.0,
) -> None:
    """Run a suite here or on a cluster: all its cases, each in a process of its own, into a new result file."""
    from vidbench.cli import launching, seats
    from vidbench.cli.left_out import warn_of_clips
    from vidbench.errors import InputError
    from vidbench.suites.files import read_suite, shipped_suites
    from vidbench.terminal.suites import print_plan, print_suites

    if list_:
        print_suites([read_suite(name) for name in shipped_suites()])
        return
    from vidbench.suites.launchers import parse_options

    asked = (partition, gres, constraint, exclusive, time, array_parallelism, job_time, each_gpu_kind or None)
    given = dict(zip(launching.SLURM_OPTIONS, (*asked, parse_options(slurm or [])), strict=True))
    launching.check_options(launcher, attach, given, follow=follow, cancel=cancel)
    elsewhere = launcher != "local" or attach is not None
    seats.check_options(devices, device=device, check=check_devices, elsewhere=elsewhere)
    if attach is not None:
        if suite is not None or dry_run:
            raise InputError("--attach comes back to a run as it was handed over; leave out the suite and --dry-run")
        raise typer.Exit(launching.attach(results, attach, resume=resume, cancel=cancel, poll=poll))
    if suite is None:
        raise InputError("no suite; give its name or file, or --list for those that come with vidbench")
    wanted = read_suite(suite)
    kinds = _parse_kinds(retry)
    if launcher == "slurm":
        code = launching.launch(
            wanted, results, given, device=device, timeout=timeout, retry=kinds if resume else None,
            dry_run=dry_run, follow=follow, poll=poll,
        )  # fmt: skip
        raise typer.Exit(code)
    if devices is not None:
        code = seats.run_on_devices(
            wanted, results, devices, limit=timeout or wanted.timeout, measure=_run, resume=resume, retry=kinds,
            dry_run=dry_run, check=check_devices,
        )  # fmt: skip
        raise typer.Exit(code)
    from vidbench.run.processes import Processes
    from vidbench.run.sweep import plan_sweep

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
