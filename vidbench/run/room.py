"""What a case's device has free, and the largest batch that is predicted to fit into it."""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import torch

from vidbench.records import Case
from vidbench.run.ceiling import MARGIN, free_bytes
from vidbench.run.fits import fit_batch
from vidbench.run.nets import Nets
from vidbench.run.processes import Processes
from vidbench.run.server import Send
from vidbench.run.setting import set_up
from vidbench.units import column_scale


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes that a case can take, and the largest batch predicted to fit; None is unknown, 0 is not even one clip."""

    free: int | None = None
    fits: int | None = None

    def describe(self) -> str:
        """The free bytes, for a message."""
        scale = column_scale([self.free], "bytes")
        return f"{scale.format(self.free)} {scale.label}"


def find_room(case: Case, nets: Nets) -> Room:
    """Ask the case's device, and predict: the device is touched, and a user's own net built, in this process."""
    device = torch.device(case.device)
    free = int(free_bytes(device) * (MARGIN if device.type == "cpu" else 1))
    with suppress(Exception), set_up(case):  # the case itself will fail of it, and say so
        if case.dtype != "amp" and not nets.cautions(case):
            fit = fit_batch(case, free, nets)
            return Room(free, fit.case.batch if fit.case else 0)
    return Room(free)


def find_room_isolated(case: Case, processes: Processes) -> Room:
    """The same in a process of its own; where that dies or hangs, nothing is known."""
    outcome = processes.run(partial(_send_room, case))
    return next((one for one in outcome.sent if isinstance(one, Room)), Room())


def _send_room(case: Case, send: Send) -> None:
    send(find_room(case, Nets()))
