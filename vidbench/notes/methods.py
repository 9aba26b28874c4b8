"""How figures were taken, in a sentence or two that can stand in a paper: made from the records alone."""

from collections.abc import Iterable, Mapping, Sequence

from vidbench.metrics import TIMED
from vidbench.modes import PRECISIONS
from vidbench.records import RANDOM, SYNTHETIC, Environment, Measurement, Record
from vidbench.units import format_tolerance

INSIDE = {
    "inference": "one forward pass in inference mode",
    "train": "one training step (forward, backward, optimiser)",
}
NAMES = {"latency": "single synchronised calls", "throughput": "windows of calls queued back to back"}


def write_methods(records: Sequence[Record], environments: Mapping[str, Environment]) -> list[str]:
    """A line for each place and task that something was timed at; nothing where all was counted."""
    groups: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        if any(record.measurement(name) for name in TIMED) and record.environment in environments:
            where = environments[record.environment]
            groups.setdefault((*_place(where), record.case.task, record.conditions.get("vidbench")), []).append(record)
    return [_write(group, environments[group[0].environment]) for group in groups.values()]


def _place(where: Environment) -> tuple[object, ...]:
    return where.device, where.driver, where.platform, tuple(where.stack.items()), where.threads


def _write(records: Sequence[Record], where: Environment) -> str:
    cases = [record.case for record in records]
    timed = [_describe_timing(name, records) for name in TIMED]
    versions = {**where.stack, "vidbench": records[0].conditions.get("vidbench", "?")}
    clips = _list(f"{case.frames}x{case.size}" for case in cases)
    source = _list("synthetic" if case.clip == SYNTHETIC else case.clip for case in cases)
    weights = _list("random" if case.weights == RANDOM else case.weights for case in cases)
    driver = f", driver {where.driver}" if where.driver else ""
    setting = [
        f"{where.device}{driver}, {where.threads} CPU threads, {where.platform}",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
        *([company] if (company := describe_company(records)) else []),
        f"{_list(PRECISIONS.get(case.dtype, case.dtype) for case in cases)}, mode {_list(case.mode for case in cases)}",
        f"batch {_list(str(case.batch) for case in cases)}, clips {clips} (frames x size, {source}), {weights} weights",
    ]
    inside = (
        f"Inside the window is {INSIDE.get(records[0].case.task, records[0].case.task)} with the clip already on the "
        "device; decoding, preprocessing and copies are outside"
    )
    return f"{'. '.join(part for part in timed if part)}. {inside}. {'; '.join(setting)}."


def describe_company(records: Iterable[Record]) -> str:
    """How many GPUs of the machine were at work at once, at most; nothing where there was one."""
    beside = [record.conditions.get("beside") for record in records]
    devices = [one.get("devices") for one in beside if isinstance(one, Mapping)]  # a file may come from anywhere
    most = max((len(one) for one in devices if isinstance(one, list)), default=0)
    return f"up to {most + 1} GPUs at work at once, a case on each" if most else ""


def _describe_timing(name: str, records: Iterable[Record]) -> str:
    """What a figure is the median of, after which warm-up, and how well it is known."""
    runs: dict[object, set[int]] = {}
    taken: list[Measurement] = []
    for record in records:
        if (measurement := record.measurement(name)) and "count" in measurement.details:
            taken.append(measurement)
            runs.setdefault((record.case.model, record.case.frames, record.case.size), set()).add(record.case.repeat)
    if not taken:
        return ""
    repeats = max(len(one) for one in runs.values())
    text = f"{name.capitalize()} is the median of {_range(m.details['count'] for m in taken)} {NAMES[name]}"
    if warm := [m.details["warm_up_calls"] for m in taken if m.details.get("warm_up_calls")]:
        text += f" after {_range(warm)} warm-up calls"
    if precisions := [m.details["precision"] for m in taken if m.details.get("precision") is not None]:
        widest = format_tolerance(max(precisions))
        text += f", its 95% interval within {widest} of it" if repeats == 1 else ""
    if marked := sum(m.details.get("disturbed", 0) for m in taken):
        text += f"; {marked:,} of {sum(m.details['watched'] for m in taken if 'watched' in m.details):,} were disturbed"
    if repeats > 1:
        text += f", and of these the median of {repeats} runs in processes of their own"
    return text


def _range(numbers: Iterable[int]) -> str:
    found = sorted(set(numbers))
    return f"{found[0]:,}" if len(found) == 1 else f"{found[0]:,} to {found[-1]:,}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
