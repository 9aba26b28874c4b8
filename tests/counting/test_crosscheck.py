"""Every MAC by which fvcore and ptflops differ from us is some operator's, found by counting what they saw anew."""

import pytest
import torch
from nets import Calls, Chain, Fails
from torch import Tensor, nn
from torch.nn import functional

import vidbench
from vidbench.catalog import find_variant
from vidbench.counting.crosscheck import compare
from vidbench.records import CrossCheck

# fvcore scripts functions of its own when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")


@pytest.fixture(autouse=True)
def one_thread():
    """Small operators on threads that other work keeps waiting take many times as long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


FIRST_SEVEN = ("vov3d", "x3d", "blvnet-tam", "slowfast", "tea", "tada2d", "tadaconvnextv2")
ELEMENTWISE = {"batch_norm", "layer_norm", "upsample_nearest2d"}


def parts(check: CrossCheck) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Of a check that is whole: counted beside, missed, rounded."""
    assert check.unexplained == {}
    assert check.macs is not None
    assert check.difference == sum(check.beside.values()) + sum(check.rounded.values()) - sum(check.missed.values())
    return dict(check.beside), dict(check.missed), dict(check.rounded)


@pytest.mark.parametrize("name", FIRST_SEVEN)
def test_contractions_of_the_families(name):
    """Of the contractions that fvcore has rules for it counts what we count, to the last MAC."""
    frames = find_variant(name).frames_multiple * 4
    beside, missed, rounded = parts(compare("fvcore", vidbench.build(name), torch.zeros(1, 3, frames, 64, 64)))
    assert set(beside) <= ELEMENTWISE
    assert set(missed) <= {"scaled_dot_product_attention"}
    assert rounded == {}


