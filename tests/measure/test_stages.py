"""Every stage of a clip's way, one after the other and overlapped, by a clock that tests move."""

import threading

import pytest
import torch
from nets import Calls
from videos import numbered

from vidbench.measure import Workload, pipeline, stages
from vidbench.measure.pipeline import Pipeline
from vidbench.measure.sampling import Effort
from vidbench.measure.stages import measure_overlapped, measure_stages
from vidbench.metrics import STAGES
from vidbench.records import Clip

BRIEF = Effort(calls=6, seconds=0.0, budget=0.05, precision=0.9)


class Ticks:
    """A clock that work moves: milliseconds of each stage."""

    def __init__(self) -> None:
        self.now = 0
        self.lock = threading.Lock()

    def __call__(self) -> int:
        return self.now

    def pass_time(self, milliseconds: int) -> None:
        with self.lock:
            self.now += milliseconds * 1_000_000


@pytest.fixture
def made(tmp_path) -> Pipeline:
    clip = Clip(frames=3, size=32, source=str(numbered(tmp_path / "v.mkv", 6)))
    net = Calls(lambda x: x.mean((2, 3, 4)))
    return Pipeline(Workload(net, torch.zeros(2, 3, 3, 32, 32), torch.device("cpu")), clip, (0.45,) * 3, (0.225,) * 3)


@pytest.fixture
def ticks(made, monkeypatch) -> Ticks:
    """Of each of the two clips of a call decoding takes 10 ms and preprocessing 2; the net takes 30 a call."""
    ticks = Ticks()

    def taking(function, milliseconds):
        def timed(*arguments, **named):
            ticks.pass_time(milliseconds)
            return function(*arguments, **named)

        return timed

    monkeypatch.setattr(pipeline, "decode", taking(pipeline.decode, 10))
    monkeypatch.setattr(pipeline, "preprocess", taking(pipeline.preprocess, 2))
    monkeypatch.setattr(made.workload.net, "forward", taking(made.workload.net.forward, 30))
    return ticks


def test_one_after_the_other(made, ticks):
    """Each stage is what is done in it, for all clips of a call, and they add up."""
    found = measure_stages(made, BRIEF, ticks)
    assert set(found) == set(STAGES) - {"stage_overlapped"}
    assert {name: one.value for name, one in found.items()} == {
        "stage_decode": pytest.approx(0.02),
        "stage_preprocess": pytest.approx(0.004),
        "stage_copy_in": None,
        "stage_model": pytest.approx(0.03),
        "stage_copy_out": None,
        "stage_end_to_end": pytest.approx(0.054),
    }
    for name, one in found.items():
        assert one.unit == "seconds"
        if one.value is None:
            assert (one.samples, one.details) == ((), {})
            assert one.caveats == ("left out: the net runs on the CPU, so that nothing is copied",)
        else:
            assert len(one.samples) == one.details["count"] >= 6
            assert len(one.details["interval"]) == 2
            assert one.details["settled"] is True, name


def test_methods(made, ticks):
    """They say what is inside: the file, its threads, the type, the clips of a call."""
    found = measure_stages(made, BRIEF, ticks)
    decoding = found["stage_decode"].method
    assert "in the page cache" in decoding
    assert "for each of the 2 clips of a call" in decoding
    assert f"FFmpeg with {stages.count_decoding_threads(made.clip)} threads" in decoding
    assert "one float32 tensor" in found["stage_preprocess"].method


def test_overlapped(made, ticks):
    """Clips a second of windows, with the share of time in which the net was at work."""
    measured = measure_overlapped(made, BRIEF, ticks)
    details = measured.details
    assert measured.unit == "clips/s"
    assert len(measured.samples) == details["count"] >= 6
    assert details["window_calls"] >= max(2, details["workers"])
    assert 0 < details["model_share"] <= 1
    # All work moves the one clock, so that overlapped is not faster: 54 ms a call, 2 clips, give or take those ahead.
    assert measured.value == pytest.approx(2 / 0.054, rel=0.5)
    assert f"{details['workers']} threads decoding" in measured.method
