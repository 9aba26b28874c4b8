"""What fits into so much memory: the longest clip, and the largest batch, by predicted memory alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from vidbench.catalog import find_variant, is_own
from vidbench.errors import InputError
from vidbench.models.atfr_sgs import keeping
from vidbench.records import Case
from vidbench.run.nets import Nets
from vidbench.run.static import count_call, predict_optimiser
from vidbench.run.worker import is_adaptive

FARTHEST = 1 << 20  # clips or frames; memory that holds as many is no limit


Axis = Literal["frames", "batch"]


@dataclass(frozen=True, slots=True)
class Fit:
    """The case with the most frames, or the largest batch, that fits; None where not even the least does.

    `predicted` is the bytes of `case`, or of the least where nothing fits.
    """

    axis: Axis
    case: Case | None
    predicted: int


def find_fits(asked: Case, limit: int, nets: Nets) -> Iterator[Fit]:
    """The longest clip at the case's batch, then the largest batch at its frames, whose memory is within `limit` bytes.

    The clips of a user's own net are not tried shorter than asked.

    Raises:
        InputError: the memory cannot be predicted in that precision.
    """
    if asked.dtype == "amp":
        raise InputError("memory under autocast cannot be predicted; --fits takes --dtype fp32, tf32, fp16 or bf16")
    variant = find_variant(asked.model)
    step = variant.frames_multiple
    # How few frames a user's own net takes is not known.
    first = asked.frames if is_own(asked.model) else variant.least_frames // step

    def longer(steps: int) -> Case:
        return replace(asked, frames=steps * step)

    if not variant.frames_fixed:
        yield _fit("frames", longer, first, limit, nets)
    if not is_adaptive(asked):
        yield fit_batch(asked, limit, nets)


def fit_batch(asked: Case, limit: int, nets: Nets) -> Fit:
    """The largest batch of the case, whose net has no adaptive work, that is predicted to fit into `limit` bytes."""
    return _fit("batch", lambda clips: replace(asked, batch=clips), 1, limit, nets)


def _fit(axis: Axis, case_of: Callable[[int], Case], least: int, limit: int, nets: Nets) -> Fit:
    """How far one axis of a case can go; `case_of` takes the numbers to try, from `least` on."""

    def predict(number: int) -> int:
        return _predict(case_of(number), nets)

    smallest = predict(least)
    if smallest > limit:
        return Fit(axis, None, smallest)
    most, predicted = _largest(predict, least, smallest, limit)
    return Fit(axis, case_of(most), predicted)


def _predict(case: Case, nets: Nets) -> int:
    net = nets.counted(case)
    if not is_adaptive(case):
        return count_call(net, case).peak.bytes + predict_optimiser(net, case)
    with keeping(net, case.frames):
        return count_call(net, case).peak.bytes + predict_optimiser(net, case)


def _largest(predict: Callable[[int], int], low: int, at_low: int, limit: int) -> tuple[int, int]:
    """The largest number that fits, and its bytes; as memory grows nearly in proportion, few guesses are needed."""
    high, at_high = low, at_low
    while at_high <= limit:
        low, at_low = high, at_high
        if low >= FARTHEST:
            return low, at_low
        growth = max(at_low / low, 1.0)
        high = min(max(2 * low, low + int(1.02 * (limit - at_low) / growth)), FARTHEST)
        at_high = predict(high)
    proportional = True  # and halving in turn, where growth is not
    while high - low > 1:
        between = low + (limit - at_low) * (high - low) // (at_high - at_low) if proportional else (low + high) // 2
        guess = min(max(between, low + 1), high - 1)
        proportional = not proportional or guess in (low + 1, high - 1)
        at_guess = predict(guess)
        if at_guess <= limit:
            low, at_low = guess, at_guess
        else:
            high, at_high = guess, at_guess
    return low, at_low
