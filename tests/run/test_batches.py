"""The search for a batch: on given curves, and in processes of its own on a net whose memory grows quickly."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from examples import case, environment, record

import vidbench
from vidbench.errors import InputError
from vidbench.records import Clip, Failure, Measurement, Record
from vidbench.run.batches import Rate, choose, find_batch, list_between, next_batch
from vidbench.run.nets import Nets
from vidbench.run.plan import Plan
from vidbench.run.room import Room, find_room
from vidbench.run.static import count_call
from vidbench.searches import is_probe, is_refused

GIB = 2**30
KNOWN = 0.01
METRICS = ("macs", "latency")


def throughput(value: float, interval: tuple[float, float] | None = None, asked: float = KNOWN) -> Measurement:
    low, high = interval or (value * 0.999, value * 1.001)
    details = {"interval": [low, high], "precision_asked": asked}
    return Measurement(metric="throughput", value=value, unit="clips/s", method="", details=details)


class Device:
    """Measures by a given curve: clips a second by batch, or the kind of failure; beyond it memory is short."""

    def __init__(self, curve: Mapping[int, float | str], full: Mapping[int, str] | None = None) -> None:
        self.curve = curve
        self.full = full or {}  # what fails only when measured as planned
        self.calls: list[tuple[int, tuple[str, ...]]] = []

    def measure(self, case, plan):
        assert plan.search is None
        self.calls.append((case.batch, plan.metrics))
        found = self.curve.get(case.batch, "oom")
        if plan.metrics == METRICS:
            found = self.full.get(case.batch, found)
        failure = Failure(kind=found, message=found) if isinstance(found, str) else None
        measurements = () if failure else (throughput(found),)
        return record(*measurements, failure=failure, batch=case.batch), environment()

    def search(self, what: str, room: Room | None = None) -> list[Record]:
        plan = Plan(metrics=METRICS, search=what)
        return [one for one, _ in find_batch(case(), plan, self.measure, room or Room())]


def batches(records: list[Record]) -> list[int]:
    return [one.case.batch for one in records]


def chosen(records: list[Record]) -> Record:
    """The last record, which alone is chosen."""
    assert [one.conditions["chosen"] for one in records] == [False] * (len(records) - 1) + [True]
    return records[-1]


class TestBest:
    def test_flat(self):
        """Where doubling twice brings no more, the smallest of the equal batches is it, measured anew as planned."""
        device = Device({1: 10, 2: 20, 3: 29.95, 4: 30, 8: 30.3, 16: 30.2})
        records = device.search("best")
        found = chosen(records)
        assert batches(records) == [1, 2, 4, 8, 16, 3, 3]
        assert device.calls[-1] == (3, METRICS)
        assert {metrics for _, metrics in device.calls[:-1]} == {("throughput",)}
        assert "the smallest of 3, 4, 8 and 16, which cannot be told apart (±1% at worst)" in found.conditions["why"]
        assert "the last 2 doublings brought no more that can be told" in found.conditions["why"]
        assert {one.conditions["search"] for one in records} == {"best"}
        assert found.conditions["vidbench"] == "0.1.0"

    def test_peak_in_the_middle(self):
        """The highest throughput counts, not the largest batch, and it may lie between two doublings."""
        device = Device({1: 10, 2: 20, 4: 40, 8: 45, 16: 30, 32: 20, 64: 10, 6: 50, 12: 41})
        records = device.search("best")
        assert batches(records) == [1, 2, 4, 8, 16, 32, 6, 12, 6]
        assert "the highest throughput of 8 batches" in chosen(records).conditions["why"]

    def test_out_of_memory_in_the_middle(self):
        """A batch that is out of memory ends the doubling, and what lies between is tried."""
        records = Device({1: 10, 2: 20, 3: 25, 4: 40, 6: 60}).search("best")
        assert batches(records) == [1, 2, 4, 8, 3, 6, 6]
        assert "batch 8 was out of memory" in chosen(records).conditions["why"]
        assert [is_refused(one) for one in records] == [False] * 3 + [True] + [False] * 3
        assert [is_probe(one) for one in records] == [True] * 6 + [False]

    def test_what_cannot_fit_is_not_tried(self):
        """What is predicted to take more than is free is known without running it."""
        curve = {batch: 10.0 * batch for batch in range(1, 100)}
        records = Device(curve).search("best", Room(8 * GIB, 11))
        assert batches(records) == [1, 2, 4, 8, 6, 8]
        assert (
            "batch 16 was not tried, for it is predicted to take more than the 8.00 GiB free"
            in (chosen(records).conditions["why"])
        )
        assert batches(Device(curve).search("best", Room(8 * GIB, 12))) == [1, 2, 4, 8, 6, 12, 12]
        assert batches(Device(curve).search("best", Room(8 * GIB, 0))) == [1, 1]

    def test_slow_rise(self):
        """Rises that are each too small to be seen add up."""
        curve = {2**power: 100 * 1.015**power for power in range(12)}
        assert max(batches(Device(curve).search("best"))) == 2**11 * 2

    def test_not_even_one_clip(self):
        """Where one clip is out of memory, nothing is found, and the case has failed."""
        (only,) = Device({}).search("best")
        assert not only.conditions["chosen"]
        assert not is_refused(only)
        assert not is_probe(only)

    @pytest.mark.parametrize("kind", ["timeout", "crash", "error"])
    def test_other_failures(self, kind):
        """Any other failure ends the curve, is a failed case, and is told beside what was found."""
        records = Device({1: 10, 2: 20, 4: kind}).search("best")
        assert batches(records) == [1, 2, 4, 2]
        assert f"batch 4 failed otherwise ({kind})" in chosen(records).conditions["why"]
        assert not is_probe(records[2])

    def test_in_full_it_is_too_much(self):
        """A batch that ran, but runs out of memory when all is measured, gives way to the next best below it."""
        device = Device({1: 10, 2: 20, 3: 30, 4: 40, 6: 30}, full={4: "oom"})
        records = device.search("best")
        assert batches(records)[-2:] == [4, 3]
        assert "measured in full it was out of memory" in records[-2].conditions["why"]
        assert is_probe(records[-2])
        assert chosen(records).case.batch == 3


class TestRates:
    def test_noise(self):
        """What cannot be told from the highest is equal to it; a bad interval upwards alone makes nothing equal."""
        slow, noisy, fast = Rate(1, 10, 9, 11), Rate(2, 19, 15, 25), Rate(4, 20, 19, 21)
        assert choose([slow, noisy, fast]).batch == 2
        assert choose([slow, fast]).batch == 4
        assert choose([Rate(1, 10, 2, 11), fast]).batch == 4

    def test_known_no_better_than_asked(self):
        """Intervals within one process are narrow: what differs by less than the precision asked for is equal."""
        narrow = throughput(30.3, (30.29, 30.31)), throughput(30, (29.99, 30.01))
        for asked, expected in ((0.01, 1), (0.001, 2)):

            def measure(case, plan, asked=asked):
                one = narrow[case.batch % 2]
                one = replace(one, details={**one.details, "precision_asked": asked})
                return record(one, batch=case.batch), environment()

            plan = Plan(metrics=METRICS, search="best")
            found = [one for one, _ in find_batch(case(), plan, measure, Room(GIB, 2))]
            assert found[-1].case.batch == expected

    def test_between(self):
        """Beside the best; on a plateau, or past what fits, nothing above it."""

        def rates(**values: float) -> list[Rate]:
            return [Rate(int(name[1:]), value, value * 0.99, value * 1.01) for name, value in values.items()]

        assert list_between([], None) == []
        assert list_between(rates(b1=10, b2=9, b4=8), None) == []
        assert list_between(rates(b1=10, b2=20, b4=8), None) == [3]
        assert list_between(rates(b1=10, b2=20, b4=30, b8=20), None) == [3, 6]
        assert list_between(rates(b1=10, b2=20, b4=30, b8=30), None) == [3]
        assert list_between(rates(b1=10, b2=20, b4=30), 5) == [3]


class TestMax:
    @pytest.mark.parametrize("most", [1, 2, 3, 7, 19, 20, 100, 777])
    @pytest.mark.parametrize("guess", [None, 1, 20, 110, 800])
    def test_limit(self, most, guess):
        """Whatever was predicted, the largest that fits is found to a twentieth in few trials, and measured in full."""
        device = Device(dict.fromkeys(range(1, most + 1), 1.0))
        records = device.search("max", Room(GIB, guess))
        found = chosen(records).case.batch
        assert found <= most <= max(found, 1.06 * found)
        assert device.calls[-1] == (found, METRICS)
        assert {metrics for _, metrics in device.calls[:-1]} == {("peak_memory",)}
        assert len(records) <= 20
        assert len(set(batches(records))) == len(records) - 1
        assert all(is_refused(one) == (one.case.batch > most) for one in records)

    def test_good_prediction_is_quick(self):
        """Where the prediction is right, few are tried."""
        records = Device(dict.fromkeys(range(1, 101), 1.0)).search("max", Room(GIB, 101))
        assert batches(records) == [101, 91, 96, 96]
        assert chosen(records).conditions["why"] == (
            "the largest that ran; batch 101 was out of memory, none between them was tried"
        )

    def test_nothing_fits(self):
        """Where one clip is out of memory, that is the failed case."""
        records = Device({}).search("max", Room(GIB, 4))
        assert batches(records) == [4, 3, 2, 1]
        assert not any(one.conditions["chosen"] for one in records)
        assert [is_probe(one) for one in records] == [True] * (len(records) - 1) + [False]

    def test_other_failure_ends_it(self):
        """A batch that takes too long is a failed case; what ran is measured, and said to be no limit."""
        records = Device({1: 1.0, 2: 1.0, 4: "timeout"}).search("max")
        assert batches(records) == [1, 2, 4, 2]
        assert "batch 4 failed otherwise (timeout), so that more may fit" in chosen(records).conditions["why"]
        records = Device({8: "crash"}).search("max", Room(GIB, 8))
        assert batches(records) == [8]
        assert not is_probe(records[0])

    def test_in_full_it_is_too_much(self):
        """Then the search goes on below it."""
        records = Device(dict.fromkeys(range(1, 9), 1.0), full={8: "oom", 7: "oom"}).search("max", Room(GIB, 8))
        assert chosen(records).case.batch == 6
        assert 8 in [one.case.batch for one in records if is_refused(one)]

    def test_end(self):
        """Neighbours leave nothing to try; nor does memory without a limit."""
        assert next_batch(7, 8, 100) is None
        assert next_batch(0, 1, 100) is None
        assert next_batch(1 << 20, None, 1) is None


NETS = """
from torch import nn
from vidbench.run.ceiling import available_bytes

