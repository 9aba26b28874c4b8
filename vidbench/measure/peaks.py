"""The most that this device does here and now: a matrix product for arithmetic, a copy for memory."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn

from vidbench.devices import Peaks
from vidbench.environment import DTYPES, describe, precision
from vidbench.measure.timing import time_calls
from vidbench.measure.workload import Workload

SMALLEST, LARGEST = 256, 8192  # sides of the product's matrices
LONGEST = 0.3  # seconds that a product may take
COPIED = {"cpu": 2**28, "cuda": 2**30}  # bytes, far more than caches hold
TRIES, SECONDS = 3, 0.05  # each is repeated so often, and until so many seconds have gone


def measure_peaks(device: torch.device, dtype: str) -> Peaks:
    """Multiply-accumulates and bytes a second of that device in that precision, with torch's present CPU threads.

    Args:
        device: the CPU or a GPU.
        dtype: one of vidbench.environment.DTYPES; with amp, whose products are of bf16, that of bf16.
    """
    number = torch.bfloat16 if dtype == "amp" else DTYPES[dtype]
    with precision(dtype), torch.inference_mode():
        name = describe(device).device
        side, product = max(_time_products(device, number), key=lambda timed: timed[0] ** 3 / timed[1])
        copied = COPIED[device.type]
        copy = _time_copy(device, copied)
    threads = f", {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    return Peaks(
        name=name,
        macs_per_second=side**3 / product,
        bytes_per_second=2 * copied / copy,
        method=(
            f"measured: matrix products of {number}, the fastest of {side} x {side}, and a copy of "
            f"{copied // 2**20} MiB, its bytes read and written; the best of at least {TRIES} calls of each{threads}"
        ).replace("torch.", ""),
        estimate=False,
    )


def _time_products(device: torch.device, dtype: torch.dtype) -> Iterator[tuple[int, float]]:
    """Sides of square matrices, doubled for as long as time allows, and the seconds of their products."""
    side, seconds = SMALLEST, 0.0
    while side <= LARGEST and 8 * seconds <= LONGEST:
        a = torch.rand(side, side, device=device, dtype=dtype)
        seconds = _best(partial(torch.mm, mat2=torch.rand_like(a), out=torch.empty_like(a)), a)
        yield side, seconds
        side *= 2


def _time_copy(device: torch.device, size: int) -> float:
    """Seconds of copying that many bytes from one place on the device to another."""
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return _best(target.copy_, source)


class _Step(nn.Module):
    """A function as a net, so that it is timed as nets are."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def _best(function: Callable[[Tensor], Tensor], x: Tensor) -> float:
    """The shortest of several calls in seconds, after one that warms up."""
    workload = Workload(_Step(function), x, x.device)
    time_calls(workload, 1)
    samples: list[float] = []
    while len(samples) < TRIES or sum(samples) < SECONDS:
        samples.append(time_calls(workload, 1))
    return min(samples)
