"""A count says where its figures come from, and leaves the net that it ran as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from nets import Calls
from torch import nn
from torch.nn.modules import module as hooks
from torch.utils._python_dispatch import _get_current_dispatch_mode
from torch.utils.checkpoint import checkpoint

import vidbench
from vidbench import Clip, count
from vidbench.clips import load_clip
from vidbench.errors import CountError


class Branched(nn.Module):
    """Containers, a layer of two names, and work of the net's own."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.steps = nn.ModuleList([nn.Linear(8, 8), nn.Sequential(nn.ReLU(), nn.Linear(8, 2))])
        self.named = nn.ModuleDict({"gate": nn.Linear(4, 4)})
        self.again = self.first
        self.unused = nn.Linear(100, 100)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.named["gate"](x)
        x = self.first(x) + self.again(x)
        for step in self.steps:
            x = step(x)
        return x @ x.T


BRANCHED = {
    "first": 2 * 3 * 4 * 8,
    "steps.0": 3 * 8 * 8,
    "steps.1.1": 3 * 8 * 2,
    "named.gate": 3 * 4 * 4,
    "own": 3 * 2 * 3,
}


class TestAttribution:
    @pytest.mark.parametrize("device", ["cpu", "meta"])
    def test_forward(self, device: str):
        """Work lands on the module that does it and on all that hold it; a module of two names stands under one."""
        with torch.device(device):
            counted = count(Branched(), torch.ones(3, 4))
        assert counted.by_module == {
            "": sum(BRANCHED.values()),
            "first": BRANCHED["first"],
            "steps": BRANCHED["steps.0"] + BRANCHED["steps.1.1"],
            "steps.0": BRANCHED["steps.0"],
            "steps.1": BRANCHED["steps.1.1"],
            "steps.1.0": 0,
            "steps.1.1": BRANCHED["steps.1.1"],
            "named": BRANCHED["named.gate"],
            "named.gate": BRANCHED["named.gate"],
            "unused": 0,
        }

    @pytest.mark.parametrize("device", ["cpu", "meta"])
    def test_backward(self, device: str):
        """The backward pass of a module's work lands on it: twice its forward, once where its inputs ask for none."""
        with torch.device(device):
            counted = count(Branched(), torch.ones(3, 4), train=True)
        by_module = counted.by_module
        assert by_module["named.gate"] == 2 * BRANCHED["named.gate"]
        assert by_module["first"] == 3 * BRANCHED["first"]
        assert by_module["steps"] == 3 * (BRANCHED["steps.0"] + BRANCHED["steps.1.1"])
        assert by_module["unused"] == 0
        assert by_module[""] == by_module["named"] + by_module["first"] + by_module["steps"] + 3 * BRANCHED["own"]

    @pytest.mark.parametrize("train", [False, True])
    def test_whole(self, train: bool):
        """The whole model has all MACs, and the operators' add up to them, the greatest first."""
        with torch.device("meta"):
            net = vidbench.build("x3d-xs")
        counted = count(net, Clip(frames=2, size=32), train=train)
        shares = list(counted.by_operator.values())
        assert counted.by_module[""] == counted.macs == sum(shares) > 0
        assert shares == sorted(shares, reverse=True)

    def test_work_done_again_under_a_checkpoint(self):
        """What a checkpoint does a second time, during the backward pass, lands on the module that does it."""
        net = Calls(lambda a, b, x: checkpoint(nn.Sequential(a, b), x, use_reentrant=False), *Branched().steps)
        x = torch.ones(3, 8)
        counted = count(net, x, train=True).by_module
        assert counted["parts.0"] == (2 + 1) * 3 * 8 * 8
        assert counted["parts.1"] == 3 * 3 * 8 * 2

    def test_failure_that_the_net_survives(self):
        """A module that raises takes none of the work that comes after it."""

        def fall_back(net: nn.Module, other: nn.Module, x: torch.Tensor) -> torch.Tensor:
            try:
                return net(x)
            except ValueError:
                return other(x)

        def fail(x: torch.Tensor) -> torch.Tensor:
            raise ValueError

        counted = count(Calls(fall_back, Calls(fail), nn.Linear(4, 5)), torch.ones(3, 4))
        assert (counted.by_module["parts.0"], counted.by_module["parts.1"]) == (0, 3 * 4 * 5)

    def test_parameters(self):
        """Parameters are counted by their elements, one that is shared once."""
        assert count(Branched(), torch.ones(3, 4)).params == 5 * 8 + 9 * 8 + 9 * 2 + 5 * 4 + 101 * 100


@pytest.mark.parametrize("train", [False, True])
def test_mode(train: bool):
    """Training is counted in training mode, a forward pass in the mode that the net is in."""
    net = Calls(lambda inner, x: inner(x) if inner.training else inner(inner(x)), nn.Linear(4, 4)).eval()
    assert count(net, torch.ones(3, 4), train=train).macs == 2 * 3 * 4 * 4
    assert count(net.train(), torch.ones(3, 4)).macs == 3 * 4 * 4


