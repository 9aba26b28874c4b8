"""Every second of a profiled call is with a counted call, with an operator that none stands for, or outside."""

import gzip
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from nets import Calls
from torch import nn
from torch.nn.modules import module as hooks

import vidbench
from vidbench.catalog import find_variant
from vidbench.counting import Call, count
from vidbench.errors import InputError
from vidbench.measure import Workload
from vidbench.measure.operators import OperatorTimes, time_operators


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No warm-up by the clock, and no threads that wait for each other on a busy machine."""
    for limit in ("WARM_UP_SECONDS", "WARM_UP_LIMIT"):
        monkeypatch.setattr(f"vidbench.measure.sampling.{limit}", 0)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def timed(net: nn.Module, x: torch.Tensor, **how: Any) -> tuple[tuple[Call, ...], OperatorTimes]:
    calls = count(net.eval(), x).calls
    return calls, time_operators(Workload(net, x, torch.device("cpu")), calls, **{"profiled_calls": 1, **how})


def parts(times: OperatorTimes) -> list[float]:
    return [*times.seconds, *(loose.seconds for loose in times.loose), times.outside]


@torch.library.custom_op("vidbench_tests::sleep", mutates_args=())
def sleep(x: torch.Tensor) -> torch.Tensor:
    """An operator that torch knows nothing of, which takes long."""
    time.sleep(0.02)
    return x.clone()


@sleep.register_fake
def _(x: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(x)


class Shared(nn.Module):
    """One layer under two names, called three times, and one that is no part of the net."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self.again = nn.Linear(16, 16)
        self.__dict__["hidden"] = nn.Linear(16, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.hidden(self.first(self.again(self.first(x)).relu_()))


class Failing(nn.Module):
    """Raises in its call of that number."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.left = number

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.left -= 1
        if not self.left:
            raise ZeroDivisionError
        return x + x


def conv_net() -> nn.Module:
    return nn.Sequential(nn.Conv3d(3, 8, 3), nn.BatchNorm3d(8), nn.ReLU(inplace=True), nn.Flatten(1), nn.Linear(576, 4))


CLIP = torch.ones(2, 3, 4, 8, 8)
TOKENS = torch.ones(2, 6, 16)


class TestSums:
    @pytest.mark.parametrize("profiled", [1, 3])
    def test_nothing_is_lost(self, profiled: int):
        """Calls, what no call stands for and what is outside of operators add up to the call, to the last bit."""
        calls, times = timed(conv_net(), CLIP, profiled_calls=profiled)
        assert len(times.seconds) == len(calls)
        assert math.fsum(parts(times)) == times.total
        assert min(parts(times)) >= 0
        assert times.busy == pytest.approx(times.total - times.outside)
        assert times.overhead > 0
        assert f"median of {profiled} calls" in times.method

    def test_one_event_is_not_counted_twice(self):
        """All operators together take no longer than the call, however deep they are nested."""
        _, times = timed(nn.Sequential(*[nn.Conv3d(3, 3, 3, padding=1) for _ in range(8)]), CLIP)
        assert sum(times.seconds) < times.total

    def test_calls(self):
        """As many calls with the profiler as without, after the warm-up calls, all in inference mode."""
        made = []
        net = Calls(lambda x: made.append(torch.is_inference_mode_enabled()) or x + x)
        calls = count(net, TOKENS).calls
        made.clear()
        time_operators(Workload(net, TOKENS, torch.device("cpu")), calls, profiled_calls=3)
        assert made == [True] * (2 + 2 * 3)


class TestShares:
    def test_operator_that_no_flop_count_sees(self):
        """An operator of the user's that takes long has nearly all of the time."""
        calls, times = timed(Calls(lambda layer, x: sleep(layer(x)) + 1, nn.Linear(16, 16)), TOKENS)
        seconds = dict(zip([call.operator for call in calls], times.seconds, strict=True))
        assert seconds["vidbench_tests.sleep"] > 0.9 * times.total
        assert 0 < seconds["aten.addmm"] < 0.1 * times.total

    def test_each_to_its_own(self):
        """Of layers of one kind that with the most work takes the longest."""
        widths = (16, 512, 16)
        net = nn.Sequential(*[nn.Sequential(nn.Linear(256, width), nn.Linear(width, 256)) for width in widths])
        calls, times = timed(net, torch.ones(512, 256), profiled_calls=3)
        longest = max(zip(calls, times.seconds, strict=True), key=lambda pair: pair[1])[0]
        assert longest.module.startswith("1.")

    def test_python_is_outside(self):
        """Time that the net spends in no operator is outside."""
        _, times = timed(Calls(lambda x: time.sleep(0.02) or x + x), TOKENS)
        assert times.outside > 0.9 * times.total


NETS: dict[str, tuple[Callable[[], nn.Module], torch.Tensor]] = {
    "convolution": (conv_net, CLIP),
    "shared": (Shared, TOKENS),
    "lstm": (lambda: Calls(lambda rnn, x: rnn(x)[0], nn.LSTM(16, 16, 2)), TOKENS),
    "gru": (lambda: Calls(lambda rnn, x: rnn(x)[0], nn.GRU(16, 16, bidirectional=True)), TOKENS),
    "attention": (lambda: Calls(lambda x: F.scaled_dot_product_attention(x, x, x)), TOKENS[:, None]),
    "attention-3d": (lambda: Calls(lambda x: F.scaled_dot_product_attention(x, x, x)), TOKENS),
    "encoder": (lambda: nn.TransformerEncoderLayer(16, 2, 32), TOKENS),  # batch second: no fast path
    "einsum": (lambda: Calls(lambda x: torch.einsum("bij,bkj->bik", x, x)), TOKENS),
    "weight-norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(16, 16)), TOKENS),
    "norms": (lambda: nn.Sequential(nn.LayerNorm(16), nn.GroupNorm(2, 6), nn.InstanceNorm1d(6)), TOKENS),
    "trilinear": (lambda: nn.Upsample(scale_factor=2, mode="trilinear"), CLIP),
    "shapes": (
        lambda: Calls(lambda x: [x.mT.reshape(-1, 6), x.transpose(0, 1).contiguous(), torch.roll(x, 1, 1), x.half()]),
        TOKENS,
    ),
    "custom": (lambda: Calls(sleep), TOKENS),
}


class TestMatching:
    @pytest.mark.parametrize("name", NETS)
    def test_operators(self, name: str):
        """Each counted call is met, though it is counted in another mode than it runs in, and nothing else is."""
        build, x = NETS[name]
        calls, times = timed(build(), x)
        assert times.missing == ()
        assert times.loose == ()
        assert all(seconds > 0 for call, seconds in zip(calls, times.seconds, strict=True) if call.macs)

    @pytest.mark.parametrize(
        "family", ["atfr-sgs", "blvnet-tam", "csn", "slowfast", "tada2d", "tadaconvnextv2", "tea", "vov3d", "x3d"]
    )
    def test_zoo(self, family: str):
        """Each counted call of the built-in nets is met, and nothing else is."""
        variant = find_variant(family)
        frames = next(t for t in range(4, 64) if is_taken(variant.check_frames, t))
        net = vidbench.build(variant.name, frames=frames, size=64)
        calls, times = timed(net, torch.randn(1, 3, frames, 64, 64))
        assert (times.missing, times.loose) == ((), ())
        assert len(times.seconds) == len(calls)
        assert math.fsum(parts(times)) == times.total

    def test_fast_path(self):
        """What torch fuses is timed as it runs: what is still there is met, the rest stands under its module."""
        net = nn.Sequential(nn.TransformerEncoderLayer(64, 2, 1024, batch_first=True))
        calls, times = timed(net, torch.ones(2, 64, 64))
        met = Counter(call.operator for call, seconds in zip(calls, times.seconds, strict=True) if seconds)
        loose = {time.name: time.seconds for time in times.loose}
        assert loose["aten._native_multi_head_attention"] > 0
        assert 0 < loose["aten._transformer_encoder_layer_fwd"] < 0.5 * times.total  # the rest is that of others inside
        assert {time.module for time in times.loose} == {"0"}
        assert met["aten.addmm"] + met["aten.mm"] == 4
        assert met["aten.native_layer_norm"] == 2
        assert math.fsum(parts(times)) == times.total

    def test_another_way(self):
        """Where a net does other work than was counted, the rest of it is met all the same."""
        detour = Calls(lambda x: x.tanh() if detour.taken else x)
        detour.taken = False
        net = nn.Sequential(nn.Linear(16, 16), detour, nn.Linear(16, 16))
        calls = count(net, TOKENS).calls
        detour.taken = True
        times = time_operators(Workload(net, TOKENS, torch.device("cpu")), calls, profiled_calls=1)
        assert times.missing == ()
        assert [(loose.name, loose.module) for loose in times.loose] == [("aten.tanh", "1")]
        detour.taken = False
        calls = (*calls, *count(nn.Sequential(nn.Tanh()), TOKENS).calls)
        times = time_operators(Workload(net, TOKENS, torch.device("cpu")), calls, profiled_calls=1)
        assert times.missing == (len(calls) - 1,)
        assert times.loose == ()

    def test_failure_that_the_net_survives(self):
        """A module that raises takes none of the operators that come after it."""

        def fall_back(failing: nn.Module, layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
            try:
                return failing(x)
            except ZeroDivisionError:
                return layer(x).relu()

        failing = Failing(1)
        net = Calls(fall_back, failing, nn.Linear(16, 16))
        calls = count(net, TOKENS).calls
        failing.left = 4
        times = time_operators(Workload(net, TOKENS, torch.device("cpu")), calls, profiled_calls=1)
        assert (times.missing, times.loose) == ((), ())

    def test_training(self):
        """Of a training step the backward pass is met, too."""
        net = conv_net()
        calls = count(net, CLIP, train=True).calls
        times = time_operators(Workload(net, CLIP, torch.device("cpu"), task="train"), calls, profiled_calls=1)
        assert sum(call.backward and call.macs > 0 for call in calls) == 3
        assert all(seconds > 0 for call, seconds in zip(calls, times.seconds, strict=True) if call.macs)
        assert math.fsum(parts(times)) == times.total
        assert "forward, backward" in times.method

    def test_autocast(self):
        """The casts of autocast, which a count without it does not have, stand under the module that asked for them."""
        net = nn.Sequential(nn.Linear(16, 16))
        calls = count(net, TOKENS).calls
        times = time_operators(Workload(net, TOKENS, torch.device("cpu"), amp=True), calls, profiled_calls=1)
        assert times.missing == ()
        assert [(loose.name, loose.module) for loose in times.loose] == [("aten._to_copy", "0")]


def is_taken(check: Callable[[int], None], frames: int) -> bool:
    try:
        check(frames)
    except InputError:
        return False
    return True


class TestUntouched:
    def registered(self, net: nn.Module) -> list[Any]:
        return [
            [list(getattr(hooks, name)) for name in vars(hooks) if name.startswith("_global_") and "hooks" in name],
            [(list(module._forward_hooks), list(module._forward_pre_hooks)) for module in net.modules()],
            torch.backends.mha.get_fastpath_enabled(),
            torch.is_inference_mode_enabled(),
            torch._C._autograd._profiler_enabled(),
        ]

    def test_after_profiling(self):
        """The net and torch have the hooks that they had, and the net's tensors are the same."""
        net = conv_net()
        net[0].register_forward_hook(lambda _module, _inputs, output: output * 2)
        before, tensors = self.registered(net), {name: t.clone() for name, t in net.state_dict().items()}
        _, times = timed(net, CLIP)
        assert times.missing == ()
        assert self.registered(net) == before
        assert all(torch.equal(t, tensors[name]) for name, t in net.state_dict().items())

    @pytest.mark.parametrize("number", [1, 3, 4], ids=["warm-up", "plain", "profiled"])
    def test_after_a_failure(self, number: int):
        """A net that raises leaves nothing behind, and its own exception comes through."""
        net = nn.Sequential(Failing(number))
        before = self.registered(net)
        with pytest.raises(ZeroDivisionError):
            time_operators(Workload(net, TOKENS, torch.device("cpu")), (), profiled_calls=1)
        assert self.registered(net) == before
        assert timed(conv_net(), CLIP)[1].missing == ()


class TestTrace:
    @pytest.mark.parametrize(("name", "opened"), [("trace.json", Path.open), ("trace.json.gz", gzip.open)])
    def test_file(self, tmp_path: Path, name: str, opened: Callable[..., Any]):
        """A Chrome trace has the operators and the modules around them."""
        timed(conv_net(), CLIP, trace=tmp_path / name)
        with opened(tmp_path / name, "rt") as file:
            names = {event["name"] for event in json.load(file)["traceEvents"]}
        assert {"aten::convolution", "aten::addmm", "module 0", "model Sequential"} <= names

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("trace.txt", r"trace.txt is no name for a Chrome trace; give a file that ends in .json or .json.gz"),
            ("none/trace.json", r"cannot be written: there is no folder .*none; give a file in a folder you can write"),
            (".json", r".json cannot be written: Is a directory"),
        ],
    )
    def test_refusals(self, tmp_path: Path, name: str, message: str):
        """A file that cannot be written is refused before the net runs."""
        (tmp_path / ".json").mkdir()
        workload = Workload(Failing(1), TOKENS, torch.device("cpu"))
        with pytest.raises(InputError, match=message):
            time_operators(workload, (), trace=tmp_path / name)

    def test_refusal_leaves_no_file(self, tmp_path: Path):
        """A net that fails leaves no empty trace."""
        with pytest.raises(ZeroDivisionError):
            time_operators(Workload(Failing(1), TOKENS, torch.device("cpu")), (), trace=tmp_path / "trace.json")
        assert list(tmp_path.iterdir()) == []


def test_quiet(capfd: pytest.CaptureFixture[str], tmp_path: Path):
    """The profiler's native library stays silent."""
    timed(conv_net(), CLIP, trace=tmp_path / "trace.json")
    assert capfd.readouterr().err == ""
