"""What to measure, as data: every combination of models, clips, batches, precisions and modes is a Case."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from vidbench.catalog import Net, is_own
from vidbench.errors import InputError
from vidbench.records import GIVEN, RANDOM, Case
from vidbench.views import parse_views


def expand_grid(
    nets: Sequence[Net],
    *,
    matched: Collection[str] = (),
    frames: Sequence[int] = (),
    sizes: Sequence[int] = (),
    classes: int | None = None,
    weights: str = RANDOM,
    repeats: int = 1,
    **axes: Any,
) -> list[Case]:
    """The combinations for each net, with its own default clip where no frames or sizes are given.

    Nets whose names are in `matched` go without the clips that they cannot take, of which `list_left_out` tells.
    Repeats come in rounds over all cases, so that no case has a machine's good or bad minutes for itself.

    Raises:
        InputError: another net cannot take one of the clips, or a number is not positive.
    """
    refused = {net.name: [*find_refusals(net, frames, sizes)] for net in nets}
    for net in nets:
        if refused[net.name] and net.name not in matched:
            raise InputError(refused[net.name][0].reason)
    if repeats < 1:
        raise InputError(f"repeats cannot be {repeats}; give 1 or more with --repeats")
    cases = [
        case
        for net in nets
        for case in combine(
            net.name,
            classes=net.classes if classes is None else classes,
            frames=_without(frames or [net.frames], "frames", refused[net.name]),
            sizes=_without(sizes or [net.size], "size", refused[net.name]),
            weights=GIVEN if is_own(net.name) and weights == RANDOM else weights,
            **axes,
        )
    ]
    return [replace(case, repeat=repeat) for repeat in range(repeats) for case in cases]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A number of frames, or a size, that a net cannot take."""

    axis: str
    number: int
    reason: str


def find_refusals(net: Net, frames: Sequence[int], sizes: Sequence[int]) -> Iterator[Refusal]:
    """What of these the net cannot take."""
    for axis, check, numbers in (("frames", net.check_frames, frames), ("size", net.check_size, sizes)):
        for number in numbers:
            try:
                check(number)
            except InputError as error:
                yield Refusal(axis, number, str(error))


def list_left_out(
    nets: Sequence[Net], matched: Collection[str], frames: Sequence[int], sizes: Sequence[int]
) -> list[str]:
    """The reasons why nets in `matched` go without some of these, a line each."""
    return [one.reason for net in nets if net.name in matched for one in find_refusals(net, frames, sizes)]


def _without(numbers: Sequence[int], axis: str, refused: Sequence[Refusal]) -> list[int]:
    gone = {one.number for one in refused if one.axis == axis}
    return [number for number in numbers if number not in gone]


def combine(
    model: str,
    *,
    classes: int | None,
    frames: Sequence[int],
    sizes: Sequence[int],
    batches: Sequence[int] = (1,),
    dtypes: Sequence[str] = ("fp32",),
    modes: Sequence[str] = ("eager",),
    threads: int | None = None,
    views: str | None = None,
    **shared: Any,
) -> list[Case]:
    """Every combination for one model; frames vary fastest, so that a table shows how costs grow with the clip.

    Raises:
        InputError: a number is not positive, or the views are none.
    """
    for what, numbers in (
        ("--classes", [] if classes is None else [classes]),
        ("--frames", frames),
        ("--size", sizes),
        ("--batch", batches),
        ("--threads", [] if threads is None else [threads]),
    ):
        for number in numbers:
            if number < 1:
                raise InputError(f"{what.removeprefix('--')} cannot be {number}; give 1 or more with {what}")
    shared |= {"threads": threads, "views": None if views is None else str(parse_views(views))}
    return [
        Case(model=model, classes=classes, frames=count, size=size, batch=batch, dtype=dtype, mode=mode, **shared)
        for size, dtype, mode, batch, count in product(sizes, dtypes, modes, batches, frames)
    ]
