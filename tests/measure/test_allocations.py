"""What the allocator held is split into tensors and what kernels took for themselves; both can be worked out."""

import pytest
import torch
from nets import Calls
from torch import nn

from vidbench.measure import Workload
from vidbench.measure.memory import measure_peak_memory

MIB = 2**20
SLACK = 8192  # bytes of small tensors that kernels keep beside


@torch.library.custom_op("vidbench_tests::spend", mutates_args=())
def spend(x: torch.Tensor) -> torch.Tensor:
    """Takes four times its input for itself while it runs."""
    return x.repeat(4)[: x.numel()].clone()


def measured(net: nn.Module, x: torch.Tensor, task: str = "inference"):
    return measure_peak_memory(Workload(net, x, x.device, task=task))


def test_temporaries_belong_to_their_operator():
    x = torch.ones(MIB // 4)
    figure = measured(Calls(lambda x: spend(x + 1)), x)
    assert figure.details["tensors"] == pytest.approx(2 * MIB, abs=SLACK)
    assert figure.details["temporaries"] == {"vidbench_tests.spend": pytest.approx(4 * MIB, abs=SLACK)}
    assert figure.value == pytest.approx(7 * MIB, abs=SLACK)


def test_tensors_inside_composites_are_tensors():
    """What a composite operator (einsum, linear) makes between its operators is no temporary of a kernel."""
    x = torch.ones(64, 64)
    figure = measured(Calls(lambda x: torch.einsum("ab,bc,cd->ad", x, x, x)), x)
    assert figure.details["tensors"] == pytest.approx(2 * 64 * 64 * 4, abs=SLACK)


def test_training_holds_what_backward_needs():
    """Sigmoids keep their outputs, and at the peak there are the first gradient, and two of a sigmoid."""
    depth, x = 6, torch.ones(MIB // 4, requires_grad=True)
    net = nn.Sequential(*(nn.Sigmoid() for _ in range(depth)))
    inference, training = measured(net, x), measured(net, x, "train")
    assert inference.details["tensors"] == pytest.approx(2 * MIB, abs=SLACK)
    assert training.details["tensors"] == pytest.approx((depth + 3) * MIB, abs=SLACK)


def test_the_net_is_left_in_its_mode_without_gradients():
    net = nn.Linear(4, 4).eval()
    measured(net, torch.ones(1, 4), "train")
    assert not net.training
    assert net.weight.grad is None
