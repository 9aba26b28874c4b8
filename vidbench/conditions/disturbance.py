"""What disturbed the time between two readings: others at work, and whatever holds this process or its device back."""

from collections.abc import Iterator

from vidbench.conditions.reading import Reading

SHORTEST = 0.1  # seconds; the kernel counts the time of CPUs in hundredths
OTHERS, OTHERS_SHARE = 0.1, 0.02  # CPUs' worth of others' work that is nothing: so much, and that share of all CPUs
SPARE = 2  # CPUs that a process needs which keeps a GPU busy
HELD = 0.01  # share of the time for which a GPU's clocks may be held down

OTHERS_ON_CPU = "other processes on the CPU"
OTHERS_ON_GPU = "other processes on the GPU"
OTHER_GPUS = "cases on the other GPUs"  # of the same run; told by vidbench itself, not by two readings
STOLEN = "CPU time taken by the host"
QUOTA = "the quota of CPU time used up"
HEAT = "heat of the CPU"


def find_disturbances(before: Reading, after: Reading) -> frozenset[str]:
    """What happened between them that makes timed calls slower, each by its name; unknown is taken for nothing."""
    return frozenset((*_on_cpu(before, after), *_on_gpu(before, after)))


def others(before: Reading, after: Reading) -> float | None:
    """CPUs' worth of work that all but this process did between them; None where unknown or too short to tell."""
    seconds = after.time - before.time
    if seconds < SHORTEST or before.cpu.busy is None or after.cpu.busy is None:
        return None
    return max(0.0, after.cpu.busy - before.cpu.busy - (after.cpu.own - before.cpu.own)) / seconds


def allowed_others(cpus: int, *, gpu: bool = False) -> float:
    """How many CPUs' worth of it is nothing: nearly none, or for a GPU as much as leaves its process what it needs."""
    allowed = OTHERS + OTHERS_SHARE * cpus
    return max(allowed, cpus - SPARE) if gpu else allowed


def _on_cpu(before: Reading, after: Reading) -> Iterator[str]:
    allowed = allowed_others(len(after.cpus), gpu=after.gpu is not None)
    if (work := others(before, after)) is not None and work > allowed:
        yield OTHERS_ON_CPU
    stolen = _grown(before.cpu.stolen, after.cpu.stolen)
    if after.time - before.time >= SHORTEST and stolen > allowed * (after.time - before.time):
        yield STOLEN
    if before.cpu.stops and after.cpu.stops and after.cpu.stops.times > before.cpu.stops.times:
        yield QUOTA
    if _grown(before.cpu.heat_stops, after.cpu.heat_stops):
        yield HEAT


def _on_gpu(before: Reading, after: Reading) -> Iterator[str]:
    if before.gpu is None or after.gpu is None:
        return
    yield from after.gpu.limits
    earlier = dict(before.gpu.held)
    for name, seconds in after.gpu.held:
        if _grown(earlier.get(name), seconds) > HELD * (after.time - before.time):
            yield name
    if len(after.gpu.processes or ()) > 1:  # one of them is this one, whatever number its container gives it
        yield OTHERS_ON_GPU


def _grown(before: float | None, after: float | None) -> float:
    return 0.0 if before is None or after is None else after - before
