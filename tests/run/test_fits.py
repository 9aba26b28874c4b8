"""What is found fits, and one more would not."""

from dataclasses import replace

import pytest

from vidbench.catalog import variants
from vidbench.records import Case
from vidbench.run.fits import _largest, find_fits
from vidbench.run.nets import Nets
from vidbench.run.static import count_call, predict_optimiser


@pytest.mark.parametrize("name", ["x3d-m", "blvnet-tam-50"])
@pytest.mark.parametrize("task", ["inference", "train"])
def test_one_more_would_not_fit(name: str, task: str):
    variant = variants()[name]
    asked = Case(model=name, classes=400, frames=variant.frames, size=64, task=task, device="meta")
    limit = 700 * 2**20
    longest, largest = find_fits(asked, limit, nets := Nets())
    assert (longest.axis, largest.axis) == ("frames", "batch")
    more = [
        replace(longest.case, frames=longest.case.frames + variant.frames_multiple),
        replace(largest.case, batch=largest.case.batch + 1),
    ]
    for fit, beyond in zip((longest, largest), more, strict=True):
        held = predict_optimiser(nets.counted(asked), asked)
        assert (held > 0) == (task == "train")
        assert count_call(nets.counted(asked), fit.case).peak.bytes + held == fit.predicted <= limit
        assert count_call(nets.counted(asked), beyond).peak.bytes + held > limit


def test_nothing_fits():
    asked = Case(model="x3d-m", classes=400, frames=16, size=64, device="meta")
    assert [(fit.case, fit.predicted > 2**20) for fit in find_fits(asked, 2**20, Nets())] == [(None, True)] * 2


def test_adaptive_nets_come_one_by_one():
    asked = Case(model="slowfast-8x8-r50-atfr", classes=400, frames=32, size=64, device="meta")
    (fit,) = find_fits(asked, 400 * 2**20, Nets())
    assert fit.case.frames > 0


@pytest.mark.parametrize("limit", [5, 10, 99, 1000, 12345, 10**9])
@pytest.mark.parametrize("bytes_of", [lambda n: n, lambda n: 3 + 2 * n, lambda n: max(4 * n, n * n // 3)])
def test_search(bytes_of, limit: int):
    """The largest number that fits is found in few guesses, whatever the growth."""
    asked = []

    def predict(number: int) -> int:
        asked.append(number)
        return bytes_of(number)

    most, predicted = _largest(predict, 1, bytes_of(1), limit)
    assert predicted == bytes_of(most) <= limit
    assert most >= 1 << 20 or bytes_of(most + 1) > limit
    assert len(asked) < 60
