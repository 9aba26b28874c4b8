"""The nets of cases: to count and to measure, the last ones kept."""

from copy import deepcopy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from vidbench.catalog import families, variants
from vidbench.clips import MEAN, STD, load_clip
from vidbench.environment import DTYPES
from vidbench.models import build
from vidbench.models.weights import load_weights
from vidbench.records import GIVEN, RANDOM, Case, Clip


@dataclass(slots=True)
class Nets:
    """The nets of cases; the last on meta and the last on a device are kept, for cases of one net are neighbours.

    Args:
        module: a user's own net, which then stands for every case's model.
    """

    module: nn.Module | None = None
    _kept: dict[bool, tuple[object, nn.Module]] = field(default_factory=dict)

    def counted(self, case: Case) -> nn.Module:
        """The net to count: a built-in one on meta, without weights; a user's own as it is."""
        return self.module if self.module is not None else self._keep(case, torch.device("meta"))

    def measured(self, case: Case) -> nn.Module:
        """The net to measure, in eval mode on the case's device, in its precision, its weights always the same."""
        return self._keep(case, torch.device(case.device))

    def load(self, clip: Clip, case: Case) -> Tensor:
        """The clip as the case's net takes it: on its device, in its precision, normalised as its authors do."""
        variant = variants().get(case.model)
        mean, std = (families()[variant.family].mean, families()[variant.family].std) if variant else (MEAN, STD)
        tensor = load_clip(clip, batch=case.batch, mean=mean, std=std)
        return tensor.to(torch.device(case.device), DTYPES[case.dtype])

    def forget(self) -> None:
        """Let go of what is kept on a device."""
        self._kept.pop(False, None)

    def _keep(self, case: Case, device: torch.device) -> nn.Module:
        on_meta = device.type == "meta"
        dtype = DTYPES[case.dtype]
        wanted = (case.model, case.classes, case.weights, case.task, device, dtype)
        if on_meta not in self._kept or self._kept[on_meta][0] != wanted:
            self._kept.pop(on_meta, None)
            self._kept[on_meta] = (wanted, self._make(case, device).to(dtype).eval())
        return self._kept[on_meta][1]

    def _make(self, case: Case, device: torch.device) -> nn.Module:
        if self.module is not None:
            return deepcopy(self.module).to(device)
        with torch.random.fork_rng([device] if device.type == "cuda" else []), torch.device(device):
            torch.manual_seed(0)
            net = build(case.model, classes=case.classes, frames=case.frames, size=case.size)
        if device.type != "meta" and case.weights not in (RANDOM, GIVEN):
            load_weights(net, case.weights)
        return net
