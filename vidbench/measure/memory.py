"""The most bytes that weights, input and activations take during one call."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from vidbench.errors import VidbenchError
from vidbench.measure.allocations import Allocated, read_allocations
from vidbench.measure.profiler import silenced_stderr
from vidbench.measure.workload import Workload
from vidbench.modes import MODES
from vidbench.records import Measurement


def measure_peak_memory(workload: Workload) -> Measurement:
    """Bytes at the peak of one call: the allocator's on CUDA; on the CPU the allocator's in a pass of its own.

    On the CPU `details` splits what the call itself takes: `tensors` is the peak of what outlives its operator,
    `temporaries` what operators held at the whole peak for themselves alone.
    """
    details: dict[str, Any] = {"weights_and_input": tensor_bytes(workload)}
    if workload.device.type == "cuda":
        _run_once(workload)
        value, method = _taken_on_cuda(workload)
    else:
        allocated = _allocated_at_peak(workload)
        value = details["weights_and_input"] + optimiser_bytes(workload) + allocated.peak
        state = "" if workload.optimiser is None else ", the optimiser's state"
        method = (
            f"weights, buffers{state} and input, plus the peak of torch's CPU allocator during one call in a pass of "
            "its own; what backends take past that allocator is not seen"
        )
        details |= {"tensors": allocated.tensors, "temporaries": allocated.temporaries}
    if workload.optimiser is not None:
        details["optimiser"] = optimiser_bytes(workload)  # it came with the calls
    return Measurement(metric="peak_memory", value=value, unit="bytes", method=method, details=details)


def measure_reserved_memory(workload: Workload) -> Measurement:
    """Bytes that CUDA's caching allocator holds from the driver at the peak of one call."""
    _run_once(workload)
    return Measurement(
        metric="reserved_memory",
        value=torch.cuda.max_memory_reserved(workload.device),
        unit="bytes",
        method="peak of what CUDA's caching allocator reserved over one call, its cache emptied before",
    )


def tensor_bytes(workload: Workload) -> int:
    """Bytes of the distinct storages of weights, buffers and input."""
    tensors = (*workload.net.parameters(), *workload.net.buffers(), workload.clips)
    return _storage_bytes(tensors)


def optimiser_bytes(workload: Workload) -> int:
    """Bytes of the optimiser's state, which is there after a call."""
    if workload.optimiser is None:
        return 0
    return _storage_bytes(
        value for state in workload.optimiser.state.values() for value in state.values() if isinstance(value, Tensor)
    )


def _storage_bytes(tensors: Iterable[Tensor]) -> int:
    return sum({t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}.values())


def _taken_on_cuda(workload: Workload) -> tuple[int, str]:
    """Bytes at the peak of the call that has just run, and how they are known."""
    if not MODES[workload.mode].pools:
        method = "peak of CUDA's caching allocator over one call after a warm-up call, statistics reset before it"
        return torch.cuda.max_memory_allocated(workload.device), method
    method = (
        "what CUDA's caching allocator held from the driver over one call, its cache emptied before: calls that replay "
        "a CUDA graph work in its pool, of which the allocator does not tell how much is in use"
    )
    return torch.cuda.max_memory_reserved(workload.device), method


def _run_once(workload: Workload) -> None:
    """One warm call whose CUDA statistics hold nothing of what ran before."""
    with workload.running():
        workload.call()
        workload.synchronise()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(workload.device)
        workload.call()
        workload.synchronise()


def _allocated_at_peak(workload: Workload) -> Allocated:
    profiler = profile(activities=[ProfilerActivity.CPU], profile_memory=True)
    with workload.running():
        workload.call()
        workload.net.zero_grad(set_to_none=True)
        with silenced_stderr():
            profiler.start()
        workload.call()
        with silenced_stderr():
            profiler.stop()
    results = profiler.profiler and profiler.profiler.kineto_results
    allocated = read_allocations(results.experimental_event_tree()) if results else None
    if allocated is None or not allocated.peak:
        raise VidbenchError("torch's profiler reports no allocations, so that this torch cannot measure CPU memory")
    return allocated
