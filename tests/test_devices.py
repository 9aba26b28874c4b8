"""Datasheet figures are found by many names, marked as printed, and give lower bounds."""

import pytest

from vidbench.devices import LAUNCH_SECONDS, devices, estimate_call, estimate_peaks, find_device
from vidbench.errors import InputError


class TestTable:
    @pytest.mark.parametrize("name", devices())
    def test_figures(self, name: str):
        """Narrower numbers are no slower, bf16 is as fast as fp16, and the source is named."""
        device = devices()[name]
        peaks = [device.tflops[dtype] for dtype in ("fp32", "tf32", "fp16") if dtype in device.tflops]
        assert peaks == sorted(peaks)
        assert device.tflops.get("bf16", peaks[-1]) == peaks[-1]
        assert set(device.tflops) <= {"fp32", "tf32", "fp16", "bf16"}
        assert "NVIDIA" in device.source
        assert 16 <= device.memory <= 200
        assert 300 <= device.bandwidth <= 8000

    def test_aliases(self):
        """No name stands for two GPUs."""
        names = [name for device in devices().values() for name in (device.name, *device.aliases)]
        assert len(names) == len(set(names))


class TestNames:
    @pytest.mark.parametrize(
        ("name", "found"),
        [
            ("a100", "a100-80gb"),
            ("A100 PCIe", "a100-80gb-pcie"),
            ("NVIDIA A100-SXM4-40GB", "a100-40gb"),
            ("NVIDIA H100 80GB HBM3", "h100-sxm"),
            ("NVIDIA H100 PCIe", "h100-pcie"),
            ("NVIDIA H200", "h200"),
            ("Tesla V100-SXM2-16GB", "v100-sxm"),
            ("Tesla T4", "t4"),
            ("NVIDIA GeForce RTX 4090", "rtx-4090"),
            ("rtx_a6000", "rtx-a6000"),
            ("NVIDIA RTX 6000 Ada Generation", "rtx-6000-ada"),
        ],
    )
    def test_found(self, name: str, found: str):
        """By short names, by spellings of them, and as torch names the GPU."""
        assert find_device(name).name == found

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("h10", "no datasheet figures are known for 'h10'; did you mean h100"),
            ("abacus", "no datasheet figures are known for 'abacus'; there are v100-sxm, .*, rtx-5090"),
        ],
    )
    def test_unknown(self, name: str, message: str):
        """A name that is not known is answered with the nearest, or all."""
        with pytest.raises(InputError, match=message):
            find_device(name)


class TestEstimates:
    def test_peaks(self):
        """A MAC is two FLOPs; what is printed is marked as such, with its source."""
        peaks = estimate_peaks("a100", "bf16")
        assert (peaks.name, peaks.macs_per_second, peaks.bytes_per_second) == ("a100-80gb", 156e12, 2039e9)
        assert peaks.estimate
        assert peaks.method == (
            "printed, not measured: dense bf16 peak and memory bandwidth from NVIDIA A100 Tensor Core GPU datasheet"
        )
        assert estimate_peaks("a100", "amp") == peaks
        assert estimate_peaks("a100", "fp32").macs_per_second == 9.75e12

    def test_precision_that_it_lacks(self):
        """A precision without a figure is refused with those that have one."""
        with pytest.raises(InputError, match="no tf32 figure is known for v100-sxm; there are fp32, fp16"):
            estimate_peaks("v100", "tf32")
        with pytest.raises(InputError, match="no bf16 figure is known for t4"):
            estimate_peaks("t4", "amp")

    @pytest.mark.parametrize(
        ("macs", "size", "seconds", "bound"),
        [
            (156 * 10**9, 10**6, 1e-3, "compute"),
            (10**6, 2039 * 10**6, 1e-3, "memory"),
            (10**6, 10**6, LAUNCH_SECONDS, "launch"),
        ],
    )
    def test_call(self, macs: int, size: int, seconds: float, bound: str):
        """The slowest of arithmetic, memory and launch says how long an operator takes at least."""
        estimate = estimate_call(estimate_peaks("a100", "bf16"), macs=macs, bytes=size)
        assert estimate.seconds == pytest.approx(seconds)
        assert estimate.bound == bound

    def test_view(self):
        """What moves nothing launches nothing."""
        assert estimate_call(estimate_peaks("a100", "bf16"), macs=0, bytes=0).seconds == 0

    def test_launch(self):
        """A host's own cost of a launch can be given."""
        assert estimate_call(estimate_peaks("a100", "bf16"), macs=1, bytes=1, launch=3e-6).seconds == 3e-6
