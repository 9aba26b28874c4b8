"""Which metrics there are of cases in their modes, and which modes there are for cases."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import torch

from vidbench.errors import InputError
from vidbench.metrics import METRICS, OF_MODES
from vidbench.modes import MODES, check_mode
from vidbench.records import Case, Clip

WANTING = {
    "compile_time": "it is of what a mode prepares; give --mode compile, compile-max or cuda-graph",
    "output_difference": "it is held against fp32 eager itself; give another --mode or --dtype",
    "recompilations": "it is of one compiled net at several clip lengths; give --mode compile --frames 8,16",
}


def check_modes(cases: Iterable[Case], devices: Mapping[str, torch.device]) -> None:
    """Raise InputError where a case's mode is unknown, or is not for its device or task."""
    for mode, device, task in dict.fromkeys((case.mode, case.device, case.task) for case in cases):
        check_mode(mode, devices[device].type, task)


def applies(metric: str, case: Case) -> bool:
    """Whether there is such a figure of the case: on meta nothing runs, and some are of modes and precisions alone."""
    if case.device == "meta" and METRICS[metric].kind == "sampled":
        return False
    prepares = MODES[case.mode].prepares
    return {
        "compile_time": prepares is not None,
        "output_difference": (case.mode, case.dtype) != ("eager", "fp32"),
        "recompilations": prepares == "compile",
    }.get(metric, True)


def offer(chosen: Collection[str], cases: Sequence[Case], asked: Collection[str] | None) -> set[str]:
    """Those of the chosen metrics that there are of any of the cases.

    Raises:
        InputError: one was asked for by name, and there is none.
    """
    offered = {name for name in chosen if any(applies(name, case) for case in cases)}
    for name in OF_MODES:
        if asked is not None and name in asked and name not in offered:
            raise InputError(f"{name}: {WANTING[name]}")
    return offered


def find_lengths(
    jobs: Iterable[tuple[Case, Sequence[Clip]]], asked: Collection[str] | None
) -> dict[Case, tuple[int, ...]]:
    """The clip lengths of each compiled net that is measured at several, by the last of its cases.

    Raises:
        InputError: recompilations were asked for by name, and there is no such net.
    """
    groups: dict[Case, list[Case]] = defaultdict(list)
    for case, clips in jobs:
        if applies("recompilations", case) and len(clips) == 1 and case.repeat == 0:
            groups[replace(case, frames=0)].append(case)
    lengths = {group[-1]: tuple(case.frames for case in group) for group in groups.values() if len(group) > 1}
    if asked is not None and "recompilations" in asked and not lengths:
        raise InputError(f"recompilations: {WANTING['recompilations']}")
    return lengths
