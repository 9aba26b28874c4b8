"""The dispatch mode that sees every operator of a pass: its MACs, bytes and outputs, and the module that called it."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode

from vidbench.counting.contractions import ACTIVATIONS, RULES, USER_RULES, Rule
from vidbench.counting.kinds import (
    CREATION,
    CUSTOM,
    LINEAR,
    VIEW,
    is_composite,
    kind_of,
    kind_of_convolution,
    kind_of_product,
)
from vidbench.counting.lifetime import Lifetimes
from vidbench.errors import CountError, first_line

WRITE_ONLY = ("aten.copy", "aten.fill", "aten.zero")  # in place, and what was there before does not matter
READS_AS_IT_WRITES = ("aten.embedding", "aten.index", "aten.index_select", "aten.gather", "aten._unsafe_index")
PRODUCTS = ("aten.bmm", "aten.baddbmm", "aten.addbmm")  # which attention written by hand is made of


class Call(NamedTuple):
    """One call of one operator.

    Attributes:
        module: path of the innermost module that was being called; of backward, the one whose forward it belongs to.
        operator: such as "aten.convolution".
        kind: one of vidbench.counting.kinds.KINDS.
        kernel: the filter of a convolution, such as "3x3x3"; otherwise "".
        shapes: of the tensors put out.
        macs: multiply-accumulates.
        activations: elements put out by a contraction on the way forward.
        read: bytes of the tensors taken in; views move none.
        written: bytes of the tensors put out.
        backward: whether it ran in the backward pass.
    """

    module: str
    operator: str
    kind: str
    kernel: str
    shapes: tuple[tuple[int, ...], ...]
    macs: int
    activations: int
    read: int
    written: int
    backward: bool


@dataclass(frozen=True, slots=True)
class _Manner:
    """How calls of one operator are counted."""

    name: str  # with the underscore of what works in place
    kind: str
    rule: Rule | None
    activations: Rule | None
    is_custom: bool
    is_composite: bool
    is_view: bool
    is_made: bool  # what it puts out is new, not something it was given
    reads: str  # "all", "rest" (all but what is overwritten), "written" (as much as it writes) or "none"
    writes: bool


class Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Logs each operator below autograd, and which modules were being called when it ran.

    Args:
        model: whose modules' paths are told.
        lifetimes: told of every tensor that is made.
        train: whether a backward pass will follow, whose operators belong to modules as those of forward do.
    """

    def __init__(self, model: nn.Module, lifetimes: Lifetimes, *, train: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Call] = []
        self._lifetimes = lifetimes
        self._paths = {id(module): path for path, module in model.named_modules()}
        self._weights = frozenset(t.untyped_storage()._cdata for t in (*model.parameters(), *model.buffers()))
        self._calling = [""]
        self._manners: dict[torch._ops.OpOverload, _Manner] = {}
        self._backward = False
        # Which module the forward pass was in when autograd numbered its nodes: tells where a node of backward is from.
        self._marks: list[tuple[int, str]] | None = [(0, "")] if train else None

    def __torch_dispatch__(
        self, func: torch._ops.OpOverload, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        manner = self._manners.get(func) or self._meet(func)
        kwargs = kwargs or {}
        if manner.is_composite:
            with self:
                return func.decompose(*args, **kwargs)
        out = func(*args, **kwargs)
        self._log(manner, out, args)
        return out

    def _meet(self, func: torch._ops.OpOverload) -> _Manner:
        name = _name(func)
        base = name.rstrip("_")  # in place (addmm_) costs the same
        user_rule = USER_RULES.get(name)
        rule = RULES.get(base, user_rule)
        made = all(result.alias_info is None for result in func._schema.returns)
        manner = self._manners[func] = _Manner(
            name=name,
            kind=kind_of(func) if user_rule is None else CUSTOM,
            rule=rule,
            activations=ACTIVATIONS.get(base),
            is_custom=user_rule is not None,
            # Inference tensors bring composite operators here whole; elsewhere autograd has taken them apart before.
            is_composite=rule is None and is_composite(func),
            is_view=rule is None and kind_of(func) == VIEW,
            is_made=made,
            reads=_reads(base, kind_of(func), made=made),
            writes=not base.startswith(("aten.empty", "aten.new_empty")),
        )
        return manner

    def _log(self, manner: _Manner, out: Any, args: tuple[Any, ...]) -> None:
        module = self._current()
        outputs = [t for t in (out if isinstance(out, tuple | list) else (out,)) if isinstance(t, Tensor)]
        shapes = tuple([tuple(t.shape) for t in outputs])
        if manner.is_view:
            self.calls.append(Call(module, manner.name, VIEW, "", shapes, 0, 0, 0, 0, self._backward))
            return
        written = sum([t.numel() * t.itemsize for t in outputs]) if manner.writes else 0
        if manner.reads in ("all", "rest"):
            read = _bytes(args if manner.reads == "all" else args[1:])
        else:
            read = written if manner.reads == "written" else 0
        if manner.is_made:
            for t in outputs:
                self._lifetimes.follow(t, module, manner.name)
        macs, activations, kind, kernel = 0, 0, manner.kind, ""
        if manner.rule is not None:
            macs = self._apply(manner, manner.rule, out, args)
            kind, kernel = self._classify(manner, args)
            if not self._backward and outputs and not manner.is_custom:
                activations = manner.activations(out, *args) if manner.activations else outputs[0].numel()
        self.calls.append(
            Call(module, manner.name, kind, kernel, shapes, macs, activations, read, written, self._backward)
        )

    def _apply(self, manner: _Manner, rule: Rule, out: Any, args: tuple[Any, ...]) -> int:
        if not manner.is_custom:
            return rule(out, *args)  # what torch takes by keyword alone (scale, beta, out) changes no count
        try:
            macs = rule(out, *args)
        except Exception as error:
            raise CountError(
                f"the rule for {manner.name} failed: {type(error).__name__}: {first_line(error)}"
            ) from error
        if isinstance(macs, bool) or not isinstance(macs, int) or macs < 0:
            raise CountError(f"the rule for {manner.name} gave {macs!r}; it must give its MACs as a whole number")
        return macs

    def _classify(self, manner: _Manner, args: tuple[Any, ...]) -> tuple[str, str]:
        if "convolution" in manner.name and not manner.is_custom:
            first = 3 if "backward" in manner.name else 2  # of the settings behind (grad,) input, weight
            # backward: bias sizes, stride, padding, dilation, transposed, output padding, groups; forward: bias, ...
            transposed, groups = args[first + 4], args[first + 6]
            return kind_of_convolution(args[first - 1], transposed=transposed, groups=groups)
        if manner.kind == LINEAR and manner.name.rstrip("_") in PRODUCTS:
            return kind_of_product(args, self._weights), ""
        return manner.kind, ""

    def _current(self) -> str:
        """The innermost module that is being called or, in backward, whose call made the node that runs."""
        node = torch._C._current_autograd_node() if self._backward and len(self._calling) == 1 else None
        if node is None or self._marks is None:
            return self._calling[-1]
        return self._marks[bisect_right(self._marks, node._sequence_nr(), key=lambda mark: mark[0]) - 1][1]

    @contextmanager
    def tracked_modules(self) -> Iterator[None]:
        """While this is open, the paths of the modules being called are known."""

        def enter(module: nn.Module, _inputs: Any) -> None:
            self._calling.append(self._paths.get(id(module), self._calling[-1]))
            self._mark()

        def leave(_module: nn.Module, _inputs: Any, _output: Any) -> None:
            self._calling.pop()
            self._mark()

        hooks = (register_module_forward_pre_hook(enter), register_module_forward_hook(leave, always_call=True))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    @contextmanager
    def backward(self) -> Iterator[None]:
        """While this is open, what contractions put out is gradients, not activations."""
        self._backward = True
        try:
            yield
        finally:
            self._backward = False

    def _mark(self) -> None:
        if self._marks is not None:
            self._marks.append((torch._C._autograd._get_sequence_nr(), self._calling[-1]))


def _name(func: torch._ops.OpOverload) -> str:
    return func._schema.name.replace("::", ".", 1)


def _reads(name: str, kind: str, *, made: bool) -> str:
    if kind == CREATION:
        return "none"
    if not made and name in WRITE_ONLY:
        return "rest"
    return "written" if name in READS_AS_IT_WRITES else "all"


def _bytes(values: Sequence[Any]) -> int:
    """Of all tensors among them; an expanded one is read as often as it is stored."""
    total = 0
    for value in values:
        if isinstance(value, Tensor):
            size = value.numel() * value.itemsize
            stored = value.untyped_storage().nbytes()
            total += min(size, stored)
        elif isinstance(value, list | tuple):
            total += _bytes(value)
    return total
