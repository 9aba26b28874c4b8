"""What is run to be measured: one net on one batch of clips, forward or in training."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils._pytree import tree_leaves

MOMENTUM = 0.9
RATE = 1e-9  # the work of a step is the same at any; this one leaves the weights as they are over thousands of calls


@dataclass(frozen=True, slots=True)
class Workload:
    """A net and its input, both on `device`; with `amp` every forward pass runs under autocast to bf16.

    `task` is "inference", a forward pass, or "train": forward, backward to all parameters, and a step of SGD, whose
    state comes with the first call and stays with the workload. `mode` names one of MODES that has been applied.
    """

    net: nn.Module
    clips: Tensor  # (batch, 3, T, H, W)
    device: torch.device
    amp: bool = False
    task: str = "inference"
    mode: str = "eager"
    optimiser: SGD | None = None  # made here for training where none is given

    def __post_init__(self) -> None:
        weights = [p for p in self.net.parameters() if p.requires_grad]
        if self.task == "train" and self.optimiser is None and weights:
            object.__setattr__(self, "optimiser", SGD(weights, lr=RATE, momentum=MOMENTUM))

    @contextmanager
    def running(self) -> Iterator[None]:
        """The state that calls are made in: inference mode, or the net in training mode, left without gradients."""
        if self.task == "inference":
            with torch.inference_mode():
                yield
            return
        modes = [(module, module.training) for module in self.net.modules()]
        self.net.train()
        try:
            with torch.enable_grad():
                yield
        finally:
            self.net.zero_grad(set_to_none=True)
            for module, training in modes:
                module.training = training

    def call(self) -> None:
        """One call, not synchronised; of training, gradients of the call before are let go of first."""
        if self.task == "inference":
            self.forward()
            return
        self.net.zero_grad(set_to_none=True)
        logits = [y for y in tree_leaves(self.forward()) if isinstance(y, Tensor) and y.requires_grad]
        torch.autograd.backward(logits, [torch.ones_like(y) for y in logits])
        if self.optimiser is not None:
            self.optimiser.step()

    def infer(self, clips: Tensor) -> Any:
        """What the net gives for these clips instead, not synchronised."""
        if clips.stride() != self.clips.stride():  # in the order of the mode
            clips = torch.empty_like(self.clips).copy_(clips)
        return replace(self, clips=clips).forward()

    def forward(self) -> Any:
        """What the net gives for the clips."""
        if not self.amp:
            return self.net(self.clips)
        with torch.autocast(self.device.type, torch.bfloat16):
            return self.net(self.clips)

    def synchronise(self) -> None:
        """Wait until the device has done all it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
