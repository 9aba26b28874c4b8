"""Joules per clip, by a counter read before and after seconds of calls; power at rest; how busy the device was."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median
from threading import Event, Thread
from typing import Any

from vidbench.measure.meters import Meter, MeterError
from vidbench.measure.sampling import warm_up
from vidbench.measure.timing import time_calls
from vidbench.measure.workload import Workload
from vidbench.records import Measurement
from vidbench.statistics import thin

REST_SECONDS, REST_POLL = 2.0, 0.005
WINDOW_SECONDS, WINDOW_LIMIT = 3.0, 15.0
RESOLUTION = 0.01  # of a window: an update of the counter has to be less
BUSY_POLL, BUSY_PERIOD = 0.1, 1.0  # seconds; a driver's figure is of up to so many before it
TOO_SHORT = "too short to measure"


@dataclass(frozen=True, slots=True)
class Rest:
    """What the device took before the net ran.

    Attributes:
        meter: None where there is none, which `reason` explains.
        watts: None where the counter did not move twice.
        update: seconds between movements of the counter; no less than REST_POLL, which is how often it was read.
    """

    meter: Meter | None
    reason: str = ""
    watts: float | None = None
    update: float | None = None
    seconds: float = 0.0


def watch_rest(
    find: Callable[[], Meter],
    seconds: float = REST_SECONDS,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> Rest:
    """Read the counter for so many seconds while nothing runs: power, and how often the counter moves."""
    try:
        meter = find()
        begin = clock()
        moved: list[tuple[float, float]] = []  # when, and to how many joules
        last = meter.joules()
        while clock() - begin < seconds:
            sleep(REST_POLL)
            joules = meter.joules()
            if joules != last:
                moved.append((clock(), joules))
                last = joules
    except MeterError as error:
        return Rest(None, str(error))
    if len(moved) < 2:
        return Rest(meter, f"the counter moved {len(moved)} times in {seconds:g} s", seconds=seconds)
    (first, low), (end, high) = moved[0], moved[-1]
    gaps = [after - before for (before, _), (after, _) in pairwise(moved)]
    return Rest(meter, watts=(high - low) / (end - first), update=median(gaps), seconds=seconds)


def measure_energy(
    workload: Workload, rest: Rest, clock: Callable[[Workload, int], float] = time_calls
) -> dict[str, Measurement]:
    """`energy`, `idle_power` and `utilization` of a window of calls; None with the reason where they cannot be told."""
    idle = _figure(
        "idle_power",
        rest.watts,
        f"{_name(rest)}, over {rest.seconds:g} s before the net ran, between two of its movements, the device open "
        "and nothing running; not subtracted from the energy",
        {} if rest.update is None else {"update": rest.update},
        rest.reason,
    )
    try:
        energy, busy = _measure_window(workload, rest, clock)
    except MeterError as error:
        energy, busy = _figure("energy", None, _name(rest), {}, str(error)), None
    caveat = ""
    if busy is None:
        counted = rest.meter is not None and rest.meter.busy is not None
        caveat = (
            "the driver gave no figure in the window" if counted else "no counter of a busy device can be read here"
        )
        caveat += f" ({rest.reason})" if rest.meter is None else ""
    utilization = _figure(
        "utilization",
        busy,
        f"mean share of time in which any kernel ran (NVML), asked every {BUSY_POLL:g} s in the window of the energy; "
        "not how much of the device it filled",
        {},
        caveat,
    )
    return {figure.metric: figure for figure in (idle, energy, utilization)}


def _measure_window(
    workload: Workload, rest: Rest, clock: Callable[[Workload, int], float]
) -> tuple[Measurement, float | None]:
    if rest.meter is None or rest.update is None:
        raise MeterError(rest.reason)
    wanted = max(WINDOW_SECONDS, 1.5 * rest.update / RESOLUTION)
    with workload.running():
        warmth = warm_up(lambda: clock(workload, 1))
        calls = math.ceil(min(wanted, WINDOW_LIMIT) / median(warmth.samples[len(warmth.samples) // 2 :]))
        watch = _Watch(rest.meter)
        workload.synchronise()
        before = rest.meter.joules()
        with watch:
            seconds = clock(workload, calls)
        joules = rest.meter.joules() - before
    clips = calls * workload.clips.shape[0]
    details: dict[str, Any] = {
        "joules": joules,
        "seconds": seconds,
        "clips": clips,
        "window_calls": calls,
        "update": rest.update,
        "power": joules / seconds,
        "above_idle": None if rest.watts is None else (joules - rest.watts * seconds) / clips,
        "warm_up_calls": len(warmth.samples),
        "warm_up": thin(warmth.samples, 100),
    }
    doubt = ""
    if rest.update > RESOLUTION * seconds:
        doubt = (
            f"{TOO_SHORT}: the counter moves every {1e3 * rest.update:.0f} ms, over {100 * RESOLUTION:g}% of the "
            f"window of {seconds:.2g} s"
        )
    elif joules <= 0:
        doubt = "the counter did not move in the window"
    method = (
        f"{_name(rest)}, read before and after {seconds:.1f} s of calls queued back to back, divided by their clips; "
        f"power at rest included; an update of the counter is {100 * rest.update / seconds:.2g}% of the window"
    )
    return _figure("energy", None if doubt else joules / clips, method, details, doubt, *warmth.caveats), watch.busy


class _Watch:
    """Asks from a thread of its own how busy the device was, while it is open."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._end = Event()
        self._thread = Thread(target=self._ask, daemon=True)
        self._shares: list[float] = []

    @property
    def busy(self) -> float | None:
        """The mean of what was told, None where nothing was."""
        return fmean(self._shares) if self._shares else None

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _ask(self) -> None:
        if self._meter.busy is None or self._end.wait(BUSY_PERIOD):
            return
        while True:
            try:
                self._shares.append(self._meter.busy())
            except MeterError:
                return
            if self._end.wait(BUSY_POLL):
                return


def _name(rest: Rest) -> str:
    return "not measured" if rest.meter is None else rest.meter.what


def _figure(metric: str, value: float | None, method: str, details: dict[str, Any], *caveats: str) -> Measurement:
    unit = {"energy": "joules", "idle_power": "watts", "utilization": "share"}[metric]
    return Measurement(
        metric=metric,
        value=value,
        unit=unit,
        method=method if value is not None or details else "not measured",
        samples=() if value is None else (value,),
        details=details,
        caveats=tuple(caveat for caveat in caveats if caveat),
    )