class Net(nn.Module):
    \"\"\"Asks for a seventh of what the machine may give for each clip, and touches next to nothing of it.\"\"\"

    def __init__(self):
        super().__init__()
        self.conv, self.floats = nn.Conv3d(3, 4, 3), available_bytes() // 7 // 4

    def forward(self, x):
        return self.conv(x).mean((2, 3, 4)) + 0 * x.new_empty(x.shape[0], self.floats)[:, :4].isnan()
"""


class Short(torch.nn.Module):
    """Reads what it is given, so that it cannot be counted on meta, and has room for three clips."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[0] > 3:
            raise torch.OutOfMemoryError("out of memory")
        return x.mean((2, 3, 4)) * x.sum().item()


CLIP = Clip(frames=4, size=32)


@pytest.fixture
def nets(folder: Path) -> None:
    (folder / "grasping.py").write_text(NETS)


def profile(model: str | torch.nn.Module, **how) -> list[Record]:
    return vidbench.profile(model, CLIP, **{"device": "cpu", "precision": 0.5, "metrics": ["peak_memory"], **how})


@pytest.mark.usefixtures("nets")
class TestProfile:
    def test_max(self):
        """The largest batch whose allocations the machine grants; that of one clip more is refused, and says so."""
        records = profile("grasping:Net", batch="max")
        found = chosen(records).case.batch
        assert found in (5, 6, 7)
        refused = {one.case.batch: one for one in records if is_refused(one)}
        assert min(refused) == found + 1
        assert re.search(r"; \S+ GiB predicted, \S+ GiB free$", refused[found + 1].failure.message)
        assert chosen(records).figure("peak_memory")

    def test_module(self):
        """A module is searched in this process; where its memory cannot be predicted, from one clip on."""
        records = profile(Short(), batch="max")
        assert batches(records) == [1, 2, 4, 3, 3]
        assert chosen(records).case.model == "Short"

    @pytest.mark.parametrize(
        ("model", "how", "fix"),
        [
            ("x3d-xs", {"batch": "largest"}, "best or max"),
            ("x3d-xs", {"batch": "best", "device": "meta", "metrics": None}, "--fits"),
            ("slowfast-8x8-r50-atfr", {"batch": "max"}, "one clip at a time"),
        ],
    )
    def test_refusals(self, model, how, fix):
        """Where there is no batch to search for, the message says what there is instead."""
        with pytest.raises(InputError, match=fix):
            profile(model, **how)


class TestRoom:
    def test_what_fits(self):
        """What is predicted to fit takes no more than is free; under autocast nothing is predicted."""
        nets = Nets(torch.nn.Conv3d(3, 4, 3))
        asked = case(model="Conv3d", device="cpu", frames=4, size=2000)
        room = find_room(asked, nets)
        one, most, more = (
            count_call(nets.counted(asked), replace(asked, batch=n)).peak.bytes for n in (1, room.fits, room.fits + 1)
        )
        assert one < most <= room.free < more
        assert find_room(replace(asked, dtype="amp"), nets).fits is None

    def test_nothing_known(self):
        """A net that does not run is no error here: it fails when it is tried."""

        class Fails(torch.nn.Module):
            def forward(self, _: torch.Tensor) -> torch.Tensor:
                raise ArithmeticError("no way")

        room = find_room(case(model="Fails", device="cpu", frames=4, size=64), Nets(Fails()))
        assert room.fits is None
