"""Growth is the factor per doubling of the clip, of what was measured and where it was."""

from math import log2

import numpy as np
import pytest

from vidbench.notes.growth import Growth, fit_growth


def rows(frames: list[int], **metrics) -> list[dict]:
    """Rows of one setting; a metric is a function of the frames, or None."""
    shared = {"model": "net", "size": 224, "batch": 1, "dtype": "fp32", "mode": "eager"}
    unknown = dict.fromkeys(("macs", "latency", "peak_memory"))
    return [
        {**shared, "frames": n, **unknown, **{name: cost and cost(n) for name, cost in metrics.items()}} for n in frames
    ]


@pytest.mark.parametrize(
    ("cost", "factor"),
    [(lambda n: 3.0 * n, 2), (lambda n: 5.0 * n**2, 4), (lambda _n: 7.0, 1), (lambda n: 11.0 / n, 0.5)],
    ids=["linear", "quadratic", "constant", "falling"],
)
def test_powers(cost, factor: float):
    """What is proportional to a power of the frames has that power of two as its factor, whatever the frame counts."""
    (growth,) = fit_growth(rows([4, 7, 13, 64], macs=cost))
    assert growth.factors == {"macs": pytest.approx(factor)}
    assert (growth.model, growth.shortest, growth.longest) == ("net", 4, 64)


def test_cost_with_a_fixed_part():
    """Between two clips the factor is the ratio of the costs: less than two where a part does not grow."""
    (growth,) = fit_growth(rows([8, 16], peak_memory=lambda n: 100 + 10 * n))
    assert growth.factors == {"peak_memory": pytest.approx((100 + 160) / (100 + 80))}


def test_least_squares():
    """Over several clips it is the slope of numpy's line through the logarithms."""
    seconds = {8: 0.010, 16: 0.023, 32: 0.041, 64: 0.095}
    (growth,) = fit_growth(rows(list(seconds), latency=seconds.get))
    slope = np.polyfit([log2(n) for n in seconds], [log2(s) for s in seconds.values()], 1)[0]
    assert growth.factors == {"latency": pytest.approx(2**slope)}


def test_settings_stand_apart():
    """Models, sizes, batches and precisions each have a growth of their own."""
    axes = [{}, {"model": "other"}, {"size": 256}, {"batch": 8}, {"dtype": "bf16"}]
    together = [{**row, **axis} for axis in axes for row in rows([8, 16], macs=lambda n: n)]
    growths = fit_growth(together)
    assert [(growth.model, growth.setting) for growth in growths] == [
        ("net", "size 224, batch 1, fp32"),
        ("other", "size 224, batch 1, fp32"),
        ("net", "size 256, batch 1, fp32"),
        ("net", "size 224, batch 8, fp32"),
        ("net", "size 224, batch 1, bf16"),
    ]
    assert {growth.factors["macs"] for growth in growths} == {2.0}


def test_one_clip():
    """One frame count, however often measured, tells nothing."""
    assert fit_growth(rows([8, 8], macs=lambda n: n, latency=lambda n: n)) == []
    assert fit_growth([]) == []


def test_unmeasured_clips():
    """Each metric's growth is told of the clips it is known for: memory may run out before the longest."""
    measured = rows([8, 16, 64], macs=lambda n: n, latency=lambda n: n / 100 if n < 64 else None)
    assert fit_growth(measured) == [
        Growth("net", "size 224, batch 1, fp32", 8, 64, {"macs": pytest.approx(2)}),
        Growth("net", "size 224, batch 1, fp32", 8, 16, {"latency": pytest.approx(2)}),
    ]
    assert fit_growth(rows([8, 16], latency=lambda n: n if n == 8 else None)) == []
