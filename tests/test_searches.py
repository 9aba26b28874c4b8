"""Which records of a search are answers, and what has no batch to search for."""

from dataclasses import replace

import pytest
from examples import case, record

from vidbench.errors import InputError
from vidbench.records import Failure, Record
from vidbench.searches import check_search, is_probe, is_refused

OOM, CRASH = Failure(kind="oom", message="out of memory"), Failure(kind="crash", message="SIGSEGV")


def searched(*, chosen: bool = False, failure: Failure | None = None, batch: int = 8) -> Record:
    taken = record(failure=failure, batch=batch)
    return replace(taken, conditions={**taken.conditions, "search": "max", "chosen": chosen, "why": "so"})


@pytest.mark.parametrize(
    ("one", "refused", "probe"),
    [
        (record(), False, False),
        (record(failure=OOM, batch=8), False, False),
        (searched(), False, True),
        (searched(chosen=True), False, False),
        (searched(chosen=True, failure=CRASH), False, False),
        (searched(failure=OOM), True, True),
        (searched(failure=OOM, batch=1), False, False),
        (searched(failure=CRASH), False, False),
    ],
    ids=["no search", "no search, out of memory", "tried", "chosen", "chosen, but crashed", "too large",
         "not one clip fits", "crashed"],
)  # fmt: skip
def test_roles(one, refused, probe):
    """Out of memory is an answer of a search alone, and only where less may fit; other failures are failed cases."""
    assert is_refused(one) is refused
    assert is_probe(one) is probe


def test_refusals():
    """On meta nothing runs, a search is one run, and some nets take one clip a call."""
    check_search("best", [case(), case(device="auto")])
    with pytest.raises(InputError, match="--fits"):
        check_search("best", [case(), case(device="meta")])
    with pytest.raises(InputError, match="without --repeats"):
        check_search("best", [case(), case(repeat=1)])
    with pytest.raises(InputError, match="--batch 1, not max"):
        check_search("max", [case(model="slowfast-8x8-r50-atfr")])
