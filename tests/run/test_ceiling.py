"""A case too large for the machine is refused its memory instead of being killed."""

import resource

import pytest
import torch

from vidbench.run.ceiling import available_bytes, is_out_of_memory, memory_ceiling


def test_allocation_beyond_the_machine_is_an_error():
    """Inside the ceiling an allocation past what is available raises; outside the limits are what they were."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with memory_ceiling(torch.device("cpu")):
        with pytest.raises(RuntimeError) as refused:
            torch.empty(available_bytes() + 2**28, dtype=torch.uint8)
        torch.empty(2**26, dtype=torch.uint8).fill_(1)
    assert is_out_of_memory(refused.value)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_other_errors_are_not_out_of_memory():
    """Only refusals of memory are."""
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("out of memory"))