@pytest.mark.parametrize("train", [False, True])
def test_activations(train: bool):
    """Activations are what contractions put out on the way forward; gradients and other outputs are none."""
    net = nn.Sequential(nn.Conv3d(3, 8, 3, padding=1), nn.BatchNorm3d(8), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))
    assert count(net, torch.ones(2, 3, 4, 4, 4), train=train).activations == 2 * (8 * 4 * 4 * 4 + 10)


@torch.library.custom_op("vidbench_tests::mul", mutates_args=())
def contract(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """A contraction that torch knows nothing of; its name is that of an operator that contracts nothing."""
    return torch.from_numpy(a.numpy() @ b.numpy())


@contract.register_fake
def _(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return a.new_empty(a.shape[0], b.shape[1])


class TestUncounted:
    def test_calls(self):
        """Every operator that ran is listed: contractions with their MACs, all others with their calls."""
        net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.ReLU(), nn.Softmax(-1))
        counted = count(net, torch.ones(3, 4))
        assert counted.by_operator == {"aten.addmm": 3 * 4 * 4}
        assert counted.uncounted == {"aten.relu": 2, "aten.t": 1, "aten._softmax": 1}
        assert counted.unknown == ()

    @pytest.mark.parametrize("device", ["cpu", "meta"])
    def test_custom_operator(self, device: str):
        """An operator that nothing is known of adds nothing, and is named so that nobody takes the count for whole."""
        with torch.device(device):
            net = Calls(lambda layer, x: contract(layer(x).relu(), x.T), nn.Linear(4, 4))
            counted = count(net, torch.ones(3, 4))
        assert counted.macs == 3 * 4 * 4
        assert counted.unknown == ("vidbench_tests.mul",)
        assert counted.uncounted["vidbench_tests.mul"] == 1


def fragile(*, raises: bool) -> nn.Module:
    """A net with all that a pass can change, which fails at its end if it is to."""

    def finish(x: torch.Tensor) -> torch.Tensor:
        if raises:
            raise ZeroDivisionError
        return x

    net = nn.Sequential(
        nn.Conv3d(3, 8, 3),
        nn.BatchNorm3d(8),
        nn.BatchNorm3d(8).eval(),
        nn.utils.parametrizations.spectral_norm(nn.Conv3d(8, 8, 1)),
        nn.Dropout(0.5),
        Calls(finish),
    )
    net[0].bias.requires_grad_(requires_grad=False)
    net[1].weight.grad = torch.full((8,), 7.0)
    net[4].register_forward_hook(lambda _module, _inputs, output: output * 2)
    return net


@contextmanager
def unchanged(net: nn.Module) -> Iterator[None]:
    """Fail if what is in here changes the net, or torch itself."""

    def settings() -> list[Any]:
        return [
            [(name, module.training) for name, module in net.named_modules()],
            [list(module._forward_hooks.items()) for module in net.modules()],
            [list(module._forward_pre_hooks) + list(module._backward_hooks) for module in net.modules()],
            [list(getattr(hooks, name)) for name in vars(hooks) if name.startswith("_global_") and "hooks" in name],
            [(id(p), p.requires_grad, id(p.grad)) for p in net.parameters()],
            [(name, id(buffer)) for name, buffer in net.named_buffers()],
            torch.backends.mha.get_fastpath_enabled(),
            torch.is_grad_enabled(),
            _get_current_dispatch_mode(),
        ]

    def tensors() -> dict[str, torch.Tensor]:
        gradients = {f"{name}.grad": p.grad for name, p in net.named_parameters() if p.grad is not None}
        return {**net.state_dict(), **gradients, "random": torch.get_rng_state()}

    before, kept = settings(), {name: tensor.clone() for name, tensor in tensors().items()}
    yield
    assert settings() == before
    assert list(tensors()) == list(kept)
    assert [name for name, tensor in tensors().items() if not torch.equal(tensor, kept[name])] == []


class TestUntouched:
    @pytest.mark.parametrize("train", [False, True])
    def test_after_a_count(self, train: bool):
        """A count leaves weights, statistics, modes, hooks, gradients and random numbers as they were."""
        net, x = fragile(raises=False), torch.ones(2, 3, 4, 4, 4)
        with unchanged(net):
            counted = count(net, x, train=train)
        assert counted.macs > 0
        net(x)
        with pytest.raises(AssertionError), unchanged(net):
            net(x)

    @pytest.mark.parametrize("train", [False, True])
    def test_after_a_failure(self, train: bool):
        """A net whose forward raises is left as it was, too, and its own exception comes through."""
        net = fragile(raises=True)
        with pytest.raises(ZeroDivisionError), unchanged(net):
            count(net, torch.ones(2, 3, 4, 4, 4), train=train)

    @pytest.mark.parametrize("enabled", [False, True])
    def test_switch_of_the_fast_path(self, enabled: bool):
        """The switch that counting attention turns off is put back as it stood."""
        before = torch.backends.mha.get_fastpath_enabled()
        try:
            torch.backends.mha.set_fastpath_enabled(enabled)
            count(nn.MultiheadAttention(8, 2).eval(), *[torch.ones(3, 1, 8)] * 3)
            assert torch.backends.mha.get_fastpath_enabled() is enabled
        finally:
            torch.backends.mha.set_fastpath_enabled(before)

    def test_foreign_global_hooks(self):
        """Hooks that someone else has put on all modules stay, and run."""
        seen = []
        hook = hooks.register_module_forward_hook(lambda module, _inputs, _output: seen.append(type(module)))
        net = nn.Sequential(nn.Linear(2, 2))
        try:
            with unchanged(net):
                count(net, torch.ones(1, 2))
        finally:
            hook.remove()
        assert seen == [nn.Linear, nn.Sequential]

    def test_buffers_made_on_the_way(self):
        """Buffers that a pass replaces, fills or registers do not stay."""

        class Remembers(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.register_buffer("calls", torch.zeros(1))
                self.register_buffer("last", None)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                self.calls = self.calls + 1
                self.last = x
                self.register_buffer("mask", x > 0, persistent=False)
                return x @ x

        net = Remembers()
        with unchanged(net):
            assert count(net, torch.ones(3, 3)).macs == 27
        assert net.last is None

    def test_same_count_again(self):
        """A count does not depend on the counts before it."""
        net, x = fragile(raises=False), torch.ones(2, 3, 4, 4, 4)
        assert count(net, x) == count(net, x)


class TestInputs:
    def test_emptied_list(self):
        """A net that empties its list gets one of its own, and the gradients of what stood there are counted."""
        xs = [torch.ones(3, 4, requires_grad=True), torch.ones(3, 4)]
        net = Calls(lambda a, b, xs: a(xs.pop(0)) + b(xs.pop(0)), nn.Linear(4, 5), nn.Linear(4, 5))
        assert count(net, xs, train=True).macs == (3 + 2) * 3 * 4 * 5
        assert len(xs) == 2

    def test_overwritten_list(self):
        """A net that writes its features into its list leaves the caller's inputs alone."""
        x = torch.ones(3, 4)
        xs = [x]

        def overwrite(layer: nn.Module, xs: list[torch.Tensor]) -> torch.Tensor:
            xs[0] = layer(xs[0])
            return xs[0]

        assert count(Calls(overwrite, nn.Linear(4, 5)), xs).macs == 3 * 4 * 5
        assert xs[0] is x

    @pytest.mark.parametrize("device", ["cpu", "meta"])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
    def test_clip(self, device: str, dtype: torch.dtype):
        """A Clip stands for one clip of its shape, on the net's device and in its precision."""
        net = nn.Conv3d(3, 4, 3, padding=1, device=device, dtype=dtype)
        counted = count(net, Clip(frames=5, size=6))
        assert counted == count(net, load_clip(Clip(frames=5, size=6), device=device).to(dtype))
        assert counted.macs == 5 * 6 * 6 * 4 * 3 * 27

    def test_several(self):
        """Inputs are handed over as they are, numbers too."""
        net = Calls(lambda a, b, times: a @ b * times)
        assert count(net, torch.ones(3, 4), torch.ones(4, 5), 2).macs == 3 * 4 * 5

    def test_inference_tensors(self):
        """A net of inference tensors, whose operators reach the counter whole, counts the same."""
        with torch.inference_mode():
            net, x = nn.Sequential(nn.Conv3d(3, 4, 3), nn.Flatten(), nn.Linear(32, 5)), torch.ones(1, 3, 4, 4, 4)
            inside = count(net, x)
        assert (
            inside.by_operator == count(net, x).by_operator == {"aten.convolution": 8 * 4 * 3 * 27, "aten.addmm": 160}
        )


class TestRefusals:
    @pytest.mark.parametrize(
        "work",
        [
            lambda x: x * x.mean().item(),
            lambda x: x if x.sum() > 0 else -x,
            lambda x: x[x > 0],
            lambda x: x * len(x.tolist()),
            lambda x: torch.from_numpy(x.numpy()),
        ],
        ids=["item", "branch", "mask", "list", "numpy"],
    )
    @pytest.mark.parametrize("parts", [(), (nn.Linear(2, 2, device="meta"),)], ids=["no-weights", "weights"])
    def test_values_on_meta(self, work, parts: tuple[nn.Module, ...]):
        """Work that needs values is refused on meta tensors, with what torch said and what to do."""
        net = Calls(lambda *args: work(args[-1]), *parts)
        with pytest.raises(CountError, match=r"Calls cannot be counted on meta tensors \(.+\).*on a real device"):
            count(net, torch.ones(3, 4, device="meta"))

    def test_failure_on_a_real_device(self):
        """On a real device a net's own error comes through."""
        with pytest.raises(RuntimeError, match="mat1 and mat2"):
            count(nn.Linear(3, 4), torch.ones(2, 5))

    def test_nothing_to_train(self):
        """A net without a gradient has no training pass to count."""
        with pytest.raises(CountError, match="Linear has no backward pass"):
            count(nn.Linear(3, 4).requires_grad_(requires_grad=False), torch.ones(2, 3), train=True)
