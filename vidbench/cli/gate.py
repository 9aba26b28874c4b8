"""`vidbench gate`: whether anything has become worse than the baseline by more than its limit."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vidbench.gates import Judgement, Limits, Remeasure
    from vidbench.records import Case, Environment, Record
    from vidbench.store import Results


class Target(NamedTuple):
    """What a gate is to judge: runs, and the limits that come with them."""

    results: "Results"
    limits: "Limits"


def gate(  # noqa: PLR0917  # one parameter an option
    target: Annotated[str, typer.Argument(metavar="RESULTS", help="A result file, or a folder of them.")],
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
        str | None, typer.Option(help="How far runs of one thing lie apart on this machine, such as 2%.")
    ] = None,
    remeasure: Annotated[
        bool, typer.Option("--remeasure", help="Measure here again what cannot be told yet, or has become worse.")
    ] = False,
    most: Annotated[int, typer.Option(help="New runs of a case after which it is not measured again.")] = 20,
    timeout: Annotated[float, typer.Option(help="Seconds after which a run is ended, and has failed.")] = 600.0,
    junit: Annotated[str | None, typer.Option(help="Write JUnit XML to this file.", show_default=False)] = None,
    json: Annotated[
        str | None, typer.Option(help="Write the verdicts as JSON; - is stdout, instead of the table.")
    ] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Print annotations, as is done within GitHub Actions anyway.")
    ] = False,
) -> None:
    """Judge results against a baseline: 0 passed, 1 regression, 3 could not measure, 5 no baseline, 4 inconclusive."""
    from vidbench.baselines import read_baseline, tell_origins
    from vidbench.cli.limits import add_limits
    from vidbench.cli.options import parse_names, parse_share
    from vidbench.cli.outputs import check_writable
    from vidbench.errors import InputError
    from vidbench.gates import Rules, judge
    from vidbench.terminal.screen import warn

    if most < 1:
        raise InputError(f"--most cannot be {most}; give 1 or more")
    share = parse_share("--noise", noise) if noise is not None else 0.0
    names = parse_names("--only", only) if only is not None else None
    if junit == json == "-":
        raise InputError("--junit - and --json - cannot both have stdout; give one of them a file")
    for option, path in (("--junit", junit), ("--json", json)):
        if path is not None:
            check_writable(option, path)
    found = open_target(target)
    limits = add_limits(found.limits, limit or [], names)
    against = read_baseline(baseline)
    for warning in (*found.results.warnings, *against.warnings):
        warn(warning)
    again = measure_again(found.results, limits, timeout) if remeasure else None
    judgement = judge(against, found.results, limits, remeasure=again, noise=share, rules=Rules(most=most))
    notes = [*tell_origins(against.records), *explain_marks(judgement)]
    deliver(judgement, notes, junit=junit, json=json, github=github)
    raise typer.Exit(judgement.exit_code)


def open_target(name: str) -> Target:
    """The results of that name.

    Raises:
        InputError: there are none.
    """
    from vidbench.gates import Limits
    from vidbench.store import read_all

    return Target(read_all([name]), Limits())


def measure_again(results: "Results", limits: "Limits", timeout: float) -> "Remeasure":
    """What measures limited figures of the results again here, with progress on stderr.

    torch is loaded when it is first asked to.
    """
    first = 1 + max((record.case.repeat for record in results.records), default=0)

    def remeasure(cases: "Sequence[Case]", rounds: int) -> "list[tuple[Record, Environment]]":
        nonlocal first
        from vidbench.gates import list_limited
        from vidbench.metrics import METRICS
        from vidbench.run.again import Again
        from vidbench.terminal.progress import show_progress
        from vidbench.terminal.screen import warn

        wanted = [name for name in list_limited(limits, results.records) if METRICS[name].kind == "sampled"]
        warn(f"measuring {len(cases)} cases again, {rounds} times each")
        with show_progress(len(cases) * rounds) as announce:
            again = Again(wanted, timeout=timeout, first=first, announce=announce)
            first += rounds
            return list(again(cases, rounds))

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
