"""What follows from an explanation, in plain words, each sentence with its figures and with what could be tried."""

from collections.abc import Iterator
from dataclasses import replace

from vidbench.explain.explanation import Explanation, Finding, Kind, Part, Work, add
from vidbench.units import column_scale, format_number

LARGE = 0.10  # of the time: what is worth a sentence
APART = 2.0  # times the share of the MACs: what a FLOP count does not foresee
UNSEEN = 0.20  # of the time in uncounted operators: worth fusing
IDLE = 0.05  # of the time in no operator
NAMED = 4  # kinds in one sentence


def find(explanation: Explanation) -> Explanation:
    """The explanation with what follows from it."""
    timed = explanation.total is not None
    found = [*_cost(explanation), *(_timed(explanation) if timed else _bytes(explanation)), *_unknown(explanation)]
    return replace(explanation, findings=tuple(found))


def percent(share: float | None) -> str:
    """Such as 4%, or 0.3% where it is less than one."""
    if share is None:
        return "–"
    return f"{100 * share:.0f}%" if share >= 0.0995 or share == 0 else f"{100 * share:.2g}%"


def seconds(value: float) -> str:
    """Such as 336 ms."""
    scale = column_scale([value], "seconds")
    return f"{scale.format(value)} {scale.label}"


def _timed(explanation: Explanation) -> Iterator[Finding]:
    yield from _limits(explanation)
    yield from _kernels(explanation)
    yield from _uncounted(explanation)
    yield from _copies(explanation)
    yield from _outside(explanation)
    yield from _modules(explanation.root, explanation)


def _cost(explanation: Explanation) -> Iterator[Finding]:
    work, peaks, total = explanation.root.work, explanation.peaks, explanation.total
    if not total or not peaks:
        return
    rate = work.macs / total
    reached = "the datasheet's" if peaks.estimate else "the device's own, by a matrix product here"
    yield Finding(
        topic="whole",
        text=f"{format_number(work.macs / 1e9)} GMACs take {seconds(total)}: {format_number(rate / 1e9)} GMACs/s, "
        f"{percent(rate / peaks.macs_per_second)} of {format_number(peaks.macs_per_second / 1e9)} ({reached})",
        figures={"macs": work.macs, "seconds": total, "of_peak": rate / peaks.macs_per_second},
    )


def _limits(explanation: Explanation) -> Iterator[Finding]:
    """How far the whole is from what its operators need, one by one, at the device's limits."""
    if explanation.peaks is None or explanation.total is None or explanation.peaks.estimate:
        return
    least = sum(kind.work.least_seconds(explanation.peaks) for kind in explanation.kernels)
    if least:
        yield Finding(
            topic="limits",
            text=f"at this device's limits of arithmetic and memory the same operators would need {seconds(least)}: "
            f"the call takes {format_number(explanation.total / least)} times that",
            figures={"seconds": least, "times": explanation.total / least},
        )


def _kernels(explanation: Explanation) -> Iterator[Finding]:
    for kind in explanation.kernels:
        share = explanation.share_of_time(kind.work) or 0.0
        macs = explanation.share_of_macs(kind.work)
        if kind.counted and share >= LARGE:
            disproportionate = share >= APART * macs
            yield Finding(
                topic="kind",
                text=f"{name_kind(kind)}: {percent(macs)} of the MACs, {percent(share)} of the time, "
                f"{percent(kind.work.of_peak(explanation.peaks))} of peak: {_verdict(kind.work, explanation)}",
                figures={
                    "share_of_macs": macs,
                    "share_of_time": share,
                    "of_peak": kind.work.of_peak(explanation.peaks) or 0.0,
                    "intensity": kind.work.intensity or 0.0,
                },
                trial=_remedy(kind, explanation) if disproportionate or share >= 3 * LARGE else None,
            )


def name_kind(kind: Kind) -> str:
    """Such as `depthwise convolution 3x3x3`."""
    return kind.name if not kind.kernel or kind.kernel in kind.name else f"{kind.name} {kind.kernel}"


def _verdict(work: Work, explanation: Explanation) -> str:
    """What holds an operator up, with the figure that says so."""
    peaks = explanation.peaks
    if peaks is None or work.intensity is None:
        return "unknown"
    if peaks.estimate and work.bound(peaks) == "neither":
        return f"bound by the launches of its {work.calls} calls"
    most = min(1.0, work.intensity * peaks.bytes_per_second / peaks.macs_per_second)
    bandwidth = percent(work.of_bandwidth(peaks))
    intensity = f"{format_number(work.intensity)} MACs a byte"
    if most < 1:
        reached = f"memory-bound, for {intensity} allow at most {percent(most)} of peak"
        short = ", and short of that too" if work.bound(peaks) == "neither" else ""
        return f"{reached}{short} ({bandwidth} of bandwidth)"
    if work.bound(peaks) == "compute":
        return f"compute-bound ({intensity})"
    return f"bound by neither arithmetic nor memory ({intensity}, {bandwidth} of bandwidth): its kernel is slow"