def test_x3d():
    """X3D's two reports: two operations an element of batch normalisation in fvcore, one a bias in ptflops."""
    net, clip = vidbench.build("x3d-xs"), torch.zeros(1, 3, 4, 64, 64)
    normalised = []
    for module in net.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.register_forward_hook(lambda _module, _inputs, out: normalised.append(out.numel()))
    fvcore = compare("fvcore", net, clip)
    assert parts(fvcore) == ({"batch_norm": 2 * sum(normalised[: len(normalised) // 2])}, {}, {})
    assert list(fvcore.skipped)[:2] == ["silu", "add"]
    assert fvcore.skipped["mean"] == 16
    ptflops = compare("ptflops", net, clip)
    assert (ptflops.ours, ptflops.version) == (fvcore.ours, "0.7.5")
    assert set(parts(ptflops)[0]) == {"bias"}
    assert ptflops.skipped["native_batch_norm"] == 84
    assert "view" not in ptflops.skipped


class Attends(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.project = nn.LayerNorm(8), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return functional.scaled_dot_product_attention(self.project(x), x, self.norm(x))


class TestSkipped:
    """Contractions that a counter has no rule for are told by operator, with our MACs of them."""

    @pytest.mark.parametrize(
        ("counter", "beside", "operator"),
        [
            ("fvcore", {"layer_norm": 5 * 2 * 6 * 8}, "scaled_dot_product_attention"),
            ("ptflops", {"bias": 2 * 6 * 8}, "_scaled_dot_product_flash_attention_for_cpu"),
        ],
    )
    def test_attention(self, counter, beside, operator):
        """Fused attention: two products of six queries and keys."""
        check = compare(counter, Attends(), torch.ones(2, 1, 6, 8))
        assert parts(check) == (beside, {operator: 2 * 2 * 6 * 6 * 8}, {})
        assert check.macs == 2 * 6 * 8 * 8 + sum(beside.values())

    @pytest.mark.parametrize(("counter", "operator"), [("fvcore", "lstm"), ("ptflops", "mkldnn_rnn_layer")])
    def test_lstm(self, counter, operator):
        """All of an LSTM, both layers and directions."""
        check = compare(counter, nn.LSTM(8, 16, 2, bidirectional=True), torch.ones(5, 2, 8))
        assert parts(check)[1] == {operator: 5 * 2 * 2 * 4 * 16 * ((8 + 16) + (32 + 16))}

    def test_gru(self):
        """A GRU runs as plain matrix products, which fvcore sees as one operator and ptflops one by one."""
        net = Calls(lambda gru, linear, x: linear(gru(x)[0]), nn.GRU(8, 16), nn.Linear(16, 4))
        macs, outside = 5 * 2 * 3 * 16 * (8 + 16), 5 * 2 * 16 * 4
        check = compare("fvcore", net, torch.ones(5, 2, 8))
        assert (check.macs, check.ours, check.missed) == (outside, macs + outside, {"gru": macs})
        assert parts(compare("ptflops", net, torch.ones(5, 2, 8)))[1] == {}

    @pytest.mark.parametrize("counter", ["fvcore", "ptflops"])
    def test_keywords_and_lists(self, counter):
        """An operator's arguments reach our count as the counter saw them."""
        net = Calls(lambda a, b, c: torch.baddbmm(a, b, c, beta=0.5))
        check = compare(counter, net, torch.ones(2, 3, 5), torch.ones(2, 3, 4), torch.ones(2, 4, 5))
        assert parts(check) == ({}, {"baddbmm": 2 * 3 * 4 * 5}, {})

    @pytest.mark.parametrize("counter", ["fvcore", "ptflops"])
    def test_multihead_attention(self, counter):
        """In the native path of nn.MultiheadAttention neither would see a product; it is off."""
        tokens = torch.ones(2, 6, 16)
        net = nn.MultiheadAttention(16, 4, batch_first=True).eval()
        assert parts(compare(counter, net, tokens, tokens, tokens))[1] == {}


class TestBeside:
    """What contracts nothing by our convention, and is counted all the same."""

    def test_modes_of_batch_norm(self):
        """Batch normalisation costs two operations an element in evaluation, five in training."""
        net, clip = nn.Sequential(nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4)), torch.ones(1, 3, 4, 8, 8)
        elements = 4 * 2 * 6 * 6
        assert parts(compare("fvcore", net.eval(), clip))[0] == {"batch_norm": 2 * elements}
        assert parts(compare("fvcore", net.train(), clip))[0] == {"batch_norm": 5 * elements}
        assert net.training
        assert parts(compare("ptflops", net.train(), clip))[0] == {"bias": elements}
        assert net.training

    def test_pools_and_sizes_that_depend_on_the_input(self):
        """Pooling and upsampling, also to a size that the trace does not know."""

        def pool(conv, x):
            return functional.interpolate(conv(functional.adaptive_avg_pool2d(x, 3)), size=x.shape[-2:])

        check = compare("fvcore", Calls(pool, nn.Conv2d(3, 4, 1)), torch.ones(1, 3, 8, 8))
        assert parts(check)[0] == {"adaptive_avg_pool2d": 3 * 8 * 8, "upsample_nearest2d": 4 * 8 * 8}

    def test_transposed_convolution(self):
        """A grouped transposed convolution differs by its bias alone."""
        net, x = nn.ConvTranspose3d(4, 6, 3, groups=2), torch.ones(1, 4, 3, 4, 4)
        assert parts(compare("fvcore", net, x)) == ({}, {}, {})
        assert parts(compare("ptflops", net, x))[0] == {"bias": 6 * 5 * 6 * 6}


class TestEinsum:
    def test_rounded(self):
        """What fvcore reads off numpy's four digits is named so: 555,954 becomes 556,000."""
        net = Calls(lambda a, b: torch.einsum("bqhd,bkhd->bhqk", a, b))
        check = compare("fvcore", net, torch.ones(3, 49, 2, 61), torch.ones(3, 31, 2, 61))
        assert parts(check) == ({}, {}, {"einsum": 556_000 - 3 * 49 * 2 * 61 * 31})
        assert parts(compare("ptflops", net, torch.ones(3, 49, 2, 61), torch.ones(3, 31, 2, 61))) == ({}, {}, {})

    def test_order_is_no_rounding(self):
        """Three operands, which fvcore multiplies in the best order and torch from the left, stay unexplained."""
        check = compare("fvcore", Chain(), torch.ones(1, 3, 2, 2, 2))
        assert (check.macs, check.ours) == (3 * 100 + 3, 3 * 100 + 100)
        assert check.unexplained == {"einsum": -97}


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(_ctx, a, b):
        return 2 * (a @ b)

    @staticmethod
    def backward(_ctx, grad):
        return grad, grad


class TestUnexplained:
    def test_own_function(self):
        """Products inside an autograd function of Python's cannot be counted alone, and nothing is made up for them."""
        net = Calls(lambda a, b: Doubled.apply(a, b) + a @ b)
        check = compare("fvcore", net, torch.ones(4, 4), torch.ones(4, 4))
        assert (check.macs, check.ours, check.unexplained) == (64, 128, {"elsewhere": -64})
        assert check.unjudged == {"PythonOp.Doubled": 1}
        assert parts(compare("ptflops", net, torch.ones(4, 4), torch.ones(4, 4))) == ({}, {}, {})

    def test_wrong_rule(self, monkeypatch):
        """A counter whose rule is wrong is not believed: the operator is named."""
        from ptflops.aten_ops import ATEN_OPS_MAPPING

        monkeypatch.setitem(ATEN_OPS_MAPPING, torch.ops.aten.mm, lambda *_: 100)
        check = compare("ptflops", Calls(lambda a, b: a @ b), torch.ones(4, 4), torch.ones(4, 4))
        assert check.unexplained == {"mm": 100 - 64}


@pytest.mark.parametrize("counter", ["fvcore", "ptflops"])
def test_emptied_list(counter):
    """A net that empties the list it is given gets a new one for every pass."""
    net = Calls(lambda norm, linear, clips: linear(norm(clips.pop())), nn.LayerNorm(4), nn.Linear(4, 4, bias=False))
    clips = [torch.ones(3, 4)]
    assert compare(counter, net, clips).ours == 3 * 4 * 4
    assert len(clips) == 1


class TestFailures:
    @pytest.mark.parametrize("counter", ["fvcore", "ptflops"])
    def test_net_fails(self, counter):
        """What the net raises is passed on, though ptflops would print it and go on."""
        with pytest.raises(ArithmeticError, match="no way"):
            compare(counter, Fails(), torch.ones(1))

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_counter_fails(self):
        """A scripted module raises in fvcore, as it does without us; ptflops counts it."""
        net = torch.jit.script(nn.Conv2d(3, 4, 3))
        with pytest.raises(RuntimeError, match="ScriptModules"):
            compare("fvcore", net, torch.ones(1, 3, 8, 8))
        assert parts(compare("ptflops", net, torch.ones(1, 3, 8, 8)))[0] == {"bias": 4 * 6 * 6}

    def test_ptflops_swallows(self, monkeypatch):
        """Where ptflops itself fails and only prints, its error is passed on."""
        from ptflops.aten_ops import ATEN_OPS_MAPPING

        def fail(*_):
            raise KeyError("rule")

        monkeypatch.setitem(ATEN_OPS_MAPPING, torch.ops.aten.mm, fail)
        with pytest.raises(KeyError, match="rule"):
            compare("ptflops", Calls(lambda a, b: a @ b), torch.ones(4, 4), torch.ones(4, 4))
