"""`vidbench gate`: whether anything has become worse than the baseline by more than its limit."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from vidbench.cli.exits import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vidbench.gates import Judgement, Limits, Remeasure
    from vidbench.records import Case, Environment, Record
    from vidbench.store import Results
    from vidbench.suites.files import Suite


class Target(NamedTuple):
    """What a gate is to judge.

    Attributes:
        limits: those that come with it.
        take: gives the runs, which may take measuring them, and the file that runs measured again are to be added to.
        is_suite: whether it is measured here.
        how: its time limit and precision, where it has its own.
        cases: those that a suite has.
    """

    limits: "Limits"
    take: "Callable[[], tuple[Results, Path | None]]"
    is_suite: bool
    how: dict[str, float]
    cases: "Sequence[Case]" = ()


def gate(  # noqa: PLR0917  # one parameter an option
    target: Annotated[
        str,
        typer.Argument(metavar="SUITE|RESULTS", help="A suite to measure here, or a result file or folder of them."),
    ],
    baseline: Annotated[
        str, typer.Option(help="A file that `vidbench baseline update` wrote, a folder of them, or git:REV[:PATH].")
    ],
    limit: Annotated[
        list[str] | None,
        typer.Option(
            help="How much worse a figure may be: latency=3%, macs=0, latency=none; with a pattern of models before "
            "it for these alone: 'x3d-*:latency=5%'. May be given several times.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="Metrics to judge, such as macs,latency; default is all that have a limit.")
    ] = None,
    noise: Annotated[
        str | None,
        typer.Option(
            help="By how much runs of one thing differ on this machine: a share such as 2%, the file of `vidbench env "
            "--json`, or measure, to measure it now as `vidbench env` does.",
            show_default=False,
        ),
    ] = None,
    remeasure: Annotated[
        bool | None,
        typer.Option(
            "--remeasure/--no-remeasure",
            help="Measure here again what cannot be told yet, or has become worse; default is to do so with a suite.",
            show_default=False,
        ),
    ] = None,
    most: Annotated[int, typer.Option(help="New runs of a case after which it is not measured again.")] = 20,
    timeout: Annotated[
        float | None,
        typer.Option(
            help="Seconds after which a run is ended, and has failed; default is the suite's, or 600.",
            show_default=False,
        ),
    ] = None,
    results: Annotated[str, typer.Option(help="The folder that a suite's results go to.")] = "results",
    junit: Annotated[str | None, typer.Option(help="Write JUnit XML to this file.", show_default=False)] = None,
    json: Annotated[
        str | None, typer.Option(help="Write the verdicts as JSON; - is stdout, instead of the table.")
    ] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Print annotations, as is done within GitHub Actions anyway.")
    ] = False,
) -> None:
    """Judge results against a baseline: 0 passed, 1 regression, 3 could not measure, 5 no baseline, 4 inconclusive."""
    from vidbench.cli.limits import add_limits
    from vidbench.cli.noise import MEASURE, Noise, measure_noise, read_noise
    from vidbench.cli.options import parse_names
    from vidbench.cli.outputs import check_writable
    from vidbench.errors import InputError
    from vidbench.gates import Rules, judge
    from vidbench.gates.baselines import read_baseline, tell_origins
    from vidbench.terminal.screen import warn

    if most < 1:
        raise InputError(f"--most cannot be {most}; give 1 or more")
    known = read_noise(noise) if noise is not None and noise != MEASURE else Noise(0.0, [])
    names = parse_names("--only", only) if only is not None else None
    if junit == json == "-":
        raise InputError("--junit - and --json - cannot both have stdout; give one of them a file")
    for option, path in (("--junit", junit), ("--json", json)):
        if path is not None:
            check_writable(option, path)
    found = open_target(target, results, timeout)
    limits = add_limits(found.limits, limit or [], names, found.cases)
    against = read_baseline(baseline)
    try:
        taken, file = found.take()
        for warning in (*taken.warnings, *against.warnings):
            warn(warning)
        if noise == MEASURE:
            known = measure_noise(record.case.device for record in taken.records)
        wants = found.is_suite if remeasure is None else remeasure
        again = measure_again(taken, limits, file, found.how) if wants else None
        judgement = judge(against, taken, limits, remeasure=again, noise=known.share, rules=Rules(most=most))
    except KeyboardInterrupt:
        warn("interrupted; nothing is judged")
        raise typer.Exit(INTERRUPTED) from None
    notes = [*tell_origins(against.records), *known.notes, *explain_marks(judgement)]
    deliver(judgement, notes, junit=junit, json=json, github=github)
    raise typer.Exit(judgement.exit_code)


def open_target(name: str, folder: str, timeout: float | None) -> Target:
    """A result file or a folder of them, or a suite, which is not measured yet.

    Raises:
        InputError: there is none, or the suite has faults.
    """
    from vidbench.gates import LIMITS, Limits
    from vidbench.store import read_all

    path = Path(name)
    if path.is_dir() or path.suffix not in ("", ".toml") or (path.is_file() and path.suffix != ".toml"):
        results = read_all([name])
        return Target(
            Limits(), lambda: (results, None), is_suite=False, how={} if timeout is None else {"timeout": timeout}
        )
    from vidbench.suites.files import read_suite

    suite = read_suite(name)
    limit = timeout or suite.timeout
    return Target(
        limits=Limits({**LIMITS, **suite.limits}, special=suite.exceptions_of),
        take=lambda: measure_suite(suite, folder, limit),
        is_suite=True,
        how={"timeout": limit, "precision": suite.precision},
        cases=[case for case, _ in suite.cases],
    )


def measure_suite(suite: "Suite", folder: str, timeout: float) -> "tuple[Results, Path]":
    """Run the suite as `vidbench run` does, into a new file of the folder; its runs, and the file."""
    from vidbench.run.processes import Processes
    from vidbench.run.sweep import plan_sweep
    from vidbench.store import read_results
    from vidbench.terminal.progress import show_progress
    from vidbench.terminal.screen import warn

    with Processes(timeout) as processes:
        sweep = plan_sweep(suite, folder, processes)
        with show_progress(len(sweep.jobs), expected=sweep.estimate().seconds) as announce:
            for _ in sweep.run(announce):
                pass  # each is in the file by now
    warn(f"{suite.name} is measured: {sweep.path}")
    return read_results(sweep.path), sweep.path


def measure_again(results: "Results", limits: "Limits", file: Path | None, how: "Mapping[str, float]") -> "Remeasure":
    """What measures limited figures of the results again here, with progress on stderr, and adds them to the file.

    torch is loaded when it is first asked to.
    """
    first = 1 + max((record.case.repeat for record in results.records), default=0)

    def remeasure(cases: "Sequence[Case]", rounds: int) -> "list[tuple[Record, Environment]]":
        nonlocal first
        from vidbench.cli.outputs import open_outputs
        from vidbench.gates import list_limited
        from vidbench.metrics import METRICS
        from vidbench.run.again import Again
        from vidbench.terminal.progress import show_progress
        from vidbench.terminal.screen import warn

        wanted = [name for name in list_limited(limits, results.records) if METRICS[name].kind == "sampled"]
        warn(f"measuring {len(cases)} cases again, {rounds} times each")
        kept = None if file is None else str(file)
        taken = []
        with open_outputs(csv_path=None, json_path=kept) as keep, show_progress(len(cases) * rounds) as announce:
            again = Again(wanted, first=first, announce=announce, **how)
            first += rounds
            for record, environment in again(cases, rounds):
                keep(record, environment)
                taken.append((record, environment))
        return taken

    return remeasure


def explain_marks(judgement: "Judgement") -> list[str]:
    """What the marks of a table mean."""
    if any(check.widened and check.limit is not None and check.widened > check.limit for check in judgement.checks):
        return [
            "* widened: what is asked for, or the smallest change that counts (1%), or how far runs of one side lie "
            "apart, whichever is greatest; to pass, a figure must be within the limit itself, or that 1%"
        ]
    return []


def deliver(judgement: "Judgement", notes: list[str], *, junit: str | None, json: str | None, github: bool) -> None:
    """Write each output that is asked for, by option or by GitHub's environment variables."""
    from vidbench.cli.outputs import write_text
    from vidbench.export.comparison import write_judgement
    from vidbench.export.github import write_annotations, write_summary
    from vidbench.export.junit import write_junit
    from vidbench.terminal.comparison import print_judgement
    from vidbench.terminal.screen import warn

    if junit is not None:
        write_text("--junit", junit, write_junit(judgement))
    if json is not None:
        write_text("--json", json, write_judgement(judgement, notes) + "\n")
    if json != "-" and junit != "-":
        print_judgement(judgement, notes)
    if github or os.environ.get("GITHUB_ACTIONS") == "true":
        for line in write_annotations(judgement):
            typer.echo(line, err="-" in (json, junit))
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(write_summary(judgement, notes))
        except OSError as error:
            warn(f"the step summary {summary} cannot be written: {error.strerror}")
