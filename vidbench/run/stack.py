"""What torch makes of this machine: its versions, libraries and threads."""

import os
import platform
from typing import Any

import torch

from vidbench.conditions.machine import Stack, read_versions
from vidbench.environment import resolve_device
from vidbench.errors import InputError

_BACKENDS: Any = torch.backends  # its modules are untyped


def read_stack(device: str = "auto", threads: int | None = None) -> Stack:
    """What would compute on that device, without using it.

    Raises:
        InputError: there is no such device here, or it does not compute.
    """
    chosen = resolve_device(device)
    if chosen.type == "meta":
        raise InputError("nothing is measured on meta, so every machine is fit for it; --device auto, cpu or cuda")
    cudnn = _BACKENDS.cudnn.version() if _BACKENDS.cudnn.is_available() else None
    return Stack(
        device=str(chosen),
        versions={
            "python": platform.python_version(),
            "torch": torch.__version__,
            "CUDA": torch.version.cuda,
            "cuDNN": None if cudnn is None else str(cudnn),
            **read_versions(),
        },
        threads=threads or torch.get_num_threads(),
        limit=os.environ.get("OMP_NUM_THREADS"),
        onednn=_BACKENDS.mkldnn.is_available(),
    )
