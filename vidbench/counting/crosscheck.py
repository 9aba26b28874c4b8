"""Other counters on the same net and input, and what their difference to ours consists of, operator by operator."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from io import StringIO
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from vidbench.counting.contractions import RULES
from vidbench.counting.kinds import is_free
from vidbench.counting.passes import Count, count
from vidbench.errors import VidbenchError
from vidbench.records import CrossCheck

ELSEWHERE = "elsewhere"


class CounterError(VidbenchError):
    """Another counter gave no figure."""


def compare(counter: str, net: nn.Module, *inputs: Any) -> CrossCheck:
    """Let fvcore or ptflops (its `aten` backend) count a net that has weights, and attribute the difference to ours.

    Both count the same tensors, with the fused path of nn.MultiheadAttention off, in which neither of them sees the
    products. Call it in a process of its own: counters leave hooks behind, and modes and statistics changed.

    Raises:
        CounterError: the counter gave no figure and no reason; what else it or the net raises is passed on.
    """
    with torch.no_grad(), _native_attention_off():
        ours = count(net, *inputs)
        tally = _Tally()
        macs = _COUNTERS[counter](net, inputs, ours, tally)
    elsewhere = macs - ours.macs - tally.attributed()
    unexplained = {**tally.disputed, **({ELSEWHERE: elsewhere} if elsewhere else {})}
    return CrossCheck(
        counter=counter,
        version=version(counter),
        macs=macs,
        ours=ours.macs,
        beside=dict(tally.beside.most_common()),
        missed=dict(tally.missed.most_common()),
        rounded=dict(tally.rounded),
        unexplained=unexplained,
        skipped=dict(tally.skipped.most_common()),
        unjudged={name: tally.skipped[name] for name in sorted(tally.unjudged)} if unexplained else {},
    )


@contextmanager
def _native_attention_off() -> Iterator[None]:
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


class _Tally:
    """What a counter's figures are beside ours, call by call, summed by operator."""

    def __init__(self) -> None:
        self.seen = 0  # our MACs of all calls that the counter has a rule for
        self.beside: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.rounded: Counter[str] = Counter()
        self.disputed: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.unjudged: set[str] = set()

    def add(self, operator: str, theirs: int, ours: int | None) -> None:
        """One call of an operator that the counter has a rule for; `ours` is None where we cannot count it alone."""
        self.seen += ours or 0
        difference = theirs - (ours or 0)
        if difference == 0:
            return
        if ours == 0:
            self.beside[operator] += difference
        elif ours and operator == "einsum" and abs(difference) <= _rounding(ours):
            self.rounded[operator] += difference
        else:
            self.disputed[operator] += difference

    def miss(self, operator: str, ours: int | None) -> None:
        """One call, or all calls, of an operator that the counter has no rule for."""
        if ours is None:
            self.unjudged.add(operator)
        elif ours:
            self.missed[operator] += ours

    def attributed(self) -> int:
        """The part of the difference that is some operator's."""
        return self.beside.total() + self.rounded.total() + self.disputed.total() - self.missed.total()


def _rounding(macs: int) -> float:
    """By how much fvcore can be off an einsum: it halves the FLOPs that it reads off four digits that numpy prints."""
    unit = 10.0 ** (len(str(2 * macs)) - 4)
    return max(unit, 1) / 4 + 1


def _ask_fvcore(net: nn.Module, inputs: tuple[Any, ...], ours: Count, tally: _Tally) -> int:
    from fvcore.nn import FlopCountAnalysis
    from fvcore.nn.flop_count import _DEFAULT_SUPPORTED_OPS

    def analyse(handles: Mapping[str, Any]) -> Any:
        analysis = FlopCountAnalysis(net, _fresh(inputs)).tracer_warnings("none")
        analysis.unsupported_ops_warnings(enabled=False).uncalled_modules_warnings(enabled=False)
        return analysis.set_op_handle(**handles)

    def compared(name: str, handle: Callable[..., Any]) -> Callable[..., Any]:
        def compare_node(operands: list[Any], results: list[Any]) -> Any:
            found = handle(operands, results)
            theirs = sum(found.values()) if isinstance(found, Mapping) else found
            tally.add(name, round(theirs), _count_node(operands, results))
            return found

        return compare_node

    def missed(name: str) -> Callable[..., int]:
        def miss_node(operands: list[Any], results: list[Any]) -> int:
            tally.miss(name, _count_node(operands, results))
            return 0

        return miss_node

    kinds = {kind: kind.partition("::")[2].lstrip("_") for kind in _DEFAULT_SUPPORTED_OPS}
    analysis = analyse({kind: compared(name, _DEFAULT_SUPPORTED_OPS[kind]) for kind, name in kinds.items()})
    macs: int = round(analysis.total())
    unsupported = {kind: kind.partition("::")[2].rstrip("_") for kind in analysis.unsupported_ops()}
    for kind, calls in analysis.unsupported_ops().items():
        tally.skipped[unsupported[kind]] += calls
    if tally.seen != ours.macs:  # what it skipped contracts; a second trace tells which operator and how much
        analyse({kind: missed(name) for kind, name in unsupported.items()}).total()
    return macs


