"""Ratios of things measured in turn: A B A B ..., so that a machine that drifts drifts for both."""

import time
from collections.abc import Callable, Sequence
from statistics import median


def seconds(action: Callable[[], object]) -> float:
    """Wall time of one call."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def compare(
    first: Callable[[], object], second: Callable[[], object], rounds: int, clock: Callable[..., float] = seconds
) -> tuple[float, float, Sequence[float]]:
    """Median of each, and the ratio first / second of each round, in rising order; who is first alternates."""
    pairs = []
    for turn in range(rounds + 1):
        if turn % 2:
            b, a = clock(second), clock(first)
        else:
            a, b = clock(first), clock(second)
        pairs.append((a, b))
    pairs = pairs[1:]
    return median(a for a, _ in pairs), median(b for _, b in pairs), sorted(a / b for a, b in pairs)


def show(label: str, ratios: Sequence[float], bar: str) -> None:
    """One line: the median ratio, its quartiles, and the bar it is held against."""
    low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
    print(f"{label}: median ratio {median(ratios):.3f} (quartiles {low:.3f} to {high:.3f}; {bar})", flush=True)
