"""Whose the time of a GPU is: each kernel's that of the operator that launched it, the rest idle."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from vidbench.measure.matching import Claim, Owner
from vidbench.measure.profiler import Event, Kernel


def device_times(
    root: Event, claims: Iterable[Claim], kernels: Iterable[Kernel], scopes: Mapping[str, str]
) -> tuple[Counter[Owner], int]:
    """Nanoseconds that the device worked for each owner, and that it was idle between the first kernel and the last.

    They add up to the time from the first kernel's start to the last one's end: where kernels overlap, the time is
    that of the one which began first. A kernel that no claimed event launched is an owner by its own name.

    Args:
        root: what ran on the CPU.
        claims: disjoint claims on the events below `root`.
        kernels: what ran on the device.
        scopes: paths of modules by the names of their events.
    """
    modules = dict(_modules(root, "", scopes))
    owners: dict[int, Owner] = {}
    for claim in claims:  # those on events inside this one come after it
        owners.update((event.identity, claim.owner) for event in _inside(claim.event))
    busy: Counter[Owner] = Counter()
    idle, reached = 0, None
    for kernel in sorted(kernels, key=lambda kernel: kernel.start):
        reached = kernel.start if reached is None else reached
        idle += max(0, kernel.start - reached)
        begin = max(kernel.start, reached)
        reached = max(kernel.end, reached)
        busy[owners.get(kernel.launcher, (kernel.name, modules.get(kernel.launcher, "")))] += reached - begin
    return busy, idle


def _inside(event: Event) -> Iterator[Event]:
    yield event
    for child in event.children:
        yield from _inside(child)


def _modules(event: Event, module: str, scopes: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Each event's identity and the path of the module that was being called."""
    module = scopes.get(event.name, module)
    yield event.identity, module
    for child in event.children:
        yield from _modules(child, module, scopes)
