"""What devices can do at best: datasheet figures of known GPUs, and how long one operator takes at such rates."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from vidbench.errors import InputError

# The order of magnitude of one launch from eager torch: "on the order of 10 µs per kernel launch" for the CUDA call
# alone (modal.com/gpu-glossary/perf/overhead); it falls on hosts with faster cores.
LAUNCH_SECONDS = 10e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """The most that a device does a second: multiply-accumulates of matrix products, bytes read and written.

    `method` says where the figures are from; `estimate`, that they are printed and not measured here.
    """

    name: str
    macs_per_second: float
    bytes_per_second: float
    method: str
    estimate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A GPU as its datasheet has it: memory in GB, bandwidth in GB/s, dense peaks in 10^12 FLOPs a second by dtype."""

    name: str
    memory: float
    bandwidth: float
    tflops: Mapping[str, float]
    source: str
    aliases: tuple[str, ...] = ()


class Estimate(NamedTuple):
    """Seconds that one operator's products, its bytes and its launch would take if each were all there is."""

    compute: float
    memory: float
    launch: float

    @property
    def seconds(self) -> float:
        """The longest of the three: launches run ahead of the device, and its units work at the same time."""
        return max(self)

    @property
    def bound(self) -> Literal["compute", "memory", "launch"]:
        """Which of the three is the longest."""
        names: tuple[Literal["compute", "memory", "launch"], ...] = ("compute", "memory", "launch")
        return max(zip(self, names, strict=True), key=lambda pair: pair[0])[1]


@cache
def devices() -> Mapping[str, Device]:
    """All known GPUs by name."""
    rows = tomllib.loads(Path(__file__).with_name("devices.toml").read_text("utf-8"))
    return {name: Device(name=name, aliases=tuple(row.pop("aliases", ())), **row) for name, row in rows.items()}


def find_device(name: str) -> Device:
    """The GPU of that name: `a100`, `H100 PCIe`, or as torch names it, `NVIDIA A100-SXM4-40GB`.

    Raises:
        InputError: it is not known; the message has the nearest names.
    """
    known = {alias: device for device in devices().values() for alias in (device.name, *device.aliases)}
    wanted = "-".join(name.lower().replace("_", " ").replace("-", " ").split())
    for prefix in ("nvidia-", "geforce-", "tesla-"):
        wanted = wanted.removeprefix(prefix)
    if wanted not in known:
        raise InputError(_unknown(name, wanted, list(known)))
    return known[wanted]


def _unknown(name: str, wanted: str, names: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(wanted, names, n=3, cutoff=0.5)
    known = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(devices())}"
    return f"no datasheet figures are known for {name!r}; {known}"


def estimate_peaks(name: str, dtype: str) -> Peaks:
    """The datasheet's peaks of the GPU of that name in fp32, tf32, fp16, bf16 or amp (products in bf16).

    Raises:
        InputError: the GPU is not known, or no peak of it in that precision.
    """
    device = find_device(name)
    figure = "bf16" if dtype == "amp" else dtype
    if figure not in device.tflops:
        raise InputError(f"no {figure} figure is known for {device.name}; there are {', '.join(device.tflops)}")
    return Peaks(
        name=device.name,
        macs_per_second=device.tflops[figure] * 1e12 / 2,
        bytes_per_second=device.bandwidth * 1e9,
        method=f"printed, not measured: dense {figure} peak and memory bandwidth from {device.source}",
        estimate=True,
    )


def estimate_call(peaks: Peaks, *, macs: int, bytes: int, launch: float = LAUNCH_SECONDS) -> Estimate:  # noqa: A002
    """How long one operator takes at a device's peaks: a lower bound, for no kernel reaches them.

    Args:
        peaks: of the device.
        macs: multiply-accumulates of the operator.
        bytes: read and written.
        launch: seconds from one launch to the next. An operator that moves nothing, such as a view, launches nothing.
    """
    moves = macs > 0 or bytes > 0
    return Estimate(macs / peaks.macs_per_second, bytes / peaks.bytes_per_second, launch if moves else 0.0)
