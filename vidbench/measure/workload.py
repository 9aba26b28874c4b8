"""What is run to be measured: one net on one batch of clips."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Workload:
    """A net in eval mode and its input, both on `device`; with `amp` every call runs under autocast to bf16."""

    net: nn.Module
    clips: Tensor  # (batch, 3, T, H, W)
    device: torch.device
    amp: bool = False

    def call(self) -> Tensor:
        """One forward pass, not synchronised: (batch, classes)."""
        if not self.amp:
            return self.net(self.clips)  # type: ignore[no-any-return]
        with torch.autocast(self.device.type, torch.bfloat16):
            return self.net(self.clips)  # type: ignore[no-any-return]

    def synchronise(self) -> None:
        """Wait until the device has done all it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
