"""The tables of relative positions have the rows that the authors' float32 picks, and go where the net goes."""

from fractions import Fraction

import pytest
import torch

import vidbench
from vidbench.models.multiscale import Config
from vidbench.models.mvitv2 import MViTv2, RelativeTable, relative_rows


def exact_rows(queries, keys):
    """The rows by exact arithmetic."""
    rq, rk = max(Fraction(keys, queries), Fraction(1)), max(Fraction(queries, keys), Fraction(1))
    return torch.tensor([[int(i * rq - j * rk + (keys - 1) * rk) for j in range(keys)] for i in range(queries)])


@pytest.mark.parametrize(("queries", "keys"), [(56, 7), (28, 14), (14, 14), (7, 14), (1, 1), (3, 3)])
def test_rows_of_whole_ratios(queries, keys):
    """Where one grid is a multiple of the other, rows are exact and use the whole table."""
    rows = relative_rows(queries, keys)
    assert torch.equal(rows, exact_rows(queries, keys))
    assert rows.min() == 0
    assert rows.max() <= 2 * max(queries, keys) - 2


@pytest.mark.parametrize(("queries", "moved"), [(78, 103), (39, 38)])
def test_rows_of_the_large_net(queries, moved):
    """At MViTv2-L's own size float32 picks the neighbouring row for as many pairs as the authors' code does."""
    difference = relative_rows(queries, 10) - exact_rows(queries, 10)
    assert difference.count_nonzero() == moved
    assert difference.abs().max() == 1


def test_table_is_resized():
    """A table of another length than its grids need is resized along its rows, and still learns."""
    table = RelativeTable(37, 20, 20, 4)
    with torch.no_grad():
        table.table.copy_(torch.arange(37.0)[:, None].expand(37, 4))
    rows = table()
    assert rows.shape == (20, 20, 4)
    ramp = ((torch.arange(39) + 0.5) * 37 / 39 - 0.5).clamp(0, 36)
    torch.testing.assert_close(rows[19, 0], ramp[38].expand(4))
    torch.testing.assert_close(rows[:, 0, 0], ramp[19:])
    rows.sum().backward()
    assert table.table.grad.any(1).all()


def test_indices_are_no_weights():
    """Indices are buffers that go along to another device, that no checkpoint holds and no cast touches."""
    net = MViTv2(Config(depth=2, width=8, heads=2, strided=(1,), drop=0.1, frames=2, size=32, classes=3))
    buffers = dict(net.named_buffers())
    assert len(buffers) == 2 * 3
    assert not set(buffers) & set(net.state_dict())
    assert {buffer.dtype for buffer in net.half().buffers()} == {torch.int64}
    assert {buffer.device.type for buffer in net.to("meta").buffers()} == {"meta"}


def test_built_on_meta():
    """On meta the net has nothing elsewhere, and takes one pair of frames, whose table of time has one row."""
    with torch.device("meta"):
        net = vidbench.build("mvitv2-s-16x4", frames=2, size=32)
    assert {tensor.device.type for tensor in (*net.parameters(), *net.buffers())} == {"meta"}
    assert net.blocks[0].attention.positions.time.table.shape == (1, 96)
    assert net(torch.empty(2, 3, 2, 32, 32, device="meta")).shape == (2, 400)
