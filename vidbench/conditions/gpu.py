"""What a GPU is doing, as NVIDIA's management library tells it; what it does not tell is None."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

# Bits of NVML's clocks-event reasons that say that something holds the clocks down; those of an idle GPU and of clocks
# set by an application or a display are a choice, and left out.
LIMITS = {
    0x004: "power cap of the GPU",
    0x008: "hardware slowdown of the GPU",
    0x010: "clocks of the GPU held to those of another",
    0x020: "heat of the GPU",
    0x040: "heat of the GPU",
    0x080: "power brake of the GPU",
    0x200: "power cap of the GPU",
    0x400: "reliability limit of the GPU's voltage",
}
POLICIES = {0: "power cap of the GPU", 1: "heat of the GPU"}  # NVML_PERF_POLICY_*, whose time is added up


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Which GPU a device of torch is, whatever CUDA_VISIBLE_DEVICES calls it: `uuid`, and on the PCI bus."""

    uuid: str | None = None
    bus: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuReading:
    """One GPU at one moment; `held` has the seconds that its clocks were held down, added up, by what held them."""

    clock: float | None = None  # of its multiprocessors, in Hz
    memory_clock: float | None = None
    temperature: float | None = None  # degrees Celsius
    power: float | None = None  # watts
    power_limit: float | None = None
    utilization: float | None = None  # share of the last moments in which something ran
    limits: tuple[str, ...] = ()  # what holds the clocks down now
    held: tuple[tuple[str, float], ...] = ()
    processes: tuple[int, ...] | None = None  # that compute on it, as its driver numbers them


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """What a GPU is."""

    index: int
    name: str
    uuid: str
    driver: str | None
    memory: float | None  # bytes
    memory_free: float | None
    clock_limit: float | None  # Hz
    power_default: float | None  # watts that it is made for
    now: GpuReading


def open_gpu(address: Address) -> Callable[[], GpuReading] | None:
    """What reads that GPU; None without the library (the extra `gpu`), a driver, or such a GPU."""
    nvml = _load()
    handle = None if nvml is None else find_handle(nvml, address)
    return None if handle is None else lambda: read_gpu(nvml, handle)


def find_handle(nvml: Any, address: Address) -> Any | None:
    """The library's handle of that GPU; None where it knows none."""
    names = [f"{kind}-{address.uuid}" for kind in ("GPU", "MIG")] if address.uuid else []
    handles = (_ask(nvml, "nvmlDeviceGetHandleByUUID", name) for name in names)
    handle = next((found for found in handles if found is not None), None)
    if handle is None and address.bus:
        handle = _ask(nvml, "nvmlDeviceGetHandleByPciBusId", address.bus)
    return handle


def list_gpus() -> tuple[Gpu, ...]:
    """All GPUs of the machine that CUDA_VISIBLE_DEVICES does not hide by their names."""
    nvml = _load()
    if nvml is None:
        return ()
    handles = [
        _ask(nvml, "nvmlDeviceGetHandleByIndex", index) for index in range(_ask(nvml, "nvmlDeviceGetCount") or 0)
    ]
    gpus = [_describe(nvml, index, handle) for index, handle in enumerate(handles) if handle is not None]
    return select_visible(gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))


def select_visible(gpus: Iterable[Gpu], visible: str | None) -> tuple[Gpu, ...]:
    """Those that CUDA_VISIBLE_DEVICES names; all where it names numbers, whose order need not be the library's."""
    names = [name.strip() for name in (visible or "").split(",") if name.strip()]
    if visible is None or any(not name.startswith("GPU-") for name in names):
        return tuple(gpus)
    return tuple(gpu for gpu in gpus if any(gpu.uuid.startswith(name) for name in names))


def read_gpu(nvml: Any, handle: Any) -> GpuReading:
    """Read the GPU of that handle as it is now, with `nvml` for the library."""
    limits = _ask(nvml, "nvmlDeviceGetCurrentClocksEventReasons", handle)
    if limits is None:
        limits = _ask(nvml, "nvmlDeviceGetCurrentClocksThrottleReasons", handle)  # drivers before 535
    use = _ask(nvml, "nvmlDeviceGetUtilizationRates", handle)
    processes = _ask(nvml, "nvmlDeviceGetComputeRunningProcesses", handle)
    return GpuReading(
        clock=_scaled(_ask(nvml, "nvmlDeviceGetClockInfo", handle, 1), 1e6),  # NVML_CLOCK_SM
        memory_clock=_scaled(_ask(nvml, "nvmlDeviceGetClockInfo", handle, 2), 1e6),  # NVML_CLOCK_MEM
        temperature=_scaled(_ask(nvml, "nvmlDeviceGetTemperature", handle, 0), 1.0),  # NVML_TEMPERATURE_GPU
        power=_scaled(_ask(nvml, "nvmlDeviceGetPowerUsage", handle), 1e-3),
        power_limit=_scaled(_ask(nvml, "nvmlDeviceGetEnforcedPowerLimit", handle), 1e-3),
        utilization=None if use is None else use.gpu / 100,
        limits=tuple(dict.fromkeys(name for bit, name in LIMITS.items() if (limits or 0) & bit)),
        held=tuple(
            (name, time.violationTime / 1e9)  # nanoseconds
            for policy, name in POLICIES.items()
            if (time := _ask(nvml, "nvmlDeviceGetViolationStatus", handle, policy)) is not None
        ),
        processes=None if processes is None else tuple(sorted(one.pid for one in processes)),
    )


def _describe(nvml: Any, index: int, handle: Any) -> Gpu:
    memory = _ask(nvml, "nvmlDeviceGetMemoryInfo", handle)
    return Gpu(
        index=index,
        name=str(_ask(nvml, "nvmlDeviceGetName", handle) or "GPU"),
        uuid=str(_ask(nvml, "nvmlDeviceGetUUID", handle) or ""),
        driver=_ask(nvml, "nvmlSystemGetDriverVersion"),
        memory=None if memory is None else float(memory.total),
        memory_free=None if memory is None else float(memory.free),
        clock_limit=_scaled(_ask(nvml, "nvmlDeviceGetMaxClockInfo", handle, 1), 1e6),
        power_default=_scaled(_ask(nvml, "nvmlDeviceGetPowerManagementDefaultLimit", handle), 1e-3),
        now=read_gpu(nvml, handle),
    )


def _load() -> Any:
    """The library, started; None where it is not installed or finds no driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # whatever is wrong with a driver, figures can be taken without these
        return None
    return pynvml


def _ask(nvml: Any, name: str, *arguments: Any) -> Any:
    """The library's answer; None where this GPU, driver or release of it has none."""
    try:
        return getattr(nvml, name)(*arguments)
    except Exception:  # NVMLError of whatever kind, or no such function
        return None


def _scaled(value: float | None, unit: float) -> float | None:
    return None if value is None else value * unit
