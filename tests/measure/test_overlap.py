"""Threads make the clips to come while the net works on the last ones."""

import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
import torch
from nets import Calls
from videos import numbered

from vidbench.clips import load_clip
from vidbench.errors import InputError
from vidbench.measure import Workload
from vidbench.measure.overlap import Overlap, count_cores
from vidbench.measure.pipeline import Pipeline
from vidbench.records import Clip


class Given:
    """A net that keeps what it is given, and takes its time."""

    def __init__(self) -> None:
        self.clips: list[torch.Tensor] = []

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        self.clips.append(x.clone())
        time.sleep(0.005)
        return x


@pytest.fixture
def given() -> Given:
    return Given()


@pytest.fixture
def pipeline(tmp_path, given) -> Iterator[Pipeline]:
    clip = Clip(frames=3, size=32, source=str(numbered(tmp_path / "v.mkv", 6)))
    workload = Workload(Calls(given), torch.zeros(2, 3, 3, 32, 32), torch.device("cpu"))
    with workload.running():
        yield Pipeline(workload, clip, (0.45,) * 3, (0.225,) * 3)


def test_batches(pipeline, given):
    """Each call gets one whole batch; a pass after another goes on where that stopped."""
    with Overlap(pipeline, time.perf_counter_ns) as overlap:
        for calls in (1, 5):
            overlap.run(calls)
    expected = load_clip(pipeline.clip, batch=2)
    assert len(given.clips) == 6
    assert all(torch.equal(clips, expected) for clips in given.clips)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decoder")]


def test_seconds(pipeline):
    """The net is at work for a part of the time."""
    with Overlap(pipeline, time.perf_counter_ns) as overlap:
        passage = overlap.run(4)
    assert 4 * 0.005 <= passage.busy <= passage.seconds


def test_ahead(pipeline, given):
    """Clips are made before they are asked for."""
    made = threading.Event()

    class Watched(Pipeline):
        def fill(self, clips: torch.Tensor, place: int) -> None:
            super().fill(clips, place)
            made.set()

    watched = Watched(pipeline.workload, pipeline.clip, pipeline.mean, pipeline.std)
    with Overlap(watched, time.perf_counter_ns):
        assert made.wait(30)
    assert given.clips == []


def test_file_that_goes_away(pipeline, tmp_path):
    """What goes wrong in a thread comes out, and the threads end."""
    with Overlap(pipeline, time.perf_counter_ns) as overlap:
        overlap.run(1)
        (tmp_path / "v.mkv").unlink()
        with pytest.raises(InputError, match=r"v\.mkv"):
            overlap.run(2 * count_cores() + 4)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decoder")]


class TestGpu:
    """The order of what a GPU is given, by streams and events that only write down what they are told."""

    @pytest.fixture
    def log(self, monkeypatch) -> list[str]:
        log: list[str] = []

        class Stream:
            def __init__(self, name: object) -> None:
                self.name = str(name)

            def wait_stream(self, other: "Stream") -> None:
                log.append(f"{self.name} waits for {other.name}")

        class Event:
            def __init__(self, enable_timing: bool) -> None:
                assert enable_timing

            def record(self, stream: Stream) -> None:
                log.append(f"event in {stream.name}")

            def synchronize(self) -> None:
                log.append("done")

            def elapsed_time(self, _: "Event") -> float:
                return 20.0  # milliseconds

        main = Stream("main")
        monkeypatch.setattr(torch.cuda, "Stream", lambda _: Stream("side"))
        monkeypatch.setattr(torch.cuda, "current_stream", lambda _: main)
        monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
        monkeypatch.setattr(torch.cuda, "Event", Event)
        monkeypatch.setattr(torch.Tensor, "record_stream", lambda _, stream: log.append(f"kept for {stream.name}"))
        monkeypatch.setattr(Pipeline, "on_gpu", True)
        monkeypatch.setattr(Pipeline, "make_buffer", lambda self: torch.empty_like(self.workload.clips))
        return log

    def test_order(self, pipeline, given, log):
        """Net after copy, one batch more under way while one is waited for, and none left behind."""
        with Overlap(pipeline, time.perf_counter_ns) as overlap:
            passage = overlap.run(3)
        given_one = ["main waits for side", "kept for main", "event in main", "event in main", "event in main"]
        assert log == [*given_one, *given_one, "done", *given_one, "done", "done"]
        assert passage.busy == pytest.approx(3 * 0.02)
        assert len(given.clips) == 3
