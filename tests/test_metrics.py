"""Which figures there are, and which of them a device can give."""

import pytest

from vidbench.errors import InputError
from vidbench.metrics import ENERGY, MACS_CONVENTION, METRICS, ON_REQUEST, STAGES, select_metrics

EXACT = ("params", "macs", "macs_bounds", "activations", "weight_memory", "predicted_memory")


def test_table():
    """Every metric stands under its own name, and only base units occur."""
    assert all(name == metric.name for name, metric in METRICS.items())
    assert {metric.unit for metric in METRICS.values()} <= {
        *("parameters", "MACs", "elements", "bytes", "seconds", "clips/s", "frames", "joules", "watts", "share"),
        *("relative", "compilations"),
    }


def test_convention():
    """The convention that every export carries says what a MAC is and what a FLOP is."""
    assert "one multiply-accumulate of a contraction" in MACS_CONVENTION
    assert "FLOPs = 2 x MACs" in MACS_CONVENTION


class TestSelection:
    @pytest.mark.parametrize(
        ("device", "expected"),
        [
            ("cuda", tuple(name for name in METRICS if name not in ON_REQUEST)),
            ("cpu", tuple(name for name in METRICS if name not in (*ON_REQUEST, "reserved_memory"))),
            ("meta", EXACT),
        ],
    )
    def test_all_that_a_device_can_give(self, device: str, expected: tuple[str, ...]):
        """Where none is asked for by name it is all that there can be: on meta the counted ones."""
        assert select_metrics(None, device) == expected

    def test_on_request(self):
        """Energy and stages are never taken by default: by name, or beside what is."""
        assert set(ENERGY) == {"energy", "idle_power", "utilization"}
        assert {"stage_decode", "stage_model", "stage_end_to_end", "stage_overlapped"} < set(STAGES)
        assert select_metrics(["energy", "macs"], "cpu") == ("macs", "energy")
        assert select_metrics(["macs"], "cuda", ["energy"]) == ("macs", "energy")
        usual = select_metrics(None, "cpu")
        assert select_metrics(None, "cpu", STAGES) == (*usual, *STAGES)

    def test_order(self):
        """Those asked for come in the table's order, each once."""
        assert select_metrics(["latency", "params", "latency"], "cpu") == ("params", "latency")
        assert select_metrics([], "cpu") == ()

    def test_unknown(self):
        """A wrong name is answered with the right ones."""
        with pytest.raises(InputError, match="unknown metric 'flops'; there are params, macs, "):
            select_metrics(["macs", "flops"], "cpu")

    @pytest.mark.parametrize(
        ("name", "device", "needs"),
        [
            ("reserved_memory", "cpu", "a CUDA device"),
            ("latency", "meta", "a device that computes"),
            ("peak_memory", "meta", "a device that computes"),
            ("energy", "meta", "a device that computes"),
        ],
    )
    def test_impossible(self, name: str, device: str, needs: str):
        """What a device cannot give is refused with what it needs."""
        with pytest.raises(InputError, match=f"{name} cannot be taken on {device}; it needs {needs}"):
            select_metrics([name], device)
        with pytest.raises(InputError, match=f"{name} cannot be taken on {device}"):
            select_metrics(None, device, [name])
