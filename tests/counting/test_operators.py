"""Every call of an operator is logged: where it was, what kind it is, what it moved and put out; users' rules count."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # as all the world does
from nets import Calls
from torch import nn

from vidbench import count
from vidbench.counting import Call, register_rule
from vidbench.counting.contractions import USER_RULES
from vidbench.counting.kinds import KINDS
from vidbench.errors import CountError, InputError

DEVICES = ("cpu", "meta")
CLIP = (1, 16, 4, 6, 6)
BYTES = 4 * 16 * 4 * 6 * 6


def calls(function: Any, *inputs: torch.Tensor, train: bool = False) -> tuple[Call, ...]:
    net = function if isinstance(function, nn.Module) else Calls(function)
    return count(net, *inputs, train=train).calls


def only(kind: str, found: tuple[Call, ...]) -> Call:
    (call,) = [call for call in found if call.kind == kind]
    return call


@pytest.mark.parametrize("device", DEVICES)
class TestCalls:
    def test_order_place_and_shapes(self, device: str):
        with torch.device(device):
            net = nn.Sequential(nn.Conv3d(16, 8, 1, bias=False), nn.BatchNorm3d(8), nn.ReLU()).eval()
            found = [call for call in calls(net, torch.ones(CLIP)) if call.kind != "creation"]
        assert [(call.module, call.kind) for call in found] == [
            ("0", "1x1x1 convolution"),
            ("1", "normalisation"),
            ("2", "elementwise"),
        ]
        assert all(call.shapes[0] == (1, 8, 4, 6, 6) for call in found)
        assert found[0].macs == 16 * 8 * 144
        assert found[0].activations == 8 * 144

    @pytest.mark.parametrize(
        ("settings", "kind", "kernel"),
        [
            ({"kernel_size": 3}, "dense convolution", "3x3x3"),
            ({"kernel_size": (1, 3, 3)}, "dense convolution", "1x3x3"),
            ({"kernel_size": 1}, "1x1x1 convolution", "1x1x1"),
            ({"kernel_size": 3, "groups": 4}, "grouped convolution", "3x3x3"),
            ({"kernel_size": (3, 1, 1), "groups": 16}, "depthwise convolution", "3x1x1"),
        ],
    )
    def test_convolutions(self, device: str, settings: dict[str, Any], kind: str, kernel: str):
        """Forward and backward, a convolution is of the kind of its filters."""
        with torch.device(device):
            found = calls(nn.Conv3d(16, 16, **settings), torch.ones(CLIP), train=True)
        kinds = [(call.kind, call.kernel, call.backward) for call in found if call.macs]
        assert kinds == [(kind, kernel, False), (kind, kernel, True)]

    def test_transposed_convolution(self, device: str):
        with torch.device(device):
            found = calls(nn.ConvTranspose3d(16, 16, 2, groups=16), torch.ones(CLIP))
        assert only("transposed convolution", found).kernel == "2x2x2"

    def test_products(self, device: str):
        """Products with weights are linear layers, however they are written; products of activations are attention."""
        with torch.device(device):
            weight, q = nn.Parameter(torch.ones(2, 8, 8)), torch.ones(2, 4, 8)
            net = nn.Module()
            net.register_parameter("weight", weight)
            net.forward = lambda q: torch.bmm(torch.bmm(q, weight), q.transpose(1, 2))  # type: ignore[method-assign]
            found = calls(net, q)
            fused = calls(F.scaled_dot_product_attention, *(torch.ones(1, 2, 4, 8) for _ in range(3)))
        assert [call.kind for call in found if call.macs] == ["linear", "attention"]
        assert [(call.kind, call.operator) for call in fused if call.macs] == [
            ("attention", "aten._scaled_dot_product_flash_attention_for_cpu")
        ]

    def test_every_kind_is_known(self, device: str):
        with torch.device(device):
            found = calls(lambda x: x.clone().flip(1).mean(2).topk(2)[0].view(-1), torch.ones(CLIP))
        assert {call.kind for call in found} <= set(KINDS)


@pytest.mark.parametrize("device", DEVICES)
class TestBytes:
    @pytest.mark.parametrize(
        ("function", "read", "written"),
        [
            (lambda x: x + x, 2 * BYTES, BYTES),
            (lambda x: x.add_(1), BYTES, BYTES),
            (lambda x: x.clone(), BYTES, BYTES),
            (lambda x: x.zero_(), 0, BYTES),
            (lambda x: torch.empty_like(x).copy_(x), BYTES, BYTES),
            (lambda x: torch.cat([x, x], 1), 2 * BYTES, 2 * BYTES),
            (lambda x: x.flatten(), 0, 0),
            (lambda x: x.new_ones(1).expand(CLIP).clone(), 4, 4 + BYTES),
            (lambda x: x.half(), BYTES, BYTES // 2),
        ],
    )
    def test_moved(self, device: str, function: Any, read: int, written: int):
        """Each tensor is read or written once; views move nothing; an expanded tensor is read as it is stored."""
        found = calls(function, torch.ones(CLIP, device=device))
        assert sum(call.written for call in found) == written
        assert sum(call.read for call in found) == read


@pytest.mark.parametrize("build", [lambda: nn.LSTM(8, 16), lambda: nn.LSTM(8, 16, num_layers=2, bidirectional=True)])
def test_activations_do_not_depend_on_the_device_of_recurrent_layers(build: Any):
    counted = []
    for device in DEVICES:
        with torch.device(device):
            counted.append(count(build().eval(), torch.ones(5, 2, 8)))
    assert counted[0].activations == counted[1].activations > 0
    assert counted[0].macs == counted[1].macs


@pytest.mark.parametrize("settings", [{}, {"is_causal": True}, {"attn_mask": True}])
def test_fused_attention_is_the_same_operator_on_every_device(settings: dict[str, Any]):
    counted = []
    for device in DEVICES:
        qkv = [torch.ones(2, 4, n, 8, device=device) for n in (5, 7, 7)]
        mask = {"attn_mask": torch.zeros(5, 7, device=device)} if "attn_mask" in settings else settings
        counted.append(count(Calls(lambda q, k, v, m=mask: F.scaled_dot_product_attention(q, k, v, **m)), *qkv))
    assert counted[0].by_operator == counted[1].by_operator
    assert counted[0].activations == counted[1].activations == 2 * 4 * 5 * (7 + 8)
    assert counted[0].peak == counted[1].peak


@pytest.fixture(scope="module")
def blend() -> Any:
    @torch.library.custom_op("vidbench_tests::blend", mutates_args=())
    def blend(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return x @ weight

    @blend.register_fake
    def _(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return x.new_empty(x.shape[0], weight.shape[1])

    return blend


class TestRules:
    @pytest.fixture(autouse=True)
    def _restored(self) -> Iterator[None]:
        before = dict(USER_RULES)
        yield
        USER_RULES.clear()
        USER_RULES.update(before)

    @pytest.mark.parametrize("device", DEVICES)
    def test_custom_operator(self, device: str, blend: Any):
        """Without a rule it is unknown; with one it counts, at the module that calls it."""
        net = nn.Sequential(Calls(lambda x: blend(x, x.T)))
        x = torch.ones(3, 5, device=device)
        assert count(net, x).unknown == ("vidbench_tests.blend",)
        register_rule("vidbench_tests::blend", lambda out, x, _weight: out.numel() * x.shape[-1])
        counted = count(net, x)
        assert (counted.macs, counted.unknown) == (3 * 3 * 5, ())
        assert counted.by_operator == {"vidbench_tests.blend": 45}
        assert counted.by_module["0"] == 45

    def test_by_the_operator_itself(self, blend: Any):
        register_rule(torch.ops.vidbench_tests.blend, lambda *_: 7)
        assert count(Calls(lambda x: blend(x, x.T)), torch.ones(3, 5)).macs == 7

    @pytest.mark.parametrize("name", ["blend", "aten::mm", "", "::"])
    def test_refused(self, name: str):
        with pytest.raises(InputError):
            register_rule(name, lambda *_: 0)

    @pytest.mark.parametrize("rule", [lambda *_: 1 / 0, lambda *_: 1.5, lambda *_: None, lambda *_: -1, lambda: 1])
    def test_a_rule_that_fails(self, rule: Any, blend: Any):
        """One error names the operator whose rule it is, on meta as elsewhere."""
        register_rule("vidbench_tests::blend", rule)
        for device in DEVICES:
            with pytest.raises(CountError, match=r"the rule for vidbench_tests\.blend"):
                count(Calls(lambda x: blend(x, x.T)), torch.ones(3, 5, device=device))
