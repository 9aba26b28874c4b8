"""Where a figure is taken: the device, the library stack and the precision flags, and what of them can be used."""

import hashlib
import json
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import psutil
import torch

from vidbench.conditions.cpu import name_cpu
from vidbench.conditions.gpu import Address
from vidbench.errors import InputError
from vidbench.heap import describe_heap
from vidbench.records import Environment

_BACKENDS: Any = torch.backends  # its modules are untyped

DTYPES = {
    "fp32": torch.float32,
    "tf32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
    "amp": torch.float32,
}


def resolve_device(name: str) -> torch.device:
    """The device of that name; `auto` is the GPU where there is one, otherwise the CPU.

    Raises:
        InputError: there is no such device here.
    """
    kind = check_device(name)
    if kind == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    index = name.partition(":")[2]
    if kind != "cuda":
        return torch.device(kind)
    if not torch.cuda.is_available():
        raise InputError(f"no CUDA device can be used here ({_cuda_absence()}); --device cpu measures on the CPU")
    if int(index or 0) >= torch.cuda.device_count():
        raise InputError(f"there is no {name}; there are cuda:0 to cuda:{torch.cuda.device_count() - 1}")
    return torch.device("cuda", int(index or 0))


def check_device(name: str) -> str:
    """The type of the device of that name, wherever it is; `auto` may be either.

    Raises:
        InputError: no device is called so.
    """
    kind, _, index = name.partition(":")
    if kind not in ("auto", "cpu", "cuda", "meta") or (index and (kind != "cuda" or not index.isdecimal())):
        raise InputError(f"unknown device {name!r}; there are auto, cpu, cuda, cuda:N and meta")
    return kind


def _cuda_absence() -> str:
    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA"
    return f"torch {torch.__version__} is built for CUDA {torch.version.cuda}, but finds no GPU or driver"


def check_dtype(dtype: str, device: torch.device) -> None:
    """Raise InputError where nets cannot run in that precision on that device."""
    if dtype not in DTYPES:
        raise InputError(f"unknown dtype {dtype!r}; there are {', '.join(DTYPES)}")
    if dtype == "tf32" and not _has_tf32(device):
        raise InputError(f"{device} cannot run tf32, which is a mode of NVIDIA GPUs since Ampere; use fp32 or bf16")
    if device.type == "meta":
        return
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []), torch.inference_mode():
            net = torch.nn.Sequential(torch.nn.Conv3d(4, 4, 3, padding=1), torch.nn.BatchNorm3d(4))
            net.eval().to(device, DTYPES[dtype])(torch.zeros(1, 4, 4, 4, 4, device=device, dtype=DTYPES[dtype]))
    except RuntimeError as error:
        raise InputError(f"{device} cannot run {dtype}: {error}; --dtype fp32 runs everywhere") from error


def _has_tf32(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8


@contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Switch TF32 on for `tf32` and off for everything else, and put the switches back."""
    switches = (_BACKENDS.cuda.matmul, _BACKENDS.cudnn.conv, _BACKENDS.cudnn.rnn)
    before = [switch.fp32_precision for switch in switches]
    for switch in switches:
        switch.fp32_precision = "tf32" if dtype == "tf32" else "ieee"
    try:
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.fp32_precision = value


def describe(device: torch.device) -> Environment:
    """The environment as it stands; call it inside `precision` to have the flags that are measured under."""
    return Environment(
        device=_device_name(device),
        driver=_driver() if device.type == "cuda" else None,
        platform=f"{platform.system()} {platform.machine()}",
        stack={
            "python": platform.python_version(),
            "torch": torch.__version__,
            **(_cuda_stack() if device.type == "cuda" else {}),
        },
        flags={
            "matmul_fp32_precision": _BACKENDS.cuda.matmul.fp32_precision,
            "cudnn_conv_fp32_precision": _BACKENDS.cudnn.conv.fp32_precision,
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "deterministic": torch.are_deterministic_algorithms_enabled(),
            **({"heap": describe_heap()} if device.type == "cpu" else {}),
        },
        threads=torch.get_num_threads(),
    )


def key(environment: Environment) -> str:
    """A short digest: equal for environments whose figures may be compared."""
    text = json.dumps(asdict(environment), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "meta":
        return "meta"
    return f"{name_cpu()}, {psutil.cpu_count()} CPUs"


def _cuda_stack() -> dict[str, str]:
    return {"cuda": str(torch.version.cuda), "cudnn": str(_BACKENDS.cudnn.version())}


def locate_gpu(device: torch.device) -> Address:
    """Which GPU a CUDA device is, for those who know nothing of CUDA_VISIBLE_DEVICES; it begins to use CUDA."""
    told: Any = torch.cuda.get_device_properties(device)
    uuid = str(getattr(told, "uuid", "")).removeprefix("GPU-")
    parts = [getattr(told, f"pci_{part}_id", None) for part in ("domain", "bus", "device")]
    bus = None if None in parts else ":".join(f"{part:0{size}x}" for part, size in zip(parts, (8, 2, 2), strict=True))
    return Address(uuid=uuid or None, bus=bus and f"{bus}.0")


def _driver() -> str | None:
    try:
        import pynvml

        pynvml.nvmlInit()
        return str(pynvml.nvmlSystemGetDriverVersion())
    except Exception:  # the driver's version is worth having, not worth failing for
        return None
