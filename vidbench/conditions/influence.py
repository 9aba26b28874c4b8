"""What cases on some devices of a machine do to one on another: a latency alone and beside them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from vidbench.conditions.disturbance import OTHER_GPUS
from vidbench.conditions.watch import mark_all
from vidbench.records import Case, Record
from vidbench.statistics import Interval

NEGLIGIBLE = 0.015  # by which a latency beside others may differ from that alone

Verdict = Literal["none", "disturbed", "inconclusive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence:
    """How a case's latency on one device, beside itself on all the others, compares with its latency alone.

    Attributes:
        case: what was called on all of them.
        devices: their names; the first is that on which it was timed.
        ratio: of the latency beside the others to that alone, in `interval` with 95%, None where it cannot be told.
        rounds: of new processes.
        verdict: none where the interval is within NEGLIGIBLE of 1, disturbed where the ratio is not and the interval
            does not hold 1.
    """

    case: Case
    devices: tuple[str, ...]
    ratio: float
    interval: Interval | None
    rounds: int
    verdict: Verdict

    @property
    def sentence(self) -> str:
        """What was found, and what it means, in one line."""
        first, *others = self.devices
        case = self.case
        within = f" ({self.interval.low:.3f} to {self.interval.high:.3f})" if self.interval else ""
        found = (
            f"{first} beside {', '.join(others)}: x{self.ratio:.3f}{within}, latency of {case.model} "
            f"{case.frames}x{case.size} batch {case.batch} {case.dtype}, {self.rounds} rounds"
        )
        alone = f"--device {first} measures alone"
        return {
            "none": f"{found}: no disturbance over {NEGLIGIBLE:.1%} seen",
            "disturbed": f"{found}: disturbed; figures beside others are marked with !, {alone}",
            "inconclusive": f"{found}: whether they disturb each other cannot be told; {alone}",
        }[self.verdict]

    def describe(self) -> dict[str, Any]:
        """The same for a record, in base units."""
        case = self.case
        told = {
            "case": f"{case.model} {case.frames}x{case.size} batch {case.batch} {case.dtype}",
            "ratio": self.ratio,
            "rounds": self.rounds,
            "verdict": self.verdict,
        }
        return told if self.interval is None else {**told, "interval": [self.interval.low, self.interval.high]}


def add_company(record: Record, device: str, beside: Sequence[str], influence: Influence | None) -> Record:
    """The record with the device it was measured on, those that were at work beside it, and what they did to it.

    Where they disturb each other, all samples that were taken beside others are marked as disturbed.
    """
    conditions: dict[str, Any] = {**record.conditions, "gpu": device}
    measurements = record.measurements
    if beside:
        conditions["beside"] = {"devices": list(beside), **(influence.describe() if influence else {})}
        if influence is not None and influence.verdict == "disturbed":
            measurements = tuple(mark_all(measurement, OTHER_GPUS) for measurement in measurements)
    return replace(record, conditions=conditions, measurements=measurements)
