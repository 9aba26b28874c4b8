"""What contracts nothing is known to, so that a count which is complete is not called doubtful."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # as all the world does
from nets import Calls
from torch import nn

from vidbench import count


def up(mode: str, **settings: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda x: F.interpolate(x.flatten(1, 2), scale_factor=1.5, mode=mode, **settings)


ACTIVATIONS = (
    *("CELU", "ELU", "GELU", "GLU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid"),
    *("Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softplus", "Softshrink", "Tanh"),
)
FREE = {
    **{name: getattr(nn, name)() for name in ACTIVATIONS},
    **{f"{name}-in-place": getattr(nn, name)(inplace=True) for name in ("ELU", "Hardswish", "Mish", "ReLU", "SiLU")},
    **{f"{kind.__name__}": kind(8) for kind in (nn.BatchNorm3d, nn.InstanceNorm3d, nn.LayerNorm, nn.RMSNorm)},
    **{kind.__name__: kind(0.5) for kind in (nn.Dropout, nn.Dropout3d, nn.AlphaDropout)},
    **{kind.__name__: kind(1) for kind in (nn.ReplicationPad3d, nn.ReflectionPad3d, nn.ZeroPad3d, nn.CircularPad3d)},
    **{kind.__name__: kind(2) for kind in (nn.MaxPool3d, nn.AvgPool3d, nn.AdaptiveAvgPool3d, nn.AdaptiveMaxPool3d)},
    "group-norm": nn.GroupNorm(2, 8),
    "max-unpool": lambda x: F.max_unpool3d(*F.max_pool3d(x, 2, return_indices=True), 2),
    "nearest": nn.Upsample(scale_factor=2),
    "nearest-exact": nn.Upsample(scale_factor=2, mode="nearest-exact"),
    "trilinear": nn.Upsample(scale_factor=2, mode="trilinear"),
    "bilinear": up("bilinear"),
    "bilinear-antialias": up("bilinear", antialias=True),
    "bicubic": up("bicubic"),
    "stack": lambda x: torch.stack([x, x]),
    "unbind": lambda x: x.unbind(2)[0],
    "split": lambda x: x.split(3, 1)[0],
    "roll": lambda x: x.roll(1, 2),
    "gather": lambda x: x.gather(1, torch.zeros(x.shape, dtype=torch.long, device=x.device)),
    "top-k": lambda x: x.topk(2, 1)[0],
    "views-in-place": lambda x: x.clone().transpose_(1, 2).unsqueeze_(0).squeeze_(),
    "compared-in-place": lambda x: x * x.clone().gt_(0),
    "normalize": F.normalize,
    "softmax": nn.Softmax(1),
    "gumbel": lambda x: F.gumbel_softmax(x, dim=1),
    "logsumexp": lambda x: x.logsumexp(1),
    "fft": lambda x: torch.fft.irfft2(torch.fft.rfft2(x)),
    "unfold-fold": lambda x: F.fold(F.unfold(x.flatten(1, 2), 3), (8, 8), 3),
    "cross-entropy": lambda x: F.cross_entropy(x, torch.zeros_like(x[:, 0], dtype=torch.long)),
    "mse": lambda x: F.mse_loss(x, x * 2),
    "smooth-l1": lambda x: F.smooth_l1_loss(x, x * 2),
}


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("function", FREE.values(), ids=FREE)
def test_free_of_contractions(function, device: str):
    """What contracts nothing is known to, forward and backward: it adds no MACs and makes no count doubtful."""
    x = torch.randn(2, 8, 4, 8, 8, device=device, requires_grad=True)
    layer = deepcopy(function) if isinstance(function, nn.Module) else Calls(function)
    counted = count(Calls(lambda layer, x: layer(x * 1.0), layer.to(device)), x, train=True)
    assert (counted.macs, counted.unknown) == (0, ())
    assert counted.uncounted
