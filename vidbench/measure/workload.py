"""What is run to be measured: one net on one batch of clips."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Workload:
    """A net in eval mode and its input, both on `device`; with `amp` every call runs under autocast to bf16."""

    net: nn.Module
    clips: Tensor  # (batch, 3, T, H, W)
    device: torch.device
    amp: bool = False

    def call(self) -> Any:
        """One forward pass, not synchronised: the logits (batch, classes), or whatever else a user's net gives."""
        if not self.amp:
            return self.net(self.clips)
        with torch.autocast(self.device.type, torch.bfloat16):
            return self.net(self.clips)

    def synchronise(self) -> None:
        """Wait until the device has done all it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