def _remedy(kind: Kind, explanation: Explanation) -> str | None:
    if "depthwise" in kind.name or "grouped" in kind.name:
        return "channels-last"
    if explanation.case.dtype in ("fp32", "tf32"):
        return "bf16"
    return "channels-last"


def _uncounted(explanation: Explanation) -> Iterator[Finding]:
    unseen = explanation.uncounted
    share = explanation.share_of_time(unseen) or 0.0
    kinds = [kind for kind in explanation.kinds if not kind.counted and kind.work.seconds]
    parts = ", ".join(f"{kind.name} {percent(explanation.share_of_time(kind.work))}" for kind in kinds[:NAMED])
    yield Finding(
        topic="uncounted",
        text=f"operators that no FLOP count sees: {percent(share)} of the time, "
        f"{percent(explanation.share_of_bytes(unseen))} of the bytes" + (f" ({parts} of the time)" if parts else ""),
        figures={"share_of_time": share, "share_of_bytes": explanation.share_of_bytes(unseen)},
        trial="compile" if share >= UNSEEN else None,
    )


def _copies(explanation: Explanation) -> Iterator[Finding]:
    copies = add(*(kind.work for kind in explanation.kinds if kind.name == "copy"))
    share = explanation.share_of_time(copies) or 0.0
    if share >= LARGE:
        yield Finding(
            topic="copies",
            text=f"copies: {percent(share)} of the time; {copies.calls} calls move tensors into another order or place",
            figures={"share_of_time": share, "calls": copies.calls},
            trial="channels-last",
        )


def _outside(explanation: Explanation) -> Iterator[Finding]:
    if not explanation.total or explanation.outside is None or explanation.outside < IDLE * explanation.total:
        return
    share = explanation.outside / explanation.total
    what = "the device waits for launches" if explanation.waits else "no operator runs: Python and dispatch"
    yield Finding(
        topic="outside",
        text=f"in {percent(share)} of the time {what}, of {explanation.root.work.calls} operators a call",
        figures={"share_of_time": share, "calls": explanation.root.work.calls},
        trial="batch" if share >= LARGE else None,
    )


def _modules(part: Part, explanation: Explanation) -> Iterator[Finding]:
    """The smallest modules whose share of the time is large, and far above their share of the MACs."""
    below = [finding for child in part.children for finding in _modules(child, explanation)]
    share, macs = explanation.share_of_time(part.work) or 0.0, explanation.share_of_macs(part.work)
    if below or not part.path or share < LARGE or share < APART * macs:
        yield from below
        return
    yield Finding(
        topic="module",
        text=f"{part.path} ({part.kind}): {percent(macs)} of the MACs, {percent(share)} of the time",
        figures={"share_of_macs": macs, "share_of_time": share},
    )


def _bytes(explanation: Explanation) -> Iterator[Finding]:
    """Where nothing was timed: what moves bytes without being counted, and what moves many for its MACs."""
    share = explanation.share_of_bytes(explanation.uncounted)
    yield Finding(
        topic="uncounted",
        text=f"operators that no FLOP count sees move {percent(share)} of the bytes",
        figures={"share_of_bytes": share},
    )
    for kind in explanation.kernels:
        moved, macs = explanation.share_of_bytes(kind.work), explanation.share_of_macs(kind.work)
        if kind.counted and moved >= LARGE and moved >= APART * macs:
            yield Finding(
                topic="kind",
                text=f"{name_kind(kind)}: {percent(macs)} of the MACs, {percent(moved)} of the bytes, "
                f"{format_number(kind.work.intensity or 0.0)} MACs a byte",
                figures={"share_of_macs": macs, "share_of_bytes": moved},
            )


def _unknown(explanation: Explanation) -> Iterator[Finding]:
    for operator in explanation.unknown:
        share = explanation.share_of_time(operator.work)
        time = f"{percent(share)} of the time, " if share is not None else ""
        yield Finding(
            topic="unknown",
            text=f"{operator.name} ({operator.work.calls} calls) is counted as nothing, yet may contract something: "
            f"{time}{percent(explanation.share_of_bytes(operator.work))} of the bytes; vidbench.register_rule says "
            "what it does",
            figures={"share_of_time": share or 0.0, "share_of_bytes": explanation.share_of_bytes(operator.work)},
        )
