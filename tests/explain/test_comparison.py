"""What makes one net slower a MAC than another adds up to the whole excess, kind by kind."""

from dataclasses import replace

import pytest
from torch import nn

from vidbench import Clip, count
from vidbench.counting.kinds import CONTRACTIONS, UNKNOWN
from vidbench.devices import Peaks
from vidbench.errors import InputError
from vidbench.explain.comparison import OUTSIDE, compare
from vidbench.explain.explanation import Explanation
from vidbench.explain.findings import find
from vidbench.explain.joining import Module, by_kind, by_operator, grow, pair
from vidbench.records import Case

COUNTED = frozenset(CONTRACTIONS)
PEAKS = Peaks(name="bench", macs_per_second=1e9, bytes_per_second=1e9, method="made up", estimate=False)


def explain(name: str, net: nn.Module, pace: float) -> Explanation:
    """Operators take `pace` seconds a byte, depthwise ones nine times as much; an eighth of the time is outside."""
    calls = count(net.eval(), Clip(frames=4, size=16)).calls
    paces = [9 * pace if call.kind == "depthwise convolution" else pace for call in calls]
    timed = pair(calls, [pace * (call.read + call.written) for pace, call in zip(paces, calls, strict=True)])
    modules = [Module(path, type(m).__name__, 0) for path, m in net.named_modules()]
    root = grow(modules, timed)
    return find(
        Explanation(
            case=Case(model=name, classes=None, frames=4, size=16),
            device="bench",
            environment="k",
            versions={},
            params=0,
            peaks=PEAKS,
            total=root.work.seconds * 8 / 7,
            outside=root.work.seconds / 7,
            waits=False,
            latency=root.work.seconds,
            overhead=1.0,
            root=root,
            kinds=by_kind(timed, COUNTED, kernels=False),
            kernels=by_kind(timed, COUNTED, kernels=True),
            operators=by_operator(timed, COUNTED, frozenset({UNKNOWN})),
        )
    )


@pytest.fixture(scope="module")
def pairs() -> tuple[Explanation, Explanation]:
    light = nn.Sequential(
        nn.Conv3d(3, 48, 1), nn.Conv3d(48, 48, 3, padding=1, groups=48), nn.BatchNorm3d(48), nn.ReLU()
    )
    dense = nn.Sequential(nn.Conv3d(3, 48, 1), nn.Conv3d(48, 48, 3, padding=1), nn.ReLU())
    return explain("light", light, 1e-8), explain("dense", dense, 1e-8)


def test_rows_add_up(pairs):
    found = compare(*pairs)
    assert sum(row.excess for row in found.rows) == pytest.approx(found.excess)
    assert sum(row.share for row in found.rows) == pytest.approx(1)
    assert found.excess == pytest.approx(pairs[0].total - found.macs * pairs[1].total)
    assert sum(row.ours.seconds for row in found.rows if row.ours) == pytest.approx(pairs[0].total)
    assert sum(row.theirs.seconds for row in found.rows if row.theirs) == pytest.approx(pairs[1].total)


def test_names_the_kinds(pairs):
    """The light net is slow a MAC for its depthwise filter, its normalisation and the like; the sentences say so."""
    found = compare(*pairs)
    depthwise = next(row for row in found.rows if row.name == "depthwise convolution 3x3x3")
    assert depthwise.theirs is None
    assert depthwise.excess > 0
    assert any(row.name == OUTSIDE for row in found.rows)
    assert "times as long a MAC" in found.sentences[0]
    assert "depthwise convolution 3x3x3" in found.sentences[1]
    assert "normalisation" in found.sentences[1]


def test_the_better_net(pairs):
    found = compare(*reversed(pairs))
    assert found.excess < 0
    assert "the better of the two" in found.sentences[1]


def test_findings_have_figures(pairs):
    light, _ = pairs
    topics = {finding.topic for finding in light.findings}
    assert {"whole", "limits", "kind", "uncounted", "outside"} <= topics
    depthwise = next(f for f in light.findings if f.text.startswith("depthwise convolution 3x3x3"))
    kernel = next(kind for kind in light.kernels if kind.name == "depthwise convolution")
    assert depthwise.figures["share_of_time"] == pytest.approx(kernel.work.seconds / light.total)
    assert depthwise.figures["share_of_macs"] == pytest.approx(kernel.work.macs / light.root.work.macs)
    assert depthwise.trial == "channels-last"
    assert all(any(character.isdigit() for character in finding.text) for finding in light.findings)
    outside = next(f for f in light.findings if f.topic == "outside")
    assert outside.figures["share_of_time"] == pytest.approx(1 / 8)


def test_shares_of_time_add_up(pairs):
    for one in pairs:
        assert sum(one.share_of_time(kind.work) for kind in one.kinds) + one.outside / one.total == pytest.approx(1)


def test_untimed_nets_are_refused(pairs):
    with pytest.raises(InputError, match="no times"):
        compare(pairs[0], replace(pairs[1], total=None))
