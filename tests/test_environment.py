"""Devices, precisions and the key that says which figures may be compared."""

from dataclasses import replace

import pytest
import torch

from vidbench.environment import check_dtype, describe, key, precision, resolve_device
from vidbench.errors import InputError

CPU = torch.device("cpu")


def test_auto_device():
    """Auto is the GPU where there is one."""
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "cpu:1", "cuda:x", "cuda:-1", ""])
def test_unknown_devices(name):
    """A name that is no device is refused."""
    with pytest.raises(InputError):
        resolve_device(name)


@pytest.mark.parametrize("dtype", ["fp32", "bf16", "amp"])
def test_cpu_precisions(dtype):
    """The CPU runs these."""
    check_dtype(dtype, CPU)


@pytest.mark.parametrize("dtype", ["tf32", "int8"])
def test_refused_precisions(dtype):
    """tf32 needs an NVIDIA GPU; what is no precision is refused."""
    with pytest.raises(InputError):
        check_dtype(dtype, CPU)


def test_precision_switches():
    """TF32 is off for fp32 and on for tf32, and the switches are put back."""
    switch = torch.backends.cuda.matmul
    before = switch.fp32_precision, torch.backends.cudnn.conv.fp32_precision
    with precision("fp32"):
        assert (switch.fp32_precision, torch.backends.cudnn.conv.fp32_precision) == ("ieee", "ieee")
    with precision("tf32"):
        assert (switch.fp32_precision, torch.backends.cudnn.conv.fp32_precision) == ("tf32", "tf32")
    assert before == (switch.fp32_precision, torch.backends.cudnn.conv.fp32_precision)


def test_key():
    """The key is the same for the same environment and another for another stack, device or thread count."""
    here = describe(CPU)
    assert key(here) == key(describe(CPU))
    others = [
        replace(here, device="another"),
        replace(here, stack={**here.stack, "torch": "0"}),
        replace(here, threads=here.threads + 1),
    ]
    assert len({key(environment) for environment in (here, *others)}) == 4
