"""One pass under a dispatch mode that sees every operator: MACs and activations, by operator and by module."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from vidbench.clips import load_clip
from vidbench.counting.contractions import RULES, Rule, is_free
from vidbench.errors import CountError, first_line
from vidbench.records import Clip


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What one pass contracts, and what it did beside that.

    Attributes:
        macs: multiply-accumulates of contractions; FLOPs are twice as many.
        params: elements of the model's parameters.
        activations: elements put out by contractions.
        by_module: MACs under each module's path, its children's included; "" is the whole model. A module that stands
            under several paths is counted under the first.
        by_operator: MACs of each kind of contraction; they add up to `macs`.
        uncounted: calls of every other operator that ran.
        unknown: those of `uncounted` that are not known to be free of contractions.
    """

    macs: int
    params: int
    activations: int
    by_module: Mapping[str, int]
    by_operator: Mapping[str, int]
    uncounted: Mapping[str, int]
    unknown: tuple[str, ...]


def count(model: nn.Module, *inputs: Any, train: bool = False) -> Count:
    """Count the multiply-accumulates of one pass of `model`, which is left exactly as it was found.

    On meta tensors (a model built under `torch.device("meta")`) nothing is computed. Fused attention, matrix products
    of any spelling, recurrent layers, grouped, depthwise and transposed convolutions are exact.

    Args:
        model: any module.
        inputs: what its forward takes (tensors on any device, meta included, or lists of them), or one Clip.
        train: count forward and backward; no gradient is taken for inputs that ask for none.

    Raises:
        CountError: the model's work depends on values, which meta tensors do not have.
    """
    if len(inputs) == 1 and isinstance(inputs[0], Clip):
        inputs = (load_clip(inputs[0], device=_device(model)).to(_dtype(model)),)
    operators = _Operators(model, train=train)
    with _untouched(model, train=train):
        try:
            # Some models empty or overwrite the list they are given.
            _run(model, tuple(list(x) if isinstance(x, list) else x for x in inputs), operators, train=train)
        except (RuntimeError, TypeError) as error:
            given = (*model.parameters(), *model.buffers(), *tree_leaves(inputs))
            if not any(isinstance(x, Tensor) and x.is_meta for x in given):
                raise
            raise CountError(
                f"{type(model).__name__} cannot be counted on meta tensors ({first_line(error)}); if its work depends "
                "on its input, count it on a real device with a real clip"
            ) from error
    return operators.count(params=sum(p.numel() for p in model.parameters()))


def _run(model: nn.Module, inputs: tuple[Any, ...], operators: "_Operators", *, train: bool) -> None:
    # Taken before the model can empty a list of inputs.
    asking = [x for x in tree_leaves(inputs) if isinstance(x, Tensor) and x.requires_grad]
    with torch.set_grad_enabled(train), operators.tracked_modules(), operators:
        outputs = model(*inputs)
    if not train:
        return
    differentiable = [y for y in tree_leaves(outputs) if isinstance(y, Tensor) and y.requires_grad]
    if not differentiable:
        raise CountError(f"{type(model).__name__} has no backward pass to count: none of its outputs has a gradient")
    sources = [*(p for p in model.parameters() if p.requires_grad), *asking]
    gradients = [torch.ones_like(y) for y in differentiable]
    with operators.backward(), operators.tracked_modules(), operators:
        torch.autograd.grad(differentiable, sources, gradients, allow_unused=True)


