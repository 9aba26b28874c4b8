"""Counters run in processes of their own; whatever happens there is told, and the measuring goes on."""

from functools import partial

import pytest
import torch
from examples import case, macs, record
from nets import Chain, Ends, Fails

import vidbench
from vidbench.errors import CountError, InputError
from vidbench.records import Clip, CrossCheck
from vidbench.run import crosscheck
from vidbench.run.crosscheck import CrossChecks, ask_in_process

CLIP = Clip(frames=4, size=8)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def prepare(net):
    return partial(crosscheck._prepare, case(model="Own", device="cpu", frames=4, size=8), net)


def test_module():
    """A user's module, printing and all, is counted by both; what is not explained is a caveat of its MACs."""
    (found,) = vidbench.profile(Chain(), CLIP, device="cpu", metrics=["macs"], cross_check=True)
    measured = found.measurement("macs")
    fvcore, ptflops = (CrossCheck(**check) for check in measured.details["cross_check"])
    assert (fvcore.counter, fvcore.difference, fvcore.unexplained) == ("fvcore", -97, {"einsum": -97})
    assert (ptflops.counter, ptflops.difference, ptflops.failure) == ("ptflops", 0, None)
    assert measured.caveats == ("fvcore differs without explanation: -0.097 k in einsum",)


def test_failing_net():
    """What a net raises there is the check's failure."""
    check = ask_in_process("ptflops", prepare(Fails()))
    assert check == CrossCheck(counter="ptflops", failure="failed: ArithmeticError: no way to do this")


def test_crash():
    """A process that ends without an answer is told by how it ended."""
    check = ask_in_process("fvcore", prepare(Ends()))
    assert check == CrossCheck(counter="fvcore", failure="failed: its process ended with 7 (no message)")


def test_time_limit():
    """A counter that takes too long is stopped."""
    assert ask_in_process("fvcore", prepare(Fails()), limit=0.1).failure == "failed: it took over 0.1 s"


def test_unsendable():
    """A module that cannot be pickled never gets there."""
    net = torch.nn.Linear(1, 1)
    net.extra = lambda: None
    failure = ask_in_process("fvcore", prepare(net)).failure
    assert failure.startswith("failed: the net cannot be sent to a process of its own (")


def test_meta_module():
    """A user's module without weights cannot be computed with, and says so."""
    with pytest.raises(CountError, match="has weights"):
        prepare(torch.nn.Linear(1, 1, device="meta"))()


def test_precision():
    """A user's module is counted in fp32, for which every operator has a form on the CPU."""
    net, clip = prepare(torch.nn.Linear(1, 1, dtype=torch.float16))()
    assert (net.weight.dtype, clip.dtype, clip.shape) == (torch.float32, torch.float32, (1, 3, 4, 8, 8))


class TestCases:
    @pytest.fixture
    def asked(self, monkeypatch):
        """Counters that only note that they were asked."""
        asked = []

        def note(counter, task, limit):
            asked.append(counter)
            return CrossCheck(counter=counter, version="1", macs=12, ours=10, beside={"bias": 2})

        monkeypatch.setattr(crosscheck, "ask_in_process", note)
        return asked

    def test_once_a_clip(self, asked):
        """Batches and precisions of one net and clip share a check; another clip does not."""
        checks = CrossChecks()
        settings = ({}, {"batch": 8}, {"dtype": "bf16"}, {"frames": 4})
        found = [checks.add_to(record(macs(10), **setting)) for setting in settings]
        assert asked == ["fvcore", "ptflops"] * 2
        assert all(one.measurement("macs").details["cross_check"][0]["beside"] == {"bias": 2} for one in found)
        assert not any(one.measurement("macs").caveats for one in found)

    @pytest.mark.usefixtures("asked")
    def test_other_count(self):
        """Where our own count on the CPU is another than the record's, that is a caveat."""
        found = CrossChecks().add_to(record(macs(11)))
        assert found.measurement("macs").caveats == ("counted on the CPU it has 10 MACs",)

    def test_adaptive(self, asked):
        """Of a net whose work depends on the clip nothing is compared, and that is said."""
        found = CrossChecks().add_to(record(macs(), model="slowfast-8x8-r50-atfr"))
        reasons = [check["failure"] for check in found.measurement("macs").details["cross_check"]]
        assert reasons == ["was not asked: work depends on the clip"] * 2
        assert asked == []

    def test_nothing_counted(self, asked):
        """A case that failed before it was counted stays as it is."""
        failed = record()
        assert CrossChecks().add_to(failed) is failed
        assert asked == []


def test_without_macs():
    """A cross-check has to have something to check."""
    with pytest.raises(InputError, match="take macs"):
        vidbench.profile("x3d-xs", device="meta", metrics=["params"], cross_check=True)
