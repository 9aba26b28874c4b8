"""A pipeline whose stages overlap: threads make the clips to come while the net works on the last ones."""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

from vidbench.measure.pipeline import Pipeline

IN_FLIGHT = 2  # batches that a GPU has been given and not given back


class Passage(NamedTuple):
    """Seconds that several batches took, and those of them in which the net was at work."""

    seconds: float
    busy: float


class Overlap:
    """While it is open, threads decode and preprocess ahead of what is taken, on a GPU with copies beside the net."""

    def __init__(self, pipeline: Pipeline, clock: Callable[[], int]) -> None:
        self.workers = count_cores()
        self._pipeline = pipeline
        self._clock = clock
        self._ahead: deque[tuple[Tensor, list[Future[None]]]] = deque()
        self._side = torch.cuda.Stream(pipeline.workload.device) if pipeline.on_gpu else None  # type: ignore[no-untyped-call]

    def __enter__(self) -> Self:
        self._executor = ThreadPoolExecutor(self.workers, "decoder")
        for _ in range(1 + -(-self.workers // self._pipeline.batch)):
            self._begin()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._executor.shutdown(cancel_futures=True)
        self._ahead.clear()

    def run(self, calls: int) -> Passage:
        """So many batches from the file to logits on the CPU."""
        begin = self._clock()
        busy = self._run_on_cpu(calls) if self._side is None else self._run_on_gpu(calls, self._side)
        return Passage((self._clock() - begin) / 1e9, busy)

    def _begin(self) -> None:
        clips = self._pipeline.make_buffer()
        places = range(self._pipeline.batch)
        self._ahead.append((clips, [self._executor.submit(self._pipeline.fill, clips, place) for place in places]))

    def _take(self) -> Tensor:
        """The next batch, waited for; another is begun."""
        self._begin()
        clips, futures = self._ahead.popleft()
        for future in futures:
            future.result()
        return clips

    def _run_on_cpu(self, calls: int) -> float:
        busy = 0
        for _ in range(calls):
            clips = self._take()
            begin = self._clock()
            self._pipeline.workload.infer(clips)
            busy += self._clock() - begin
        return busy / 1e9

    def _run_on_gpu(self, calls: int, side: torch.cuda.Stream) -> float:
        """Seconds by events before and after the net in its stream; copies to the device have a stream beside it."""
        device = self._pipeline.workload.device
        main = torch.cuda.current_stream(device)
        in_flight: deque[tuple[Any, Any, Any, Any]] = deque()
        busy = 0.0

        def finish() -> float:
            _, start, end, done = in_flight.popleft()
            done.synchronize()
            return float(start.elapsed_time(end)) / 1e3

        for _ in range(calls):
            waiting = self._take()
            with torch.cuda.stream(side):
                clips = self._pipeline.copy_in(waiting)
            main.wait_stream(side)
            clips.record_stream(main)
            start, end, done = (torch.cuda.Event(enable_timing=True) for _ in range(3))  # type: ignore[no-untyped-call]
            start.record(main)
            logits = self._pipeline.workload.infer(clips)
            end.record(main)
            in_flight.append((self._pipeline.copy_out(logits), start, end, done))
            done.record(main)
            if len(in_flight) == IN_FLIGHT:
                busy += finish()
        while in_flight:
            busy += finish()
        return busy


def count_cores() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