class _Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Tallies each operator below autograd, and which modules were being called when it ran."""

    def __init__(self, model: nn.Module, *, train: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._paths = {id(module): path for path, module in model.named_modules()}
        self._calling = [""]
        self._rules: dict[torch._ops.OpOverload, Rule | None] = {}
        self._composite: set[torch._ops.OpOverload] = set()
        self._calls: Counter[torch._ops.OpOverload] = Counter()
        self._macs: dict[torch._ops.OpOverload, int] = defaultdict(int)
        self._by_module: dict[str, int] = defaultdict(int)  # by the innermost module alone
        self._activations = 0
        self._backward = False
        # Which module the forward pass was in when autograd numbered its nodes: tells where a node of backward is from.
        self._marks: list[tuple[int, str]] | None = [(0, "")] if train else None

    def __torch_dispatch__(
        self, func: torch._ops.OpOverload, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        try:
            rule = self._rules[func]
        except KeyError:
            rule = self._meet(func)
        kwargs = kwargs or {}
        if func in self._composite:
            with self:
                return func.decompose(*args, **kwargs)
        out = func(*args, **kwargs)
        self._calls[func] += 1
        if rule is not None:
            macs = rule(out, *args)  # what torch takes by keyword alone (scale, beta, out) changes no count
            self._macs[func] += macs
            if not self._backward:
                self._activations += (out if isinstance(out, Tensor) else out[0]).numel()
            self._by_module[self._current()] += macs
        return out

    def _meet(self, func: torch._ops.OpOverload) -> Rule | None:
        rule = self._rules[func] = RULES.get(_name(func).rstrip("_"))  # in place (addmm_) costs the same
        # Inference tensors bring composite operators here whole; elsewhere autograd has taken them apart before.
        if rule is None and func._can_decompose():
            self._composite.add(func)
        return rule

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

    def count(self, *, params: int) -> Count:
        """The tally as a Count."""
        by_operator: Counter[str] = Counter()
        uncounted: Counter[str] = Counter()
        unknown = set()
        for func, calls in self._calls.items():
            if self._rules[func] is not None:
                by_operator[_name(func)] += self._macs[func]
            else:
                uncounted[_name(func)] += calls
                if not is_free(func):
                    unknown.add(_name(func))
        return Count(
            macs=by_operator.total(),
            params=params,
            activations=self._activations,
            by_module=self._inclusive(),
            by_operator=dict(by_operator.most_common()),
            uncounted=dict(uncounted.most_common()),
            unknown=tuple(sorted(unknown)),
        )

    def _inclusive(self) -> dict[str, int]:
        """MACs under each path: a module's own and those of all whose path begins with its own."""
        totals = dict.fromkeys(self._paths.values(), 0)
        for path, macs in self._by_module.items():
            parts = path.split(".") if path else []
            for depth in range(len(parts) + 1):
                totals[".".join(parts[:depth])] += macs
        return totals


def _name(func: torch._ops.OpOverload) -> str:
    return func._schema.name.replace("::", ".", 1)


def _device(model: nn.Module) -> torch.device:
    return next((t.device for t in (*model.parameters(), *model.buffers())), torch.device("cpu"))


def _dtype(model: nn.Module) -> torch.dtype:
    return next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)


@contextmanager
def _untouched(model: nn.Module, *, train: bool) -> Iterator[None]:
    """Put back modes, buffers, random state and torch's switches; the native attention path would hide its products."""
    modes = [(module, module.training) for module in model.modules()]
    buffers = [(module, dict(module._buffers.items())) for module in model.modules()]
    contents = [(buffer, buffer.clone()) for buffer in model.buffers()]
    device = _device(model)
    fastpath = torch.backends.mha.get_fastpath_enabled()
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng([device] if device.type == "cuda" else []))
        torch.backends.mha.set_fastpath_enabled(False)
        if train:
            model.train()
        try:
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fastpath)
            for module, training in modes:
                module.training = training
            for module, registered in buffers:
                for name in set(module._buffers.keys()) - registered.keys():
                    del module._buffers[name]
                    module._non_persistent_buffers_set.discard(name)
                for name, kept in registered.items():
                    module._buffers[name] = kept
            with torch.no_grad():
                for buffer, before in contents:
                    if buffer.device.type != "meta" and not torch.equal(buffer, before):
                        buffer.copy_(before)
