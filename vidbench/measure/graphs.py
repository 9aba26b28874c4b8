"""A net whose calls replay a CUDA graph."""

from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

WARM_UP = 3  # calls before a capture, in which libraries choose and allocate what must not change during it


class Captured(nn.Module):
    """Captures one forward pass at its first call and replays it at every one; for clips of another shape anew.

    Args:
        net: on a CUDA device; it has to do the same whatever its clip shows, without waiting for the device.
        amp: whether the pass is made under autocast to bf16.
    """

    def __init__(self, net: nn.Module, *, amp: bool = False) -> None:
        super().__init__()
        self.net = net
        self.seconds = 0.0  # that the last capture took, without the calls before it
        self._amp = amp
        self._graph: torch.cuda.CUDAGraph | None = None
        self._place: Tensor | None = None  # where the graph reads its clips
        self._owned = False  # that place; otherwise it is the caller's, and must not be written to
        self._outputs: Any = None

    def forward(self, clips: Tensor) -> Any:
        """What the net gives, in tensors that the next call overwrites."""
        if self._graph is None or self._place is None or clips.shape != self._place.shape:
            self._start(clips, owned=False)
        elif clips is not self._place and not self._owned:
            self._start(clips.clone(memory_format=torch.preserve_format), owned=True)
        elif clips is not self._place:
            self._place.copy_(clips)
        if self._graph is not None:
            self._graph.replay()
        return self._outputs

    def _start(self, clips: Tensor, *, owned: bool) -> None:
        self._graph, self._outputs, self._place, self._owned = None, None, clips, owned
        self._graph = self._capture(clips)

    def _capture(self, clips: Tensor) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        # Autocast's cache would keep casts of the weights that later replays do not make again.
        autocast = torch.autocast("cuda", torch.bfloat16, enabled=self._amp, cache_enabled=False)
        with torch.cuda.device(clips.device), autocast:
            side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(WARM_UP):
                    self.net(clips)
            torch.cuda.current_stream().wait_stream(side)
            torch.cuda.synchronize()
            begun = perf_counter()
            with torch.cuda.graph(graph):
                self._outputs = self.net(clips)
            torch.cuda.synchronize()
            self.seconds = perf_counter() - begun
        return graph
