"""TCPNet's head is what its formulas say, worked out here place by place; its trunks keep the last stage's size."""

import fingerprint
import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

import vidbench
from vidbench.errors import InputError
from vidbench.models import tea
from vidbench.models.tcpnet import Config, CovariancePooling, TCPNet, covariance, square_root

WIDTH = 8
CENTRED = {  # MACs with the authors' way to centre
    "tcpnet-tsn-r50": 51_168_601_088,
    "tcpnet-tsn-r50-16f": 103_156_245_504,
    "tcpnet-tea-r50": 52_765_960_384,
    "tcpnet-tea-r50-16f": 106_350_964_096,
}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def shaken(module: nn.Module) -> nn.Module:
    """The module in eval mode and double precision, with every parameter and statistic off its special start."""
    with torch.no_grad():
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
            elif tensor.is_floating_point():
                tensor.add_(torch.randn_like(tensor) / 4)
    return module.eval().double()


def make_head(frames: int) -> nn.Module:
    return shaken(CovariancePooling(12, 5, frames, width=WIDTH))


def normed(x: Tensor, norm: nn.Module) -> Tensor:
    """Channels are the last axis."""
    return (x - norm.running_mean) / (norm.running_var + 1e-5).sqrt() * norm.weight + norm.bias


def attend(x_TNC: Tensor, head: nn.Module) -> Tensor:
    """For each frame and place, the values of its frame, weighted by questions one and answers two frames earlier."""
    query, key, value = head.attention.query, head.attention.key, head.attention.value
    y_TNC = torch.empty_like(x_TNC)
    for t in range(len(x_TNC)):
        before, before_that = x_TNC[max(t - 1, 0)], x_TNC[max(t - 2, 0)]
        for a in range(x_TNC.shape[1]):
            q = query.weight @ before[a] + query.bias
            products = [float(q @ (key.weight @ place + key.bias)) * WIDTH**-0.5 for place in before_that]
            weights = torch.tensor(products, dtype=torch.double).softmax(0)
            y_TNC[t, a] = sum(w * (value.weight @ x_TNC[t, b] + value.bias) for b, w in enumerate(weights))
    return normed(y_TNC, head.attention.norm)


def open_gates(x_TNC: Tensor, head: nn.Module) -> Tensor:
    widen, _, narrow, _ = head.gate.gate
    u_TC, frames = x_TNC.mean(1), len(x_TNC)
    gates = []
    for t in range(frames):
        e1, e2 = u_TC[t] - u_TC[(t - 1) % frames], (u_TC[t] - u_TC[(t - 2) % frames]) / 2
        g1, g2 = (
            torch.sigmoid(narrow.weight @ (widen.weight @ e + widen.bias).clamp(min=0) + narrow.bias) for e in (e1, e2)
        )
        gates.append((g1 + g2) * 0.5)
    return torch.stack(gates)


