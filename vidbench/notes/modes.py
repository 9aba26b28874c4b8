"""What a table must say of modes and precisions: what they do, whether they compute the same, what they compiled."""

from collections.abc import Iterable, Sequence
from math import inf

from vidbench.differences import name_case
from vidbench.modes import MODES
from vidbench.records import WRONG, Measurement, Record
from vidbench.units import format_number


def describe_modes(records: Sequence[Record]) -> list[str]:
    """A line for each mode but eager, the outputs of each way of running, and recompilations."""
    modes = dict.fromkeys(record.case.mode for record in records if record.case.mode != "eager")
    return [
        *(MODES[mode].describe() for mode in modes if mode in MODES),
        *_outputs(records),
        *_wrong(records),
        *_layouts(records),
        *_recompilations(records),
    ]


def _taken(records: Iterable[Record], metric: str) -> list[tuple[Record, Measurement]]:
    return [(record, m) for record in records if (m := record.measurement(metric))]


def _name_way(record: Record) -> str:
    case = record.case
    return case.dtype if case.mode == "eager" else f"{case.dtype} {case.mode}"


def _outputs(records: Sequence[Record]) -> list[str]:
    """The greatest difference of each way of running."""
    greatest: dict[str, float] = {}
    for record, taken in _taken(records, "output_difference"):
        if isinstance(taken.value, float) and taken.details.get("agrees"):
            way = _name_way(record)
            greatest[way] = max(greatest.get(way, 0.0), taken.value)
    ways = ", ".join(f"{format_number(value) if value else '0'} in {way}" for way, value in greatest.items())
    return [f"outputs differ from fp32 eager, relative to the greatest of them: {ways}"] if ways else []


def _wrong(records: Sequence[Record]) -> list[str]:
    """Whose figures are marked, and why; and whose outputs could not be compared: of each way of a net the worst."""
    worst: dict[tuple[str, bool], tuple[float, str]] = {}
    for record, taken in _taken(records, "output_difference"):
        for caveat in taken.caveats:
            key = f"{record.case.model} in {_name_way(record)}", caveat.startswith(WRONG)
            rank = taken.value if isinstance(taken.value, float) else inf
            if key not in worst or rank > worst[key][0]:
                worst[key] = (
                    rank,
                    f"{name_case(record.case)} batch {record.case.batch} in {_name_way(record)}: {caveat}",
                )
    return [f"≠ {told}" if wrong else f"outputs against fp32 eager, {told}" for (_, wrong), (_, told) in worst.items()]


def _layouts(records: Sequence[Record]) -> list[str]:
    """Whether channels last got beyond the clip."""
    lines = []
    for record, taken in _taken(records, "output_difference"):
        if layouts := taken.details.get("layouts"):
            reached, all_ = layouts["reached"], layouts["convolutions"]
            lines.append(
                f"{record.case.model} in {_name_way(record)}: {reached} of {all_} convolutions got their input in "
                "channels last"
            )
    return list(dict.fromkeys(lines))


def _recompilations(records: Sequence[Record]) -> list[str]:
    """How often each net was compiled as its clips grew."""
    lines = []
    for record, taken in _taken(records, "recompilations"):
        where = f"{record.case.model} {record.case.size} batch {record.case.batch} in {_name_way(record)}"
        lengths = taken.details.get("lengths", {})
        way = " -> ".join(lengths)
        if taken.value is None:
            lines.append(f"recompilations of {where}: {'; '.join(taken.caveats)}")
            continue
        anew = [name for name, length in list(lengths.items())[1:] if length["compilations"]]
        counts = ", ".join(str(length["compilations"]) for length in lengths.values())
        told = f"compiled anew at {', '.join(anew)}" if anew else "never compiled anew"
        lines.append(f"{where}, one net called at {way} frames: {told} (graphs compiled: {counts})")
    return lines
