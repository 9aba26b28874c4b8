"""One pass of a net, counted: forward, or forward and backward; the net is left exactly as it was."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # as all the world does
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from vidbench.clips import load_clip
from vidbench.counting.kinds import CONTRACTIONS, UNKNOWN
from vidbench.counting.lifetime import Lifetimes, Peak
from vidbench.counting.operators import Call, Operators
from vidbench.errors import CountError, first_line
from vidbench.records import Clip


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What one pass contracts, moves and holds, and what it did beside that.

    Attributes:
        macs: multiply-accumulates of contractions; FLOPs are twice as many.
        params: elements of the model's parameters.
        activations: elements put out by contractions.
        by_module: MACs under each module's path, its children's included; "" is the whole model. A module that stands
            under several paths is counted under the first.
        by_operator: MACs of each kind of contraction; they add up to `macs`.
        uncounted: calls of every other operator that ran.
        unknown: those of `uncounted` that are not known to be free of contractions.
        calls: every operator that ran, in order: its module, kind, output shapes, MACs, bytes read and written.
        peak: the most bytes that weights, inputs and activations take at once.
    """

    macs: int
    params: int
    activations: int
    by_module: Mapping[str, int]
    by_operator: Mapping[str, int]
    uncounted: Mapping[str, int]
    unknown: tuple[str, ...]
    calls: tuple[Call, ...]
    peak: Peak


def count(model: nn.Module, *inputs: Any, train: bool = False, block: int = 1) -> Count:
    """Count the multiply-accumulates, bytes and memory of one pass of `model`, which is left exactly as it was found.

    On meta tensors (a model built under `torch.device("meta")`) nothing is computed. Fused attention, matrix products
    of any spelling, recurrent layers, grouped, depthwise and transposed convolutions are exact.

    Args:
        model: any module.
        inputs: what its forward takes (tensors on any device, meta included, or lists of them), or one Clip.
        train: count forward and backward; no gradient is taken for inputs that ask for none.
        block: round the bytes of each tensor in `peak` up to multiples of this, as allocators do (CUDA's: 512).

    Raises:
        CountError: the model's work depends on values, which meta tensors do not have, or a user's rule failed.
    """
    if len(inputs) == 1 and isinstance(inputs[0], Clip):
        inputs = (load_clip(inputs[0], device=_device(model)).to(_dtype(model)),)
    given = [x for x in tree_leaves(inputs) if isinstance(x, Tensor)]
    weights = (*model.parameters(), *model.buffers())
    on_meta = any(x.is_meta for x in (*weights, *given))
    lifetimes = Lifetimes(weights, given, block)
    operators = Operators(model, lifetimes, train=train)
    with _untouched(model, train=train), _AttentionKeptWhole() if on_meta else nullcontext():
        try:
            # Some models empty or overwrite the list they are given.
            _run(model, tuple(list(x) if isinstance(x, list) else x for x in inputs), operators, train=train)
        except (RuntimeError, TypeError) as error:
            if not on_meta:
                raise
            raise CountError(
                f"{type(model).__name__} cannot be counted on meta tensors ({first_line(error)}); if its work depends "
                "on its input, count it on a real device with a real clip"
            ) from error
    return _sum_up(model, operators, lifetimes.peak())


def _run(model: nn.Module, inputs: tuple[Any, ...], operators: Operators, *, train: bool) -> None:
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


class _AttentionKeptWhole(TorchFunctionMode):
    """On meta tensors torch takes attention apart, where devices that compute run it fused, without its scores.

    Taken apart it would have other operators than on a device, and scores in memory that no device keeps.
    """

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is F.scaled_dot_product_attention:
            whole = _attend(*args, **kwargs)
            if whole is not None:
                return whole
        return func(*args, **kwargs)


def _attend(  # noqa: PLR0917  # torch's own signature
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,  # noqa: FBT001
    scale: float | None = None,
    enable_gqa: bool = False,  # noqa: FBT001
) -> Tensor | None:
    """The fused operator's output; None for what it does not take, which torch takes apart on every device."""
    alike = query.dim() == key.dim() == value.dim() == 4 and query.shape[-1] == key.shape[-1] == value.shape[-1]
    dense = all(t.stride(-1) == 1 for t in (query, key, value))
    masked = attn_mask is not None and (attn_mask.requires_grad or is_causal)
    if not (query.is_meta and alike and dense) or masked or dropout_p > 0.0 or enable_gqa:
        return None
    fused = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    out: Tensor = fused(query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale)[0]
    return out


def _sum_up(model: nn.Module, operators: Operators, peak: Peak) -> Count:
    by_operator: Counter[str] = Counter()
    uncounted: Counter[str] = Counter()
    own: Counter[str] = Counter()
    for call in operators.calls:
        if call.kind in CONTRACTIONS:
            by_operator[call.operator] += call.macs
            own[call.module] += call.macs
        else:
            uncounted[call.operator] += 1
    return Count(
        macs=by_operator.total(),
        params=sum(p.numel() for p in model.parameters()),
        activations=sum(call.activations for call in operators.calls),
        by_module=_with_children(own, [path for path, _ in model.named_modules()]),
        by_operator=dict(by_operator.most_common()),
        uncounted=dict(uncounted.most_common()),
        unknown=tuple(sorted({call.operator for call in operators.calls if call.kind == UNKNOWN})),
        calls=tuple(operators.calls),
        peak=peak,
    )


def _with_children(own: Mapping[str, int], paths: list[str]) -> dict[str, int]:
    """What stands under each path: a module's own and that of all whose path begins with its own."""
    totals = dict.fromkeys(paths, 0)
    for path, macs in own.items():
        parts = path.split(".") if path else []
        for depth in range(len(parts) + 1):
            totals[".".join(parts[:depth])] += macs
    return totals


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
