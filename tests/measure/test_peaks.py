"""Peaks are what a product and a copy took, here and now."""

import pytest
import torch

from vidbench.measure.peaks import measure_peaks

CPU = torch.device("cpu")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes that are not worth measuring, but quick."""
    monkeypatch.setattr("vidbench.measure.peaks.LARGEST", 512)
    monkeypatch.setattr("vidbench.measure.peaks.COPIED", {"cpu": 2**20})


@pytest.mark.parametrize(("dtype", "number"), [("fp32", "float32"), ("bf16", "bfloat16"), ("amp", "bfloat16")])
def test_measured(small: None, dtype: str, number: str):
    """They are measured in the precision asked for, with the threads that torch has, and say so."""
    peaks = measure_peaks(CPU, dtype)
    assert not peaks.estimate
    assert peaks.macs_per_second > 0
    assert peaks.bytes_per_second > 0
    assert peaks.method.startswith(f"measured: matrix products of {number}, the fastest of ")
    assert peaks.method.endswith(f"calls of each, {torch.get_num_threads()} threads")
    assert "CPUs" in peaks.name


def test_figures(small: None, monkeypatch: pytest.MonkeyPatch):
    """By a clock on which every call takes 10 ms: n³ MACs of the largest product, bytes read and bytes written."""
    monkeypatch.setattr("vidbench.measure.peaks.time_calls", lambda _workload, calls: 0.01 * calls)
    peaks = measure_peaks(CPU, "fp32")
    assert peaks.macs_per_second == pytest.approx(512**3 / 0.01)
    assert peaks.bytes_per_second == pytest.approx(2 * 2**20 / 0.01)
    assert "the fastest of 512 x 512, and a copy of 1 MiB" in peaks.method


def test_slow_products(small: None, monkeypatch: pytest.MonkeyPatch):
    """Matrices whose product would take too long at twice the side are not made larger."""
    monkeypatch.setattr("vidbench.measure.peaks.time_calls", lambda _workload, calls: 1.0 * calls)
    assert "the fastest of 256 x 256" in measure_peaks(CPU, "fp32").method
