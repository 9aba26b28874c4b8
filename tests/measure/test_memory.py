"""Peak memory on the CPU is what can be worked out by hand, and one case does not hide another."""

import torch

from vidbench.measure import Workload
from vidbench.measure.memory import measure_peak_memory, tensor_bytes

MIB = 2**20


class Doubling(torch.nn.Module):
    """At its peak: the input, its double and the double's double."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(MIB // 4))
        self.register_buffer("statistics", torch.ones(MIB // 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.cat([x, x])
        return torch.cat([y, y]).sum()


def workload(mebibytes: int) -> Workload:
    return Workload(Doubling(), torch.ones(mebibytes * MIB // 4), torch.device("cpu"))


def test_peak():
    """Weights, buffers, input and the activations at the peak, to a few bytes."""
    for size in (8, 2):  # the larger first: its peak must not linger
        measured = measure_peak_memory(workload(size))
        expected = (1 + 1 + size + 2 * size + 4 * size) * MIB
        assert expected <= measured.value <= expected + 4096
        assert measured.details["weights_and_input"] == (2 + size) * MIB


def test_shared_storage_counts_once():
    """A tensor under two names, or a view of one, is in memory once."""
    net = Doubling()
    net.same = net.weight
    net.register_buffer("view", net.statistics[: MIB // 8])
    assert tensor_bytes(Workload(net, torch.ones(MIB // 4), torch.device("cpu"))) == 3 * MIB


def test_quiet(capfd):
    """The profiler's native library stays silent."""
    measure_peak_memory(workload(1))
    assert capfd.readouterr().err == ""