def filter_in_time(x_TNC: Tensor, head: nn.Module) -> Tensor:
    frames, kernel = len(x_TNC), head.temporal.weight[..., 0]
    taps = len(x_TNC) // 2 + 1
    assert kernel.shape[2] == taps
    return torch.stack(
        [
            sum(x_TNC[(t + k - taps // 2) % frames] @ kernel[:, :, k].T for k in range(taps)) + head.temporal.bias
            for t in range(frames)
        ]
    )


def centre_and_multiply(x_CM: Tensor) -> Tensor:
    """The authors' way: a product with an M x M matrix."""
    places = x_CM.shape[1]
    centring = (torch.eye(places, dtype=x_CM.dtype) - torch.ones(places, places, dtype=x_CM.dtype) / places) / places
    return x_CM @ centring @ x_CM.T


def take_root(cov: Tensor) -> Tensor:
    trace, identity = cov.trace(), torch.eye(len(cov), dtype=cov.dtype)
    a = cov / (trace + 1e-5)
    q = 0.5 * (3 * identity - a)
    y, z = a @ q, q
    q = 0.5 * (3 * identity - z @ y)
    y, z = y @ q, q @ z
    return 0.5 * y @ (3 * identity - z @ y) * trace.sqrt()


def pass_head(x_CTHW: Tensor, head: nn.Module) -> Tensor:
    """Step after step, for one clip."""
    x_TNC = x_CTHW.flatten(2).permute(1, 2, 0)
    for layer in head.reduce:
        x_TNC = normed(x_TNC @ layer.conv.weight[:, :, 0, 0].T, layer.norm).clamp(min=0)
    s_TNC = (x_TNC + attend(x_TNC, head)) * open_gates(x_TNC, head)[:, None]
    z_TNC = (filter_in_time(s_TNC, head) + x_TNC).clamp(min=0)
    root = take_root(centre_and_multiply(z_TNC.flatten(0, 1).T))
    upper = torch.stack([root[i, j] for i in range(WIDTH) for j in range(i, WIDTH)])
    return head.classifier.weight @ upper + head.classifier.bias


@pytest.mark.parametrize("frames", [4, 8])
def test_formulas(frames):
    """On oblong maps the head gives each clip of a batch the logits of the formulas, and leaves the maps alone."""
    head, maps = make_head(frames), torch.randn(2, 12, frames, 2, 3, dtype=torch.double)
    before = maps.clone()
    with torch.inference_mode():
        torch.testing.assert_close(head(maps), torch.stack([pass_head(clip, head) for clip in maps]))
    assert torch.equal(maps, before)


def test_training_starts_without_attention_and_filter():
    """At first nothing is attended to and nothing is filtered in time: the covariance is that of the reduced maps."""
    head, maps = CovariancePooling(12, 5, 4, width=WIDTH).eval(), torch.randn(1, 12, 4, 3, 3)
    reduced_CM = head.reduce(maps[0].transpose(0, 1)).transpose(0, 1).flatten(1)
    rows, columns = torch.triu_indices(WIDTH, WIDTH)
    expected = head.classifier(square_root(covariance(reduced_CM[None]))[:, rows, columns])
    torch.testing.assert_close(head(maps), expected)


def test_order_and_place_of_frames():
    """Backwards a clip is another one; turned as a ring, too, for what is attended to begins at its first frame."""
    head, maps = make_head(8), torch.randn(1, 12, 8, 2, 2, dtype=torch.double)
    with torch.inference_mode():
        logits = head(maps)
        assert (logits - head(maps.flip(2))).abs().max() > 1e-3
        assert (logits - head(maps.roll(3, 2))).abs().max() > 1e-3


def test_square_root_works_on_eigenvalues():
    """Three steps bring each eigenvalue, as a share of their sum, near its root; in matrices and in numbers alike."""
    mixed = torch.randn(6, 6, dtype=torch.double)
    matrix = mixed @ mixed.T
    values, vectors = torch.linalg.eigh(matrix)
    shares = values / (values.sum() + 1e-5)
    roots, inverses = shares, torch.ones_like(shares)
    for _ in range(3):
        step = (3 - inverses * roots) / 2
        roots, inverses = roots * step, inverses * step
    expected = vectors @ torch.diag(roots * values.sum().sqrt()) @ vectors.T
    torch.testing.assert_close(square_root(matrix[None])[0], expected)
    alike = square_root(torch.eye(3, dtype=torch.double)[None])
    torch.testing.assert_close(alike[0], torch.eye(3, dtype=torch.double), atol=0.05, rtol=0)


def test_covariance_in_half_precision():
    """The sum over thousands of places is never larger than it has to be."""
    x = torch.randn(1, 4, 5000) * 20
    torch.testing.assert_close(covariance(x.half()).float(), covariance(x), rtol=0.02, atol=2)


class Centring(nn.Module):
    def forward(self, x_CM: Tensor) -> Tensor:
        return centre_and_multiply(x_CM)


class Subtracting(nn.Module):
    def forward(self, x_CM: Tensor) -> Tensor:
        return covariance(x_CM[None])[0]


def test_centring_costs():
    """The authors' centring gives the same and costs M x M x C more; with it nets cost what profilers of theirs say."""
    x_CM = torch.randn(6, 50, dtype=torch.double)
    torch.testing.assert_close(Centring()(x_CM), Subtracting()(x_CM))
    assert vidbench.count(Centring(), x_CM).macs - vidbench.count(Subtracting(), x_CM).macs == 50 * 50 * 6
    for name, expected in CENTRED.items():
        frames = 16 if name.endswith("16f") else 8
        with torch.device("meta"):
            net = vidbench.build(name)
        cheap = vidbench.count(net, vidbench.Clip(frames=frames, size=224)).macs
        assert cheap + 128 * (frames * 14 * 14) ** 2 == expected


def test_attention_is_counted_whatever_computes_it():
    """Fused on this device, in single products, or on meta tensors: the same MACs, and nothing unknown beside them."""
    head, maps = make_head(4).float(), torch.randn(2, 12, 4, 3, 5)
    plain = vidbench.count(head, maps)
    with sdpa_kernel(SDPBackend.MATH):
        unfused = vidbench.count(head, maps)
    meta = vidbench.count(head.to("meta"), maps.to("meta"))
    assert (unfused.macs, meta.macs) == (plain.macs, plain.macs)
    assert plain.unknown == unfused.unknown == meta.unknown == ()


@pytest.mark.parametrize("motion", [False, True], ids=["tsn", "tea"])
def test_nets(motion):
    """The last stage keeps the size; clips of a batch do not touch, and a gradient reaches what the logits depend on.

    They do not depend on the keys' bias: it adds the same to all scores of a place.
    """
    net = fingerprint.fill(TCPNet(Config(depths=(1, 1, 1, 1), motion=motion, frames=4, classes=3)), 0.7).eval().double()
    clips = torch.randn(2, 3, 4, 32, 40, dtype=torch.double)
    assert net.trunk(clips).shape == (2, 2048, 4, 2, 3)
    logits = net(clips)
    torch.testing.assert_close(logits, torch.cat([net(clip) for clip in clips.split(1)]))
    logits.square().sum().backward()
    grads = {name: p.grad for name, p in net.named_parameters()}
    largest = max(grad.abs().max() for grad in grads.values() if grad is not None)
    idle = [name for name, grad in grads.items() if grad is None or grad.abs().max() < 1e-12 * largest]
    assert idle == ["head.attention.key.bias"]


def test_a_fine_trunk_of_tea():
    """TEA's trunk averages a slice in the first block of each stage; where the last stage keeps the size, not there."""
    pools = {
        fine: [isinstance(block.aggregate.pool, nn.AvgPool2d) for block in tea.Trunk((1, 2, 1, 2), fine=fine).blocks]
        for fine in (False, True)
    }
    assert pools[False] == [True, True, False, True, True, False]
    assert pools[True] == [True, True, False, True, False, False]


@pytest.mark.parametrize("frames", [0, 2, 6])
def test_frames_that_no_head_takes(frames):
    """The filter over time needs a middle."""
    with pytest.raises(InputError, match=f"cannot take {frames} frames: .* has to be odd; give a multiple of 4"):
        CovariancePooling(12, 5, frames)


def test_frames_that_a_head_is_not_built_for():
    """A net for another number of frames is another net."""
    with pytest.raises(InputError, match=r"built for clips of 4 frames.* not for 8; build it for those"):
        make_head(4)(torch.randn(1, 12, 8, 2, 2, dtype=torch.double))


def test_refusals_on_the_command_line(vidbench):
    """Too few frames or pixels are refused with the reason that is theirs."""
    done = vidbench("profile", "tcpnet", "--frames", "6", "--device", "meta")
    assert done.code == 2
    assert "half of the frames and one, which has to be odd" in " ".join(done.err.split())
    done = vidbench("profile", "tcpnet", "--size", "12", "--device", "meta")
    assert done.code == 2
    assert "its total stride is 16" in " ".join(done.err.split())
