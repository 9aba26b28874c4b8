"""Checkpoints into nets: read without running code, compared key by key before anything is loaded."""

import pickletools
import re
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TypeGuard

import torch
from torch import Tensor, nn

from vidbench.errors import InputError

Weights = Mapping[str, Tensor]

WRAPPERS = ("state_dict", "model_state", "model_state_dict", "model")
PARALLEL = "module."  # what torch's data parallelism puts before every key
COUNTER = ".num_batches_tracked"  # of a BatchNorm; older files have none, and nothing is computed from it
HARMLESS = ("collections.OrderedDict", "torch.")  # what pickles of mere tensors name
SHOWN = 3  # keys by name in a message, of each kind


def load_weights(net: nn.Module, path: Path | str) -> None:
    """Fill a net with the checkpoint of that file: torch's own form, or safetensors if the name ends so.

    Raises:
        InputError: the file cannot be read, wants to run code, or does not fit the net.
    """
    weights = read_weights(path)
    check_weights(net, weights, path)
    net.load_state_dict(weights, strict=False)


def read_weights(path: Path | str) -> Weights:
    """The state dict of a checkpoint, on the CPU, unwrapped; nothing in the file is run.

    Raises:
        InputError: the file is missing, cut off, no checkpoint, or a pickle of more than tensors.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"no file of weights at {path}; check the path")
    if not path.is_file():
        raise InputError(f"{path} is a folder or a device, not a file of weights; give one file")
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty; give a file that holds weights")
        return _unwrap(path, _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}; give a file of yours") from error


def check_weights(net: nn.Module, weights: Weights, path: Path | str, name: str = "the net") -> None:
    """Raise InputError where keys or shapes are not those of the net, which may be on meta; the message lists them."""
    ours = net.state_dict()
    missing = [key for key in ours if key not in weights and not key.endswith(COUNTER)]
    unexpected = [key for key in weights if key not in ours]
    misshapen = [key for key in ours if key in weights and ours[key].shape != weights[key].shape]
    told = [
        _listed("missing", missing),
        _listed("unexpected", unexpected),
        _listed("of another shape", [f"{key} {_shape(weights[key])} for {_shape(ours[key])}" for key in misshapen]),
    ]
    if not any(told):
        return
    fix = f"`vidbench.build` gives a net whose state_dict() has the keys that {name} takes"
    classes = {weights[key].shape[0] for key in misshapen if weights[key].shape[1:] == ours[key].shape[1:]}
    if not missing and not unexpected and len(misshapen) <= 2 and len(classes) == 1:
        fix = f"if these are {(number := classes.pop())} classes, give --classes {number}"
    raise InputError(f"{path} does not fit {name}: {'; '.join(filter(None, told))}; {fix}")


def _listed(what: str, keys: Sequence[str]) -> str:
    """`12 keys missing (a, b, c and 9 more)`, or nothing."""
    if not keys:
        return ""
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return f"{len(keys)} {'key' if len(keys) == 1 else 'keys'} {what} ({', '.join(keys[:SHOWN])}{more})"


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"


def _unwrap(path: Path, read: object) -> Weights:
    """The state dict itself, of a file that may hold it beside other things, without data parallelism's prefix."""
    wrapped = [read[key] for key in WRAPPERS if key in read] if isinstance(read, Mapping) else []
    found = next((inner for inner in wrapped if isinstance(inner, Mapping)), read)
    if not _is_state_dict(found):
        raise InputError(
            f"{path} holds no state dict; give a file of tensors by name, plain or under {', '.join(WRAPPERS)}, "
            "such as torch.save(net.state_dict(), file) writes"
        )
    for key, tensor in found.items():
        if tensor.is_meta or tensor.is_quantized or tensor.is_complex() or tensor.layout != torch.strided:
            raise InputError(
                f"{path}: {key} is no plain tensor of numbers; save the weights dense, real and unquantised"
            )
    if all(key.startswith(PARALLEL) for key in found):
        return {key.removeprefix(PARALLEL): tensor for key, tensor in found.items()}
    return dict(found)


def _is_state_dict(found: object) -> TypeGuard[Weights]:
    return (
        isinstance(found, Mapping)
        and len(found) > 0
        and all(isinstance(key, str) and isinstance(tensor, Tensor) for key, tensor in found.items())
    )


def _read_safetensors(path: Path) -> object:
    if find_spec("safetensors") is None:
        raise InputError(f"{path} needs the library safetensors: pip install 'vidbench[safetensors]'")
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path, device="cpu")
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{path} is no safetensors file, or it is cut off; give it anew") from error


def _read_torch(path: Path) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, weights_only=True, map_location="cpu")
    except (OSError, MemoryError):
        raise
    except Exception as error:  # a broken pickle can fail in any way
        # What torch says is not passed on: it advises to switch its guard off.
        program = "a TorchScript program" if "TorchScript" in str(error) else _foreign(path, str(error))
        if program:
            raise InputError(
                f"{path} is refused: reading it would run code ({program}), which can do anything to this machine; "
                "where you trust it, save its tensors alone: torch.save(net.state_dict(), file), or safetensors"
            ) from error
        raise InputError(
            f"{path} is no checkpoint, or it is cut off; give a file that torch.save or safetensors wrote, whole"
        ) from error


def _foreign(path: Path, told: str) -> str | None:
    """What a pickle would import beyond tensors: as torch's refusal names it, or read from its opcodes."""
    if named := re.search(r"GLOBAL ([\w.]+) (?:was|whose)", told):
        return named[1]
    if "Unsupported operand" not in told:
        return None
    imported, texts = [], [""]
    try:
        for opcode, argument, _ in pickletools.genops(_pickle(path)):
            if opcode.name in ("GLOBAL", "INST"):
                imported.append(str(argument).replace(" ", "."))
            elif opcode.name == "STACK_GLOBAL":
                imported.append(".".join(texts[-2:]))
            elif isinstance(argument, str):
                texts.append(argument)
    except Exception:  # no pickle at all
        return None
    return next((name for name in imported if not name.startswith(HARMLESS)), None)


def _pickle(path: Path) -> bytes:
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith("/data.pkl")))
