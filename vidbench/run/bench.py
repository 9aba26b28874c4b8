"""A case's net in its mode on its clip, made when it is first asked for, and let go of when all is known of it."""

import gc
from contextlib import suppress
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vidbench.measure import Workload
from vidbench.measure.modes import apply_mode
from vidbench.modes import MODES
from vidbench.records import Case, Clip
from vidbench.run.nets import Nets


@dataclass(slots=True)
class Bench:
    """What is measured of a case."""

    case: Case
    clip: Clip
    nets: Nets
    _workload: Workload | None = field(default=None, init=False)

    @property
    def workload(self) -> Workload:
        """Always the same."""
        if self._workload is None:
            self._workload = make_workload(self.case, self.nets.load(self.clip, self.case), self.nets)
        return self._workload

    def clear(self) -> None:
        """Let go of the net, of its memory, and of what was compiled of it."""
        self._workload = None
        self.nets.forget()
        if MODES[self.case.mode].prepares == "compile":
            torch.compiler.reset()
        gc.collect()
        if torch.device(self.case.device).type == "cuda":
            with suppress(RuntimeError):
                torch.cuda.empty_cache()


def make_workload(case: Case, tensor: Tensor, nets: Nets) -> Workload:
    """The case's net, in its mode, with that clip."""
    net = nets.measured(case)
    return apply_mode(case.mode, Workload(net, tensor, tensor.device, amp=case.dtype == "amp", task=case.task))
