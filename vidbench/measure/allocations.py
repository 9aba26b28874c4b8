"""What the CPU allocator held during a profiled call: tensors, and temporaries that kernels make for themselves."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import torch

from vidbench.counting.kinds import is_composite


@dataclass(frozen=True, slots=True)
class Allocated:
    """The most bytes that torch's CPU allocator had given out and not taken back during one call.

    Attributes:
        peak: of everything.
        tensors: of what outlives the operator that made it, at its own peak: what networks are made of.
        temporaries: bytes at `peak` that an operator took for itself alone and gave back before it ended, by operator.
    """

    peak: int
    tensors: int
    temporaries: Mapping[str, int]


class _Change(NamedTuple):
    time: int
    size: int  # negative where memory is given back
    address: int
    operator: str | None  # the outermost operator below autograd that was running
    end: int  # of that operator


def read_allocations(roots: Iterable[Any]) -> Allocated:
    """Replay the allocations of a profiled call, in torch.profiler's tree of events."""
    changes = sorted(_changes(roots, ()), key=lambda change: change.time)
    released = _releases(changes)
    live: dict[int, int] = {}  # the index of each allocation in `changes`
    total = tensors = 0
    most, most_tensors = 0, 0
    temporaries: dict[str, int] = {}
    for index, change in enumerate(changes):
        origin = index if change.size > 0 else live.pop(change.address, None)
        if origin is None:  # given back, but taken before the call
            total += change.size
            continue
        live |= {change.address: index} if change.size > 0 else {}
        made = changes[origin]
        is_temporary = made.operator is not None and released.get(origin, made.end + 1) <= made.end
        total += change.size
        tensors += 0 if is_temporary else change.size
        most_tensors = max(most_tensors, tensors)
        if total > most:
            most = total
            temporaries = _by_operator(changes, live.values(), released)
    return Allocated(peak=most, tensors=most_tensors, temporaries=temporaries)


def _changes(events: Iterable[Any], above: tuple[Any, ...]) -> Iterator[_Change]:
    for event in events:
        kind, fields = event.typed
        if kind.name == "Allocation" and fields.device.type == "cpu":
            operator = next((e for e in above if _is_operator(e.name)), None)
            name = operator.name.replace("::", ".", 1) if operator else None
            end = operator.end_time_ns if operator else 0
            yield _Change(event.start_time_ns, fields.alloc_size, fields.ptr, name, end)
        yield from _changes(event.children, (*above, event))


def _releases(changes: Sequence[_Change]) -> dict[int, int]:
    """When each allocation, by its index, was given back."""
    live: dict[int, int] = {}
    found = {}
    for index, change in enumerate(changes):
        if change.size > 0:
            live[change.address] = index
        elif change.address in live:
            found[live.pop(change.address)] = change.time
    return found


def _by_operator(changes: Sequence[_Change], live: Iterable[int], released: Mapping[int, int]) -> dict[str, int]:
    held: Counter[str] = Counter()
    for index in live:
        change = changes[index]
        if change.operator is not None and released.get(index, change.end + 1) <= change.end:
            held[change.operator] += change.size
    return dict(held.most_common())


@cache
def _is_operator(name: str) -> bool:
    """Whether events of that name are operators with a kernel: not composites, not autograd's nodes."""
    namespace, found, operator = name.partition("::")
    if not found or not operator.isidentifier():
        return False
    packet = getattr(getattr(torch.ops, namespace), operator, None)
    if packet is None:
        return False
    forms = [getattr(packet, form) for form in packet.overloads()]
    dispatched = [form for form in forms if torch._C._dispatch_has_kernel(form.name())]  # others are TorchScript's
    return not any(is_composite(form) for form in dispatched)
