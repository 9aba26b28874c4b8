"""Every contraction is counted as arithmetic says, on real tensors as on meta tensors, and nothing else is counted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # as all the world does
from nets import Calls
from torch import nn
from torch.utils.checkpoint import checkpoint

from vidbench import count
from vidbench.counting.contractions import RULES
from vidbench.errors import CountError

DEVICES = ("cpu", "meta")

POSITIONS = 8 * 14 * 14  # of the clips below, in time, height and width
CONV = POSITIONS * 32 * 16 * 27  # 16 to 32 channels, 3 x 3 x 3
HALF_CONV = POSITIONS * 16 * 16 * 27  # 16 to 16 channels
TOKENS, WIDTH = 196, 64
LINEAR = TOKENS * WIDTH * 128
ATTENTION = 2 * TOKENS * TOKENS * WIDTH  # scores, then their product with the values
PROJECTIONS = 4 * TOKENS * WIDTH * WIDTH  # query, key, value, output


class OwnConv3d(nn.Conv3d):
    """A subclass, which tools that look modules up by their class miss."""


@dataclass
class Case:
    macs: int
    build: Callable[[], tuple[Any, ...]]  # the net and its inputs, on the default device


def clip(channels: int = 16, batch: int = 1) -> torch.Tensor:
    return torch.ones(batch, channels, 8, 14, 14)


def conv(c_out: int = 32, **settings: Any) -> nn.Conv3d:
    return nn.Conv3d(16, c_out, **{"kernel_size": 3, "padding": 1, "bias": False, **settings})


def tokens() -> torch.Tensor:
    return torch.randn(1, TOKENS, WIDTH)


def heads() -> torch.Tensor:
    return torch.randn(1, 4, TOKENS, WIDTH // 4)


def attend_by_hand(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return (q @ k.transpose(-2, -1)).softmax(-1) @ v


def calibrated_conv(route: nn.Conv1d, weight: nn.ParameterList, x: torch.Tensor) -> torch.Tensor:
    """TAdaConv's manner: a filter of its own for each frame, as the groups of one convolution."""
    frames = x.shape[2]
    scales = route(x.mean((3, 4)))[0].T.reshape(frames, 1, 16, 1, 1)
    filters = (scales * weight[0]).flatten(0, 1)
    return F.conv2d(x.transpose(1, 2).flatten(1, 2), filters, padding=1, groups=frames)


def two_names() -> nn.Module:
    first = conv(16)
    return nn.Sequential(first, first)


def unused_branch() -> nn.Module:
    return Calls(lambda used, _unused, x: used(x), conv(16), conv(16))


