"""What another counter's difference to ours consists of, as text."""

from collections.abc import Mapping

from vidbench.records import Case, CrossCheck, Record
from vidbench.units import format_signed

COUNTERS = ("fvcore", "ptflops")
BACKENDS = {"ptflops": " (aten)"}  # the one of its two that sees every operator
SHOWN = 6  # operators without a rule that a line names


def cross_checks(record: Record) -> list[CrossCheck]:
    """What other counters made of the record's net; nothing where they were not asked."""
    macs = record.measurement("macs")
    return [CrossCheck(**found) for found in macs.details.get("cross_check", ())] if macs else []


def describe_check(check: CrossCheck) -> str:
    """Such as `fvcore +0.16 G: batch_norm +0.16 G; skipped: silu, mean`."""
    if check.difference is None:
        return f"{check.counter} {check.failure}"
    parts = [
        *_parts(check.beside),
        *_parts({name: -macs for name, macs in check.missed.items()}, " skipped"),
        *_parts(check.rounded, " rounded to 4 digits"),
    ]
    differs = check.difference or parts or check.unexplained
    head = format_signed(check.difference) if differs else "agrees"
    said = [f"{head}: {', '.join(parts)}" if parts else head]
    if check.unexplained:
        said.append(f"unexplained {describe_unexplained(check)}")
    if free := [name for name in check.skipped if name not in check.missed]:
        more = f" and {len(free) - SHOWN} more" if len(free) > SHOWN else ""
        said.append(f"skipped: {', '.join(free[:SHOWN])}{more}")
    return f"{check.counter} {'; '.join(said)}"


def list_doubts(record: Record) -> list[str]:
    """What a cross-check leaves to be looked into: a difference without explanation, or a counter that failed."""
    return [
        f"{name_case(record.case)}: {describe_check(check)}"
        for check in cross_checks(record)
        if check.unexplained or (check.failure or "").startswith("failed")
    ]


def name_counter(check: CrossCheck) -> str:
    """The counter that ran, with its release and backend."""
    return f"{check.counter} {check.version}{BACKENDS.get(check.counter, '')}"


def name_case(case: Case) -> str:
    """The net and clip of a case, such as `x3d-m 16x224`."""
    return f"{case.model} {case.frames}x{case.size}"


def describe_unexplained(check: CrossCheck) -> str:
    """The part of a difference that no operator accounts for, and where it may be."""
    places = {name: name if name == "elsewhere" else f"in {name}" for name in check.unexplained}
    where = ", ".join(f"{format_signed(macs)} {places[name]}" for name, macs in check.unexplained.items())
    return where + (f", perhaps {' or '.join(check.unjudged)}" if check.unjudged else "")


def _parts(macs: Mapping[str, int], what: str = "") -> list[str]:
    return [f"{name} {format_signed(number)}{what}" for name, number in macs.items()]
