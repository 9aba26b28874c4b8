"""Searches for a batch: what they are for, and which of their records are points of a curve and which an answer."""

from collections.abc import Iterable
from typing import Literal

from vidbench.catalog import variants
from vidbench.errors import InputError
from vidbench.records import Case, Record

Search = Literal["best", "max"]  # the batch of highest throughput; the largest that fits
SEARCHES: tuple[Search, ...] = ("best", "max")


def check_search(search: Search, cases: Iterable[Case]) -> None:
    """Refuse what has no batch to search for.

    Raises:
        InputError: a case is on meta, or repeated, or its net takes one clip at a time.
    """
    for case in cases:
        if case.device == "meta":
            raise InputError(
                f"--batch {search} tries batches on a device, and on meta nothing runs; take --device cpu or cuda, or "
                "--fits 24GB for the largest batch by predicted memory"
            )
        if case.repeat:
            raise InputError(
                f"--batch {search} tries each batch once; search without --repeats, then repeat with the batch found"
            )
        if case.model in variants() and variants()[case.model].adaptive:
            raise InputError(
                f"{case.model} is measured one clip at a time, for in a batch clips change each other's work; "
                f"--batch 1, not {search}"
            )


def is_refused(record: Record) -> bool:
    """Whether a search learned from this record that its batch is too large: an answer, and no failed case.

    Where not even one clip fits, the case has failed.
    """
    searched = "search" in record.conditions and record.case.batch > 1
    return searched and record.failure is not None and record.failure.kind == "oom"


def is_probe(record: Record) -> bool:
    """Whether the record is a point of a search's curve alone: neither what was chosen nor a failed case."""
    searched = "search" in record.conditions and not record.conditions["chosen"]
    return searched and (record.failure is None or is_refused(record))
