"""What the stages of a pipeline say together: their shares, and which of them holds the others up."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from vidbench.records import Case, Measurement, Record
from vidbench.units import format_number

STAGES = {
    "stage_decode": "decode",
    "stage_preprocess": "preprocess",
    "stage_copy_in": "copy in",
    "stage_model": "model",
    "stage_copy_out": "copy out",
}
MODEL, END_TO_END, OVERLAPPED = "stage_model", "stage_end_to_end", "stage_overlapped"


def pool_runs(records: Sequence[Record]) -> list[Record]:
    """A record a case whose stages were timed; of several runs of one each figure is the median."""
    cases: dict[Case, list[Record]] = {}
    for record in records:
        if any(record.measurement(name) for name in (*STAGES, OVERLAPPED)):
            cases.setdefault(replace(record.case, repeat=0), []).append(record)
    return [runs[0] if len(runs) == 1 else replace(runs[0], measurements=_pool(runs)) for runs in cases.values()]


def _pool(runs: Sequence[Record]) -> tuple[Measurement, ...]:
    pooled = []
    for name in (*STAGES, END_TO_END, OVERLAPPED):
        known = [m for run in runs if (m := run.measurement(name)) and isinstance(m.value, float)]
        if known:
            details = {"settled": all(m.details.get("settled", True) for m in known)}
            shares = [m.details["model_share"] for m in known if "model_share" in m.details]
            value = median(m.value for m in known if isinstance(m.value, float))
            pooled.append(replace(known[0], value=value, details=details | _share(shares)))
    return tuple(pooled)


def _share(shares: Sequence[float]) -> dict[str, float]:
    return {"model_share": median(shares)} if shares else {}


def stage_seconds(record: Record) -> dict[str, float]:
    """Seconds per call of each stage that was timed, in their order."""
    return {name: seconds for name in STAGES if (seconds := record.figure(name)) is not None}


def stage_shares(seconds: Mapping[str, float]) -> dict[str, float]:
    """What share of all of them each stage is."""
    total = sum(seconds.values())
    return {name: part / total for name, part in seconds.items()}


def describe_bottleneck(record: Record) -> str | None:
    """Which stage takes the longest, beside the model or the next one, and how long the model waits overlapped."""
    parts = [text for text in (_compare_stages(stage_seconds(record)), _describe_overlap(record)) if text]
    return "; ".join(parts) or None


def _compare_stages(seconds: Mapping[str, float]) -> str | None:
    if MODEL not in seconds or len(seconds) < 2:
        return None
    others = {name: part for name, part in seconds.items() if name != MODEL}
    longest = max(others, key=others.__getitem__)
    name = STAGES[longest]
    if seconds[longest] > seconds[MODEL]:
        return f"the bottleneck is {name}: it takes {_times(seconds[longest], seconds[MODEL])} as long as the model"
    return f"the bottleneck is the model: it takes {_times(seconds[MODEL], seconds[longest])} as long as {name}"


def _times(long: float, short: float) -> str:
    return f"{format_number(long / short)} times"


def _describe_overlap(record: Record) -> str | None:
    overlapped = record.measurement(OVERLAPPED)
    if overlapped is None or not isinstance(overlapped.value, float):
        return None
    waits = 1 - overlapped.details["model_share"]
    text = f"overlapped, the model waits {100 * waits:.0f}% of the time"
    total = record.figure(END_TO_END)
    if total:
        speed, alone = format_number(overlapped.value), format_number(record.case.batch / total)
        text += f" ({speed} clips/s, one after the other {alone})"
    return text