def skip_by_value(first: nn.Module, second: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return first(x) if x.mean() > 0 else first(second(x))


def under_autocast(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return module(x)


def attention(**settings: Any) -> nn.MultiheadAttention:
    return nn.MultiheadAttention(WIDTH, 4, batch_first=True, **settings)


CASES = {
    "conv3d": Case(CONV, lambda: (conv(), clip())),
    "conv3d-bias": Case(CONV, lambda: (conv(bias=True), clip())),
    "conv3d-groups": Case(CONV // 4, lambda: (conv(groups=4), clip())),
    "conv3d-dilation": Case(CONV, lambda: (conv(padding=2, dilation=2), clip())),
    "conv3d-depthwise": Case(POSITIONS * 64 * 27, lambda: (nn.Conv3d(64, 64, 3, padding=1, groups=64), clip(64))),
    "conv3d-batch": Case(4 * CONV, lambda: (conv(), clip(batch=4))),
    "conv-transpose3d": Case(POSITIONS * 16 * 32 * 64, lambda: (nn.ConvTranspose3d(16, 32, 4, 2, 1), clip())),
    "linear": Case(LINEAR, lambda: (nn.Linear(WIDTH, 128, bias=False), tokens())),
    "linear-bias": Case(LINEAR, lambda: (nn.Linear(WIDTH, 128), tokens())),
    "mha-eval": Case(PROJECTIONS + ATTENTION, lambda: (attention().eval(), *[tokens()] * 3)),
    "mha-train": Case(
        PROJECTIONS + ATTENTION, lambda: (Calls(lambda m, x: m(x, x, x, need_weights=False), attention()), tokens())
    ),
    "mha-cross": Case(PROJECTIONS + ATTENTION, lambda: (attention(), tokens(), *[tokens()] * 2)),
    "sdpa": Case(ATTENTION, lambda: (Calls(F.scaled_dot_product_attention), heads(), heads(), heads())),
    "attention-by-hand": Case(ATTENTION, lambda: (Calls(attend_by_hand), heads(), heads(), heads())),
    "einsum-scores": Case(
        TOKENS * TOKENS * WIDTH, lambda: (Calls(lambda q, k: torch.einsum("bqd,bkd->bqk", q, k)), tokens(), tokens())
    ),
    "einsum-graph": Case(
        2 * 8 * 16 * 3 * 25 * 25,
        lambda: (
            Calls(lambda x, a: torch.einsum("nctkv,kvw->nctw", x, a)),
            torch.ones(2, 8, 16, 3, 25),
            torch.ones(3, 25, 25),
        ),
    ),
    "bmm": Case(8 * 32 * 64 * 48, lambda: (Calls(torch.bmm), torch.ones(8, 32, 64), torch.ones(8, 64, 48))),
    "baddbmm": Case(
        8 * 32 * 64 * 48,
        lambda: (Calls(torch.baddbmm), torch.ones(8, 32, 48), torch.ones(8, 32, 64), torch.ones(8, 64, 48)),
    ),
    "tadaconv": Case(
        POSITIONS * 32 * 16 * 9 + 8 * 16 * 16 * 3,
        lambda: (
            Calls(calibrated_conv, nn.Conv1d(16, 16, 3, padding=1), nn.ParameterList([torch.ones(32, 16, 3, 3)])),
            clip(),
        ),
    ),
    "functional-linear": Case(LINEAR, lambda: (Calls(lambda x, w: x @ w), tokens(), torch.ones(WIDTH, 128))),
    "interpolate-nearest": Case(0, lambda: (nn.Upsample(scale_factor=2), clip())),
    "interpolate-trilinear": Case(0, lambda: (nn.Upsample(scale_factor=2, mode="trilinear"), clip())),
    "batch-norm-eval": Case(0, lambda: (nn.BatchNorm3d(16).eval(), clip())),
    "batch-norm-train": Case(0, lambda: (nn.BatchNorm3d(16), clip())),
    "max-pool": Case(0, lambda: (nn.MaxPool3d(2), clip())),
    "adaptive-pool": Case(0, lambda: (nn.AdaptiveAvgPool3d(1), clip())),
    "softmax": Case(0, lambda: (nn.Softmax(-1), tokens())),
    "lstm": Case(16 * 4 * 128 * (64 + 128), lambda: (nn.LSTM(64, 128, batch_first=True), torch.ones(1, 16, 64))),
    "gru": Case(16 * 3 * 128 * (64 + 128), lambda: (nn.GRU(64, 128, batch_first=True), torch.ones(1, 16, 64))),
    "rfft2": Case(0, lambda: (Calls(torch.fft.rfft2), clip())),
    "unfold-matmul": Case(
        14 * 14 * 64 * 3 * 9,
        lambda: (Calls(lambda x, w: w @ F.unfold(x, 3, padding=1)), torch.ones(1, 3, 14, 14), torch.ones(64, 27)),
    ),
    "called-twice": Case(2 * HALF_CONV, lambda: (Calls(lambda m, x: m(m(x)), conv(16)), clip())),
    "two-names": Case(2 * HALF_CONV, lambda: (two_names(), clip())),
    "unused-branch": Case(HALF_CONV, lambda: (unused_branch(), clip())),
    "layer-norm": Case(0, lambda: (nn.LayerNorm(WIDTH), tokens())),
    "gelu": Case(0, lambda: (nn.GELU(), tokens())),
    "gate": Case(0, lambda: (Calls(lambda x: x + x * x.mean((2, 3, 4), keepdim=True).sigmoid()), clip())),
    "weight-norm": Case(CONV, lambda: (nn.utils.parametrizations.weight_norm(conv()), clip())),
    "subclass": Case(CONV, lambda: (OwnConv3d(16, 32, 3, padding=1), clip())),
    "list-of-inputs": Case(2 * CONV, lambda: (Calls(lambda m, xs: [m(x) for x in xs], conv()), [clip(), clip()])),
    "checkpoint": Case(CONV, lambda: (Calls(lambda m, x: checkpoint(m, x, use_reentrant=False), conv()), clip())),
    "autocast": Case(CONV, lambda: (Calls(under_autocast, conv()), clip())),
    # Beyond the 44 of the survey:
    "grouped-transposed": Case(
        POSITIONS * 16 * (32 // 4) * 64, lambda: (nn.ConvTranspose3d(16, 32, 4, 2, 1, groups=4), clip())
    ),
    "strided-conv": Case(CONV // 8, lambda: (conv(stride=2), clip())),
    "conv1x1-2d": Case(14 * 14 * 16 * 32, lambda: (nn.Conv2d(16, 32, 1), torch.ones(1, 16, 14, 14))),
    "matrix-vector": Case(3 * 5, lambda: (Calls(torch.mv), torch.ones(3, 5), torch.ones(5))),
    "dot": Case(7, lambda: (Calls(torch.dot), torch.ones(7), torch.ones(7))),
    "in-place": Case(
        3 * 4 * 5, lambda: (Calls(lambda x, a, b: x.addmm_(a, b)), torch.ones(3, 5), torch.ones(3, 4), torch.ones(4, 5))
    ),
    "out": Case(
        3 * 4 * 5,
        lambda: (
            Calls(lambda x, a, b: torch.mm(a, b, out=x)),
            torch.ones(3, 5),
            torch.ones(3, 4),
            torch.ones(4, 5),
        ),
    ),
    "scaled-sum": Case(
        3 * 4 * 5,
        lambda: (
            Calls(lambda x, a, b: torch.addmm(x, a, b, beta=0.5, alpha=2)),
            torch.ones(3, 5),
            torch.ones(3, 4),
            torch.ones(4, 5),
        ),
    ),
    "sdpa-scale": Case(
        ATTENTION, lambda: (Calls(lambda q: F.scaled_dot_product_attention(q, q, q, scale=0.5)), heads())
    ),
    "sdpa-mask": Case(
        ATTENTION,
        lambda: (
            Calls(lambda q, mask: F.scaled_dot_product_attention(q, q, q, attn_mask=mask)),
            heads(),
            torch.zeros(TOKENS, TOKENS),
        ),
    ),
    "sdpa-causal": Case(
        ATTENTION, lambda: (Calls(lambda q: F.scaled_dot_product_attention(q, q, q, is_causal=True)), heads())
    ),
    "sdpa-wide-values": Case(
        4 * 20 * 30 * (16 + 24),
        lambda: (
            Calls(F.scaled_dot_product_attention),
            torch.ones(1, 4, 20, 16),
            torch.ones(1, 4, 30, 16),
            torch.ones(1, 4, 30, 24),
        ),
    ),
    "sdpa-grouped-queries": Case(
        2 * 8 * 20 * 30 * 16,
        lambda: (
            Calls(lambda q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True)),
            torch.ones(1, 8, 20, 16),
            torch.ones(1, 2, 30, 16),
        ),
    ),
    "lstm-deep-both-ways": Case(
        2 * 16 * 4 * 128 * ((64 + 128) + (256 + 128)),
        lambda: (nn.LSTM(64, 128, num_layers=2, bidirectional=True), torch.ones(16, 1, 64)),
    ),
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_forward(case: Case, device: str):
    """A forward pass is as many MACs as its contractions have pairs to multiply, on any device."""
    with torch.device(device):
        net, *inputs = case.build()
    counted = count(net, *inputs)
    assert counted.macs == case.macs
    assert counted.unknown == ()


@pytest.mark.filterwarnings("ignore:.torch.jit.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("make", [torch.jit.script, lambda net: torch.jit.trace(net, clip())], ids=["script", "trace"])
def test_torchscript(make: Callable[[nn.Module], nn.Module], device: str):
    """What torch.jit makes of a net counts as the net itself."""
    assert count(make(conv()).to(device), clip().to(device)).macs == CONV


def test_work_that_depends_on_values():
    """A branch that depends on the clip is counted for the clip given, and refused where there are no values."""
    net = Calls(skip_by_value, conv(16), conv(16))
    assert count(net, clip()).macs == HALF_CONV
    assert count(net, -clip()).macs == 2 * HALF_CONV
    with pytest.raises(CountError, match=r"cannot be counted on meta tensors.*count it on a real device"):
        count(net.to("meta"), clip().to("meta"))


@pytest.mark.parametrize("device", DEVICES)
def test_attention_grows_quadratically(device: str):
    """Twice the tokens are twice the projections and four times the attention."""
    with torch.device(device):
        net = attention()
        counted = [count(net, *[torch.ones(1, n, WIDTH)] * 3).macs for n in (10, 20, 40)]
    assert counted == [4 * n * WIDTH**2 + 2 * n**2 * WIDTH for n in (10, 20, 40)]


# Of each: the forward pass, the gradients of the weights, the gradients of the inputs.
TRAINED = {
    "conv3d": ((conv, clip), CONV, 32 * 16 * 27 * POSITIONS, CONV),
    "grouped": ((lambda: conv(groups=4), clip), CONV // 4, 32 * 4 * 27 * POSITIONS, CONV // 4),
    "depthwise": ((lambda: conv(16, groups=16), clip), *[16 * 27 * POSITIONS] * 3),
    "strided": ((lambda: conv(stride=2), clip), *[32 * 16 * 27 * POSITIONS // 8] * 3),
    "transposed": ((lambda: nn.ConvTranspose3d(16, 32, 4, 2, 1), clip), *[16 * 32 * 64 * POSITIONS] * 3),
    "grouped-transposed": (
        (lambda: nn.ConvTranspose3d(16, 32, 4, 2, 1, groups=4), clip),
        *[16 * (32 // 4) * 64 * POSITIONS] * 3,
    ),
    "linear": ((lambda: nn.Linear(WIDTH, 128), tokens), LINEAR, 128 * WIDTH * TOKENS, LINEAR),
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("asking", [False, True], ids=["inputs-ask-not", "inputs-ask"])
@pytest.mark.parametrize(("build", "forward", "to_weights", "to_inputs"), TRAINED.values(), ids=TRAINED)
def test_training(build, forward, to_weights, to_inputs, asking, device):  # noqa: PLR0917
    """Training costs the forward pass, the weights' gradients, and the inputs' where they ask for one."""
    with torch.device(device):
        net, x = (make() for make in build)
    counted = count(net, x.requires_grad_(asking), train=True)
    assert counted.macs == forward + to_weights + (to_inputs if asking else 0)
    assert counted.unknown == ()


@pytest.mark.parametrize("device", DEVICES)
def test_training_of_a_chain(device: str):
    """Every layer passes a gradient on but the first; frozen weights get none, nor does what lies before them."""
    with torch.device(device):
        net, x = nn.Sequential(conv(16), nn.ReLU(), conv()), clip()
    first, last = net[0], net[2]
    assert count(net, x, train=True).macs == 2 * HALF_CONV + 3 * CONV
    first.requires_grad_(requires_grad=False)
    assert count(net, x, train=True).macs == HALF_CONV + 2 * CONV
    first.requires_grad_(requires_grad=True)
    last.requires_grad_(requires_grad=False)
    assert count(net, x, train=True).macs == 2 * HALF_CONV + 2 * CONV


@pytest.mark.parametrize("device", DEVICES)
def test_training_of_attention(device: str):
    """Each of attention's two products has two gradients, on the fused path of the CPU as on the plain one of meta."""
    with torch.device(device):
        net, qkv = Calls(F.scaled_dot_product_attention), [heads().requires_grad_() for _ in "qkv"]
    assert count(net, *qkv, train=True).macs == 3 * ATTENTION


def test_training_of_a_fused_recurrent_layer():
    """The CPU's fused LSTM works out the gradients of weights, states and inputs whether they are asked for or not."""
    counted = count(nn.LSTM(64, 128), torch.ones(16, 1, 64), train=True)
    assert counted.macs == 3 * 16 * 4 * 128 * (64 + 128)
    assert counted.unknown == ()


def test_training_of_a_plain_recurrent_layer():
    """Step by step, the first of 16 states has no gradient to pass on, and the inputs ask for none."""
    input_macs, state_macs = 16 * 4 * 128 * 64, 16 * 4 * 128 * 128
    with torch.device("meta"):
        counted = count(nn.LSTM(64, 128), torch.ones(16, 1, 64), train=True)
    assert counted.macs == 2 * input_macs + 2 * state_macs + state_macs * 15 // 16


@pytest.mark.parametrize("device", DEVICES)
def test_training_under_a_checkpoint(device: str):
    """Work that a checkpoint does a second time counts twice: all but its last layer, whose output nothing needs."""
    with torch.device(device):
        net = Calls(lambda a, b, x: checkpoint(nn.Sequential(a, b), x, use_reentrant=False), conv(16), conv())
        counted = count(net, clip(), train=True)
    assert counted.macs == (2 * HALF_CONV + 3 * CONV) + HALF_CONV


class TestKernelsOfCuda:
    """Called by name on meta tensors, for there may be no GPU here."""

    @pytest.mark.parametrize(
        ("kernel", "width", "settings"),
        [("flash", 16, ()), ("efficient", 24, (None, True)), ("cudnn", 24, (None, True))],
    )
    def test_attention(self, kernel: str, width: int, settings: tuple[Any, ...]):
        """Fused attention is its two products forward and four backward, also where values are wider than keys."""
        operator = getattr(torch.ops.aten, f"_scaled_dot_product_{kernel}_attention")
        shapes = (1, 4, 20, 16), (1, 4, 30, 16), (1, 4, 30, width)
        qkv = [torch.empty(shape, device="meta", requires_grad=True) for shape in shapes]
        net = Calls(lambda q, k, v: operator(q, k, v, *settings)[0])
        products = 4 * 20 * 30 * (16 + width)
        assert count(net, *qkv).by_operator == {f"aten._scaled_dot_product_{kernel}_attention": products}
        assert count(net, *qkv, train=True).macs == 3 * products

    @pytest.mark.parametrize("trains", [False, True])
    def test_recurrent(self, trains: bool):
        """A fused recurrent layer multiplies every weight each step, and so does each of its two gradients."""
        forward = 16 * 4 * 128 * (64 + 128)
        with torch.device("meta"):
            x, state, *weights = map(torch.empty, [(16, 1, 64), (1, 1, 128), (512, 64), (512, 128), 512, 512])
            flat = torch.empty(sum(w.numel() for w in weights))
        settings = (2, 128, 0, 1, False, 0.0, True, False, [], None)
        net = Calls(lambda x, *w: torch.ops.aten._cudnn_rnn(x, list(w), 4, flat, state, state, *settings)[0])
        assert count(net, x, *weights).by_operator == {"aten._cudnn_rnn": forward}
        output_mask = [True, True, True, trains]
        backward = RULES["aten._cudnn_rnn_backward"](None, x, weights, 4, flat, state, *settings, output_mask)
        assert backward == forward * (2 if trains else 1)
