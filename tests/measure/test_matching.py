"""Events of a profile find the counted calls that they are."""

from vidbench.counting import Call
from vidbench.measure.matching import Claim, match_calls
from vidbench.measure.profiler import CALL, Event

SCOPES = {"model Net": "", "module a": "a", "module a.b": "a.b", "module c": "c"}


def event(name: str, *children: Event, works: bool = True) -> Event:
    """One that lasts as long as its children and 10 ns more."""
    length = 10 + sum(child.end - child.start for child in children)
    return Event(name, 0, length, 0, works and "::" in name, list(children))


def calls(*names: tuple[str, str]) -> list[Call]:
    return [Call(module, operator, "elementwise", "", (), 0, 0, 0, 0, False) for module, operator in names]


def match(root: list[Event], expected: list[Call]) -> list[Claim]:
    return match_calls(event(CALL, event("model Net", *root)), expected, SCOPES)


def found(claims: list[Claim]) -> list[tuple[str, int | None]]:
    return [(claim.name, claim.call) for claim in claims]


def test_whole_event():
    """An operator's event is taken with all inside it; what only calls it takes no part."""
    inner = event("aten::convolution", event("aten::mkldnn_convolution", event("aten::empty")))
    claims = match([event("module a", event("aten::conv3d", inner, works=False))], calls(("a", "aten.convolution")))
    assert claims == [Claim(inner, "aten.convolution", "a", 0)]


def test_same_work_by_another_name():
    """In place or not, and names that differ between a count and a run, are the same operator."""
    names = ["aten::relu_", "aten::native_batch_norm", "aten::_reshape_alias"]
    expected = calls(*[("", f"aten.{name}") for name in ("relu", "_native_batch_norm_legit_no_training", "view")])
    assert [claim.call for claim in match([event(name) for name in names], expected)] == [0, 1, 2]


def test_order_within_modules():
    """Where one module did more than was counted and another less, the rest keeps its place."""
    root = [
        event("module a", event("aten::relu"), event("aten::tanh")),
        event("module c", event("aten::add")),
        event("aten::relu"),
    ]
    expected = calls(("a", "aten.relu"), ("c", "aten.add"), ("c", "aten.relu"), ("", "aten.relu"))
    assert found(match(root, expected)) == [("aten.relu", 0), ("aten.tanh", None), ("aten.add", 1), ("aten.relu", 3)]


def test_one_event_for_several_modules():
    """A fast path runs in one event what was counted in the modules inside; what is its own has the rest of it."""
    fused = event("aten::_fast", event("aten::addmm"), event("aten::_fused"), event("aten::gelu"))
    claims = match([event("module a", fused)], calls(("a.b", "aten.addmm"), ("a.b", "aten.mul"), ("a", "aten.gelu")))
    assert found(claims) == [("aten._fast", None), ("aten.addmm", 0), ("aten._fused", None), ("aten.gelu", 2)]
    assert [claim.own for claim in claims] == [True, False, False, False]
    assert {claim.module for claim in claims} == {"a"}


def test_unrelated_modules():
    """An operator of one module is never taken for that of another."""
    root = [event("module c", *map(event, ("aten::relu", "aten::add", "aten::relu", "aten::mul")))]
    expected = calls(("c", "aten.relu"), ("c", "aten.add"), ("a", "aten.relu"), ("c", "aten.mul"))
    assert found(match(root, expected)) == [("aten.relu", 0), ("aten.add", 1), ("aten.relu", None), ("aten.mul", 3)]


def test_unknown_operator():
    """What no call stands for is one claim, however much is inside it; scopes of the user's are none."""
    root = [event("mine::op", event("aten::empty"), event("aten::copy_")), event("user's scope", event("aten::relu"))]
    claims = match(root, calls(("", "aten.relu")))
    assert found(claims) == [("mine.op", None), ("aten.relu", 0)]