def _count_node(operands: list[Any], results: list[Any]) -> int | None:
    """Our MACs of one node of a traced graph; None where they cannot be told."""
    node = results[0].node() if results else None
    if node is None or node.kind().startswith("prim::"):  # a function of Python's or of a script's
        return None
    try:
        schema = torch._C.parse_schema(node.schema())
        namespace, _, name = schema.name.partition("::")
        operator = getattr(getattr(getattr(torch.ops, namespace), name), schema.overload_name or "default")
        values = [_operand(value) for value in operands]
        out = _operand(results[0])
    except (AttributeError, RuntimeError):
        return None
    if is_free(operator):
        return 0
    by_name = {argument.name: value for argument, value in zip(schema.arguments, values, strict=False)}
    keywords = {argument.name: by_name.pop(argument.name) for argument in schema.arguments if argument.kwarg_only}
    return _count_call(operator, out, tuple(by_name.values()), keywords)


def _operand(value: Any) -> Any:
    """A value of a traced graph as an argument: tensors as meta tensors of its shape."""
    node = value.node()
    if value.isCompleteTensor():
        return torch.empty(value.type().sizes(), dtype=value.type().dtype(), device="meta")
    if node.kind() == "prim::ListConstruct":
        return [_operand(element) for element in node.inputs()]
    return value.toIValue()


def _ask_ptflops(net: nn.Module, inputs: tuple[Any, ...], ours: Count, tally: _Tally) -> int:
    from ptflops import get_model_complexity_info
    from ptflops.aten_ops import ATEN_OPS_MAPPING

    def compared(packet: Any, rule: Callable[..., int]) -> Callable[..., int]:
        name = str(packet).removeprefix("aten.")
        place = {"addmm": 0, "convolution": 2, "_convolution": 2}.get(name)  # of the bias among the arguments

        def compare_call(arguments: tuple[Any, ...], outputs: tuple[Any, ...]) -> int:
            found = rule(arguments, outputs)
            unbiased = tuple(None if index == place else value for index, value in enumerate(arguments))
            products = rule(unbiased, outputs)
            tally.add("bias", found - products, 0)
            tally.add(name, products, _count_call(packet, outputs[0], arguments, {}))
            return found

        return compare_call

    watched, told = _Watched(net), StringIO()
    macs, _ = get_model_complexity_info(
        watched, (1,), backend="aten", as_strings=False, print_per_layer_stat=False, verbose=True, ost=told,
        input_constructor=lambda _: _fresh(inputs),
        custom_modules_hooks={packet: compared(packet, rule) for packet, rule in ATEN_OPS_MAPPING.items()},
    )  # fmt: skip
    if macs is None:
        raise watched.error or CounterError("it gave no figure and no reason")
    skipped = Counter(re.findall(r"^Warning: (\S+) operation is treated as a zero-op$", told.getvalue(), re.M))
    for name, calls in skipped.items():
        short = name.removeprefix("aten.").rstrip("_")
        tally.miss(short, None if name in ours.unknown else ours.by_operator.get(name, 0))
        if not _only_moves(name):
            tally.skipped[short] += calls
    return int(macs)


_COUNTERS: Mapping[str, Callable[[nn.Module, tuple[Any, ...], Count, _Tally], int]] = {
    "fvcore": _ask_fvcore,
    "ptflops": _ask_ptflops,
}


class _Watched(nn.Module):
    """Calls a net with one tuple of inputs, and keeps the error that ptflops would print and forget.

    The net is no child of it, so that ptflops neither hooks it nor puts it in eval mode.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.nets = (net,)
        self.error: Exception | None = None

    def forward(self, inputs: tuple[Any, ...]) -> Any:
        try:
            return self.nets[0](*inputs)
        except Exception as error:
            self.error = error
            raise


class _Call(nn.Module):
    """One call of an operator, as a net."""

    def __init__(self, operator: Callable[..., Any]) -> None:
        super().__init__()
        self.operator = operator

    def forward(self, *arguments: Any) -> Any:
        return self.operator(*arguments)


def _count_call(
    operator: Callable[..., Any], out: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
) -> int | None:
    """Our MACs of one call: by its rule or, of what is made of other operators, by a count on meta tensors alone.

    None where it cannot be counted alone, or runs what is not known to be free of contractions.
    """
    if rule := RULES.get(str(operator).removesuffix(".default")):
        return rule(out, *arguments)
    try:
        counted = count(_Call(partial(operator, **keywords)), *tree_map(_to_meta, arguments))
    except Exception:  # whatever an operator raises on meta tensors
        return None
    return None if counted.unknown else counted.macs


def _to_meta(value: Any) -> Any:
    return torch.empty_like(value, device="meta") if isinstance(value, Tensor) else value


def _fresh(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs with lists of their own, which some models empty or overwrite."""
    return tuple(list(x) if isinstance(x, list) else x for x in inputs)


_MOVES = frozenset({"_to_copy", "_unsafe_view", "clone", "copy_", "empty", "empty_like", "empty_strided", "new_empty"})


def _only_moves(name: str) -> bool:
    """Whether the operator only views, allocates or copies."""
    namespace, _, short = name.partition(".")
    packet = getattr(getattr(torch.ops, namespace), short)
    return short in _MOVES or any(getattr(packet, form).is_view for form in packet.overloads())
