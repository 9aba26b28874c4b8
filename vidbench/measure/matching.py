"""Which event of a profiled call is which call of a count: by operator and module, in their order."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from vidbench.counting import Call
from vidbench.measure.profiler import Event


class Claim(NamedTuple):
    """An event whose time is that of the counted call of index `call`, or of an operator that no call stands for.

    `own` tells that only the time outside of the events inside it is meant, which have claims of their own.
    """

    event: Event
    name: str
    module: str
    call: int | None
    own: bool = False

    @property
    def owner(self) -> "Owner":
        """What the time is added to."""
        return (self.name, self.module) if self.call is None else self.call


Owner = int | tuple[str, str]  # index of a counted call, or name and module of what no call stands for
Token = tuple[str, str]  # module, operator

# One and the same work under a dispatch mode and without one.
_SYNONYMS = {
    "aten.native_batch_norm": "batch_norm",
    "aten._native_batch_norm_legit": "batch_norm",
    "aten._native_batch_norm_legit_no_training": "batch_norm",
    "aten._batch_norm_no_update": "batch_norm",
    "aten.cudnn_batch_norm": "batch_norm",
    "aten.miopen_batch_norm": "batch_norm",
    "aten.addmm": "addmm",
    "aten._addmm_activation": "addmm",
    "aten._reshape_alias": "view",
    "aten._unsafe_view": "view",
    "aten.view": "view",
}


def match_calls(root: Event, calls: Sequence[Call], scopes: Mapping[str, str]) -> list[Claim]:
    """Claims on the events below `root`, in their order: one at most for each call, and all operators that work.

    Args:
        root: what was profiled.
        calls: what was counted of the same work, in the order in which it ran.
        scopes: paths of modules by the names of their events.
    """
    candidates = list(_candidates(root, _expected(calls), scopes))
    events = [token for _, token in candidates]
    expected = [(call.module, _canonical(call.operator)) for call in calls]
    found = {id(candidates[at][0]): index for at, index in _align(events, expected)}
    return list(_claims(root, "", found, scopes))


def _canonical(operator: str) -> str:
    name = operator.replace("::", ".", 1).rstrip("_")  # in place or not may differ between the two passes
    return _SYNONYMS.get(name, name)


def _expected(calls: Iterable[Call]) -> Mapping[str, set[str]]:
    """Operators counted in each module or inside it: a fast path runs in one event what its modules would run."""
    expected: dict[str, set[str]] = defaultdict(set)
    for module, operator in {(call.module, _canonical(call.operator)) for call in calls}:
        parts = module.split(".") if module else []
        for depth in range(len(parts) + 1):
            expected[".".join(parts[:depth])].add(operator)
    return expected


def _candidates(
    root: Event, expected: Mapping[str, set[str]], scopes: Mapping[str, str]
) -> Iterator[tuple[Event, Token]]:
    """The outermost events, in their order, that may be a call that was counted."""
    waiting = [(root, "")]
    while waiting:
        event, module = waiting.pop()
        if event.name in scopes:
            module = scopes[event.name]
        elif (name := _canonical(event.name)) in expected.get(module, ()):
            yield event, (module, name)
            continue
        waiting.extend((child, module) for child in reversed(event.children))


def _align(events: Sequence[Token], calls: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Indices of events and of the calls they are, both rising: by module and operator, in gaps by operator alone."""
    if events == calls:
        yield from ((index, index) for index in range(len(calls)))
        return
    for tag, a1, a2, b1, b2 in SequenceMatcher(None, events, calls, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from zip(range(a1, a2), range(b1, b2), strict=True)
        elif tag == "replace":
            operators = [name for _, name in events[a1:a2]], [name for _, name in calls[b1:b2]]
            for a, b, size in SequenceMatcher(None, *operators, autojunk=False).get_matching_blocks():
                pairs = zip(range(a1 + a, a1 + a + size), range(b1 + b, b1 + b + size), strict=True)
                yield from ((at, index) for at, index in pairs if _related(events[at][0], calls[index][0]))


def _related(module: str, other: str) -> bool:
    """Whether one of the two is the other, or inside it."""
    inner, outer = sorted((module, other), key=len, reverse=True)
    return not outer or inner == outer or inner.startswith(f"{outer}.")


def _claims(event: Event, module: str, found: Mapping[int, int], scopes: Mapping[str, str]) -> Iterator[Claim]:
    if event.name in scopes:
        module = scopes[event.name]
    name = event.name.replace("::", ".", 1)
    if id(event) in found:
        yield Claim(event, name, module, found[id(event)])
        return
    inside = [claim for child in event.children for claim in _claims(child, module, found, scopes)]
    if not event.works:
        yield from inside
    elif all(claim.call is None for claim in inside):
        yield Claim(event, name, module, None)
    else:
        yield Claim(event, name, module, None, own=True)
        yield from inside
