"""A clip's way from a video file to logits, in stages: what each of them does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from vidbench.clips import decode, preprocess
from vidbench.measure.workload import Workload
from vidbench.records import RGB, Clip


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A net, a clip of a video, and how the net's authors normalise; each clip of a batch is that clip made anew.

    `workload` tells the shape and type of a batch; what is in its tensor is not used.
    """

    workload: Workload
    clip: Clip
    mean: RGB
    std: RGB

    @property
    def batch(self) -> int:
        """Clips a call."""
        return self.workload.clips.shape[0]

    @property
    def on_gpu(self) -> bool:
        """Whether a batch has to be copied to where the net is."""
        return self.workload.device.type == "cuda"

    def decode(self) -> list[list[Any]]:
        """The frames of each clip of a batch, as PyAV gives them."""
        return [decode(self.clip) for _ in range(self.batch)]

    def preprocess(self, batch: Sequence[Sequence[Any]]) -> Tensor:
        """Those frames as the net takes them: (B, 3, T, H, W) on the CPU."""
        clips = self.make_buffer()
        for place, frames in enumerate(batch):
            self._put(clips, place, frames)
        return clips

    def make_buffer(self) -> Tensor:
        """Room for a batch on the CPU, in memory that a GPU can copy from by itself where there is one."""
        like = self.workload.clips
        return torch.empty(like.shape, dtype=like.dtype, device="cpu", pin_memory=self.on_gpu)

    def fill(self, clips: Tensor, place: int) -> None:
        """Decode, with one thread, and preprocess a clip into its place of a batch."""
        with torch.inference_mode():
            self._put(clips, place, decode(self.clip, threads=1))

    def _put(self, clips: Tensor, place: int, frames: Sequence[Any]) -> None:
        clips[place].copy_(preprocess(frames, self.clip.size, self.mean, self.std))

    def copy_in(self, clips: Tensor) -> Tensor:
        """The batch on the device, perhaps not there yet."""
        return clips.to(self.workload.device, non_blocking=True)

    def copy_out(self, logits: Any) -> Any:
        """What the net gave, in the CPU's memory, perhaps not there yet."""
        return tree_map(lambda y: y.to("cpu", non_blocking=True) if isinstance(y, Tensor) else y, logits)
