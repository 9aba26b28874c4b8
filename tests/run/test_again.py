"""Measuring cases of results again: on the clips that they had, in rounds, each run with a number of its own."""

import pytest

from vidbench.errors import InputError
from vidbench.records import BUILT_IN, SYNTHETIC, Case, Footage
from vidbench.run import again
from vidbench.run.again import Again


def test_clips_of_before():
    """What a record says of its clip names what it is measured on."""
    assert again._name_footage(SYNTHETIC) == Footage()
    assert again._name_footage(", ".join(BUILT_IN)) == Footage(sources=BUILT_IN)


def test_rounds(monkeypatch):
    """Every case once a round, numbered on from call to call, also where cases have different clips."""
    measured = []

    def tell(jobs, plan, **_):
        measured.append([(case.model, case.repeat, clips[0].source) for case, clips in jobs])
        assert plan.metrics == ("macs", "latency")
        return iter([])

    monkeypatch.setattr(again, "run_cases", tell)
    measure = Again(["latency", "macs"], first=3)
    synthetic = Case(model="x3d-xs", classes=400, frames=4, size=32)
    adaptive = Case(model="slowfast-8x8-r50-atfr", classes=400, frames=32, size=64, clip="static")
    list(measure([synthetic, adaptive], 2))
    list(measure([synthetic], 1))
    assert measured[0] == [
        (name, repeat, source)
        for repeat in (3, 4)
        for name, source in (("x3d-xs", SYNTHETIC), ("slowfast-8x8-r50-atfr", "static"))
    ]
    assert measured[1] == [("x3d-xs", 5, SYNTHETIC)]


def test_what_cannot_be_measured_here():
    """A case of a device that this machine does not have is refused."""
    with pytest.raises(InputError, match=r"no CUDA device|there is no cuda:7"):
        list(Again(["latency"])([Case(model="x3d-xs", classes=400, frames=4, size=32, device="cuda:7")], 1))
