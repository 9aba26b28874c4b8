"""The machine's own noise, for gates: a share, what `vidbench env --json` wrote, or measured here and now."""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from vidbench.cli.options import read_share
from vidbench.errors import InputError

MEASURE = "measure"


class Noise(NamedTuple):
    """By how much two runs of one and the same thing may differ, as a share, and where that is known from."""

    share: float
    notes: list[str]


def read_noise(text: str) -> Noise:
    """`2%`, or the file of `vidbench env --json`, of which its 95% of pairs of runs count.

    Raises:
        InputError: it is neither.
    """
    share = read_share(text)
    if math.isnan(share):
        share = _read_difference(text)
        return Noise(share, [f"noise of this machine: {share:.2%}, by {text}"])
    if not 0 < share < 1:
        raise _refuse(text, "it is not above 0 and below 1")
    return Noise(share, [])


def measure_noise(devices: Iterable[str]) -> Noise:
    """What `vidbench env` measures, on each of the devices that compute; the greatest of them.

    Raises:
        InputError: there is no such device here.
        VidbenchError: fewer than two runs gave a figure.
    """
    from vidbench.run import noise
    from vidbench.terminal.progress import show_progress

    found = []
    for device in sorted({*devices} - {"meta"}):
        with show_progress(noise.RUNS) as announce:
            found.append(noise.measure_noise(device=device, announce=announce))
    notes = [
        f"noise of this machine: {one.difference:.2%}, by {len(one.medians)} runs of {one.case.model} "
        f"{one.case.frames}x{one.case.size} on {one.case.device}, measured now"
        for one in found
    ]
    return Noise(max((one.difference for one in found), default=0.0), notes)


def _read_difference(path: str) -> float:
    try:
        told: Any = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise _refuse(path, f"it cannot be read as a file: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _refuse(path, "it is a file of something else") from error
    noise = told.get("noise", ...) if isinstance(told, dict) else ...
    if noise is None:
        raise _refuse(path, "it was written without measuring the noise; leave out --runs 0")
    difference = noise.get("difference") if isinstance(noise, dict) else None
    if not isinstance(difference, int | float) or isinstance(difference, bool) or not 0 <= difference < math.inf:
        raise _refuse(path, "it is a file of something else")
    return float(difference)


def _refuse(text: str, why: str) -> InputError:
    return InputError(
        f"--noise takes a share such as 2%, a file that `vidbench env --json` wrote, or {MEASURE}, not {text!r}: {why}"
    )
