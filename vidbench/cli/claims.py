"""`vidbench claims`: the papers' figures of cost against ours, and why they differ."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vidbench.catalog import Family
    from vidbench.claims import Finding, Measuring
    from vidbench.run import Tally


def claims(
    family: Annotated[
        str | None, typer.Argument(help="Only this family, such as vov3d; a variant's name stands for its family.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            help="cpu, cuda or cuda:N: measure latency and peak memory of both sides of the headline claims, too.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object: published rows, and headline claims.")
    ] = False,
) -> None:
    """Check what each paper claims about cost against what is counted here, with the reason where the two differ."""
    from vidbench.catalog import families, find_family
    from vidbench.claims import answer_claims, load_claims
    from vidbench.cli.left_out import warn_of_left_out

    shown = [find_family(family)] if family else list(families().values())
    warn_of_left_out()
    names = {found.name for found in shown}
    measuring = _measuring(device) if device else None

    from vidbench.run import Tally
    from vidbench.terminal.screen import warn

    if family is None:
        warn("counting every net at the settings of its papers; this takes about half a minute")
    tally = Tally()
    findings = [finding for found in shown for finding in _check(found, tally, skips=family is None)]
    answers = answer_claims([claim for claim in load_claims() if claim.family in names], tally, measuring)
    if json:
        from vidbench.export.claims import write_claims

        typer.echo(write_claims(findings, answers))
        return
    from vidbench.terminal.claims import print_claims

    print_claims(findings, answers)


def _check(family: "Family", tally: "Tally", *, skips: bool) -> "list[Finding]":
    """The rows of one family; where a package's code fails, a warning may stand for them.

    Raises:
        InputError: the code of a package that registered the family fails.
    """
    from vidbench.claims import check_rows
    from vidbench.errors import InputError
    from vidbench.terminal.screen import warn

    try:
        return check_rows([family], tally)
    except InputError as error:
        if not skips or family.package is None:
            raise
        warn(str(error))
        return []


def _measuring(device: str) -> "Measuring":
    """A function that measures a setting on that device, once.

    Raises:
        InputError: there is no such device, or it cannot compute.
    """
    from functools import cache

    from vidbench.claims import Measured, Setting
    from vidbench.environment import resolve_device
    from vidbench.metrics import select_metrics
    from vidbench.records import Clip
    from vidbench.run import profile
    from vidbench.terminal.screen import warn

    metrics = select_metrics(("latency", "peak_memory"), resolve_device(device).type)

    @cache
    def measure(setting: Setting) -> Measured:
        warn(f"measuring {setting.variant} {setting.frames}x{setting.size} on {device}")
        clip = Clip(frames=setting.frames, size=setting.size)
        (record,) = profile(setting.variant, clip, classes=setting.classes, device=device, metrics=metrics)
        return Measured(
            latency=record.figure("latency"),
            memory=record.figure("peak_memory"),
            failure=f"{setting.variant}: {record.failure.message}" if record.failure else None,
        )

    return measure
