"""The motion band-pass is the sums that its formulas say, in both forms."""

import math

import pytest
import torch

from vidbench.errors import InputError
from vidbench.models.mbpm import MotionBandPass, laplacian


def mirror(place: int, size: int) -> int:
    """The pixel that a place beyond the edge shows; the edge itself is not repeated."""
    place = abs(place)
    return place if place < size else 2 * (size - 1) - place


def band_pass(module: MotionBandPass, x_BCTHW: torch.Tensor) -> torch.Tensor:
    """Tap by tap: every pixel's neighbours with the mirrored edges, then three frames."""
    space, time = module.spatial.weight[:, 0], module.temporal.weight[:, 0, :, 0]
    frames, height, width = x_BCTHW.shape[2:]
    k = space.shape[-1]
    filtered = torch.zeros_like(x_BCTHW)
    for y in range(k):
        for x in range(k):
            rows = [mirror(row + y - k // 2, height) for row in range(height)]
            columns = [mirror(column + x - k // 2, width) for column in range(width)]
            filtered += space[:, y, x].view(1, -1, 1, 1, 1) * x_BCTHW[:, :, :, rows][..., columns]
    if module.triples:
        triples = [(3 * i, 3 * i + 1, 3 * i + 2) for i in range(frames // 3)]
    else:
        triples = [(max(t - 1, 0), t, min(t + 1, frames - 1)) for t in range(frames)]
    weights = time.view(1, *time.shape, 1, 1)
    return torch.stack([(weights * filtered[:, :, list(triple)]).sum(2) for triple in triples], 2)


@pytest.mark.parametrize(
    ("channels", "kernel", "triples", "shape"),
    [(3, 9, True, (2, 3, 6, 5, 7)), (5, 7, False, (2, 5, 3, 6, 4)), (4, 3, False, (1, 4, 1, 2, 2))],
)
def test_both_forms(channels, kernel, triples, shape):
    """Edges are mirrored, three frames make one or the ends are repeated, and each channel has its own filters."""
    torch.manual_seed(0)
    module = MotionBandPass(channels, kernel, 0.9, triples=triples).double()
    for weight in module.parameters():
        torch.nn.init.normal_(weight)
    x_BCTHW = torch.randn(shape, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(module(x_BCTHW), band_pass(module, x_BCTHW))


@pytest.mark.parametrize(("kernel", "sigma", "largest"), [(9, 1.1, 278), (7, 0.9, 227)])
def test_start(kernel, sigma, largest):
    """The filter in space starts as a Laplacian of a Gaussian over its nearly empty sum; that in time as a peak."""
    module = MotionBandPass(2, kernel, sigma)
    half = kernel // 2
    values = [
        [
            -(1 - (x * x + y * y) / (2 * sigma**2)) * math.exp(-(x * x + y * y) / (2 * sigma**2)) / (math.pi * sigma**4)
            for x in range(-half, half + 1)
        ]
        for y in range(-half, half + 1)
    ]
    expected = torch.tensor(values) / math.fsum(map(math.fsum, values))
    torch.testing.assert_close(laplacian(kernel, sigma), expected, rtol=1e-2, atol=0.02)
    assert float(expected.abs().max()) == pytest.approx(largest, rel=0.01)
    assert torch.equal(module.spatial.weight[1, 0], laplacian(kernel, sigma))
    torch.testing.assert_close(module.temporal.weight[:, 0, :, 0], torch.tensor([[-1.0, 2, -1]] * 2) / 3)


def test_what_stands_still_is_not_seen():
    """Before training a clip of one frame gives nothing, in both forms."""
    still_BCTHW = torch.rand(1, 3, 1, 16, 16, dtype=torch.float64).expand(-1, -1, 6, -1, -1)
    for triples in (False, True):
        assert MotionBandPass(3, 3, 0.9, triples=triples).double()(still_BCTHW).abs().max() < 1e-6


def test_refusals():
    """Maps that cannot be mirrored, and frames that make no threes, are refused with what to give."""
    module = MotionBandPass(3, 9, 1.1, triples=True)
    assert module(torch.zeros(1, 3, 3, 5, 5)).shape == (1, 3, 1, 5, 5)
    with pytest.raises(InputError, match="mirrors 4 pixels at each edge, so it takes maps above 4 x 4, not 5 x 4"):
        module(torch.zeros(1, 3, 3, 5, 4))
    with pytest.raises(InputError, match="give a multiple of 3 frames, not 7"):
        module(torch.zeros(1, 3, 7, 8, 8))
