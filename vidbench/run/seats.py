"""Seats: GPUs of this machine, each with processes that see no other and call it cuda:0, as on a machine with one."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

import torch

from vidbench.environment import describe, locate_gpu, resolve_device
from vidbench.errors import InputError, VidbenchError
from vidbench.run.processes import Processes
from vidbench.run.server import Send

VISIBLE = "CUDA_VISIBLE_DEVICES"
ONLY = "cuda:0"  # what a GPU is called where it is the only one


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Where one case at a time is measured.

    Attributes:
        name: what the device is called here, such as cuda:1.
        device: what it is called in `processes`.
        variables: of the environment of `processes`, which let them see no other device.
    """

    name: str
    processes: Processes
    device: str = ONLY
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU: its name here, its kind, and the name that it has everywhere, where that is told."""

    name: str
    kind: str
    uuid: str | None


def resolve_names(names: Sequence[str]) -> tuple[str, ...]:
    """GPUs of this machine as cuda:N, in their order.

    Raises:
        InputError: one is no GPU, is not there, or is named twice.
    """
    found = []
    for name in names:
        kind, _, number = name.partition(":")
        if kind != "cuda" or (number and not number.isdecimal()):
            why = {
                "cpu": "; cases side by side on a CPU disturb each other, --device cpu measures one by one",
                "meta": "; nothing runs on meta, --device meta counts",
            }.get(kind, "")
            raise InputError(f"--devices takes GPUs with commas between, such as cuda:0,cuda:1, not {name!r}{why}")
        found.append(f"cuda:{int(number or 0)}")
    if twice := next((name for name in found if found.count(name) > 1), None):
        raise InputError(f"--devices names {twice} twice; on a GPU there is one case at a time")
    return tuple(str(resolve_device(name)) for name in found)


@contextmanager
def open_seats(names: Sequence[str], limit: float) -> Iterator[tuple[Seat, ...]]:
    """A seat on each of those GPUs, all of one kind, while this is open; a task there may take `limit` seconds.

    Raises:
        InputError: one is no GPU of this machine, or they are of several kinds.
        VidbenchError: they cannot be told apart, or no process can be started.
    """
    names = resolve_names(names)
    with Processes(limit) as processes:
        cards = find_cards(names, processes)
    check_alike(cards)
    with ExitStack() as stack:
        seats = []
        for card in cards:
            variables = {VISIBLE: name_only(int(card.name.partition(":")[2]), card.uuid, os.environ.get(VISIBLE))}
            processes = stack.enter_context(Processes(limit, variables=variables))
            seats.append(Seat(name=card.name, processes=processes, variables=variables))
        with ThreadPoolExecutor(len(seats)) as pool:  # each starts a server of processes, which takes seconds
            list(pool.map(_check_seat, seats, cards))
        yield tuple(seats)


def find_cards(names: Sequence[str], processes: Processes) -> tuple[Card, ...]:
    """What these GPUs are, asked in a process of its own, so that this one uses none.

    Raises:
        VidbenchError: that process ended before it had told.
    """
    outcome = processes.run(partial(_send_cards, tuple(names)))
    if len(outcome.sent) != len(names):
        raise VidbenchError(f"{' and '.join(names)} cannot be described (above is why); `vidbench env` says more")
    return outcome.sent


def _send_cards(names: Sequence[str], send: Send) -> None:
    for device in map(torch.device, names):
        send(Card(str(device), describe(device).device, locate_gpu(device).uuid))


def check_alike(cards: Sequence[Card]) -> None:
    """Raise InputError where they are of several kinds."""
    if len({card.kind for card in cards}) > 1:
        told = ", ".join(f"{card.name} is {card.kind}" for card in cards)
        fix = ", then ".join(f"--device {card.name}" for card in {card.kind: card for card in reversed(cards)}.values())
        raise InputError(
            f"--devices takes GPUs of one kind, for figures of several compare nothing, but {told}; run the suite on "
            f"each kind by itself: {fix}"
        )


def name_only(number: int, uuid: str | None, visible: str | None) -> str:
    """What CUDA_VISIBLE_DEVICES must say for the GPU to be the only one that is cuda:`number` where it says `visible`.

    What `visible` calls it is kept, for that can be a part of a GPU (MIG).
    """
    names = [name.strip() for name in (visible or "").split(",")]
    if visible and number < len(names):
        return names[number]
    return f"GPU-{uuid}" if uuid else str(number)


def _check_seat(seat: Seat, card: Card) -> None:
    """Raise VidbenchError where the seat's processes see another GPU than they should."""
    (found,) = find_cards([ONLY], seat.processes)
    if (found.kind, found.uuid) != (card.kind, card.uuid):
        raise VidbenchError(
            f"{card.name} cannot be had alone: with {VISIBLE}={seat.variables[VISIBLE]} there is {found.kind} "
            f"({found.uuid}), not {card.kind} ({card.uuid}); --device {card.name} measures on it"
        )
