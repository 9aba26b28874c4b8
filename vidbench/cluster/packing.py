"""Cases as jobs of a cluster: short ones share a job's start-up, and no job has two devices."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from heapq import heapify, heappop, heappush

from vidbench.catalog import Net, Variant, find_variant
from vidbench.errors import InputError
from vidbench.modes import MODES
from vidbench.records import Case, Record
from vidbench.runs import Expected, expect_seconds

TRAINING = 3.0  # forward and two backward passes


def pack(cases: Sequence[Case], seconds: Sequence[float], target: float) -> list[list[int]]:
    """The cases of each job by their places, the jobs that take longest first.

    A job takes at most `target` seconds, unless what cannot be parted takes longer: a case, or one compiled net at the
    clip lengths at which its recompilations are counted. Of jobs of one device each part goes to the shortest, longest
    parts first.

    Args:
        cases: to be measured, in their order, which they keep within a job.
        seconds: that each is thought to take.
        target: seconds of a job.

    Raises:
        InputError: the target is no time.
    """
    if not target > 0:
        raise InputError(f"a job takes some time, not {target:g} s; give --job-time above 0")
    parts: dict[Hashable, list[int]] = {}
    for place, case in enumerate(cases):
        parts.setdefault(_name_part(case), []).append(place)
    by_device: dict[tuple[str, int | None], list[tuple[float, list[int]]]] = {}
    for places in parts.values():
        first = cases[places[0]]
        by_device.setdefault((first.device, first.threads), []).append((sum(seconds[p] for p in places), places))
    jobs = [job for share in by_device.values() for job in _fill(share, target)]
    return [sorted(places) for _, places in sorted(jobs, key=lambda job: -job[0])]


def _name_part(case: Case) -> Hashable:
    """Equal for cases that cannot be parted."""
    compiled = MODES[case.mode].prepares == "compile" and case.repeat == 0
    return replace(case, frames=0) if compiled else case


def _fill(parts: Iterable[tuple[float, list[int]]], target: float) -> list[tuple[float, list[int]]]:
    ordered = sorted(parts, key=lambda part: -part[0])
    least = max(1, int(sum(seconds for seconds, _ in ordered) // target))
    jobs: list[tuple[float, int, list[int]]] = [(0.0, number, []) for number in range(min(least, len(ordered)))]
    heapify(jobs)
    for seconds, places in ordered:
        taken, number, before = jobs[0]
        if before and taken + seconds > target:
            heappush(jobs, (seconds, len(jobs), [*places]))
        else:
            heappop(jobs)
            heappush(jobs, (taken + seconds, number, before + places))
    return [(seconds, places) for seconds, _, places in jobs]


def predict_seconds(cases: Sequence[Case], earlier: Iterable[Record]) -> list[Expected]:
    """How long each case will take: as it took in an earlier run on whatever device, or by its published MACs."""
    return expect_seconds(cases, earlier, published_macs, alike=_on_any_device)


def _on_any_device(case: Case) -> Case:
    return replace(case, repeat=0, device="", clip="", threads=None)


def published_macs(case: Case) -> float | None:
    """The MACs of one clip of the case, in proportion to what is published of its net; None where nothing is."""
    known = _find_published(case.model)
    if known is None:
        return None
    macs, volume = known
    return macs * case.frames * case.size**2 / volume * (TRAINING if case.task == "train" else 1.0)


@cache
def _find_published(model: str) -> tuple[float, float] | None:
    """MACs that a source prints for the net, and frames x height x width of that clip."""
    net: Net = find_variant(model)
    rows = net.published if isinstance(net, Variant) else ()
    for row in rows:
        if row.gmacs and row.size:
            return row.gmacs * 1e9, float(row.frames * row.size**2)
    return None
