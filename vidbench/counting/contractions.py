"""How many multiply-accumulates each contraction of torch does, and a user's rules for operators of their own."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from vidbench.errors import InputError

Rule = Callable[..., int]  # (output, *arguments of the operator) -> MACs


# Each output element, or each input element of a transposed convolution, meets one filter.
def _convolution(out: Tensor, x: Tensor, weight: Tensor, *settings: Any) -> int:
    transposed: bool = settings[4]
    filtered = x if transposed else out
    return filtered.numel() * (weight.numel() // weight.shape[0])


# The gradients of input and of weight cost a forward pass each, whatever the groups.
def _convolution_backward(_out: Any, grad: Tensor, x: Tensor, weight: Tensor, *settings: Any) -> int:
    transposed: bool = settings[4]
    output_mask: Sequence[bool] = settings[7]
    return _convolution(grad, x, weight, None, None, None, None, transposed) * sum(output_mask[:2])


def _mm(_out: Any, a: Tensor, b: Tensor, *_: Any) -> int:
    return a.numel() * b.shape[-1]


def _addmm(_out: Any, _bias: Any, a: Tensor, b: Tensor, *_: Any) -> int:
    return a.numel() * b.shape[-1]


def _mv(_out: Any, a: Tensor, _vector: Any, *_: Any) -> int:
    return a.numel()


def _addmv(_out: Any, _bias: Any, a: Tensor, _vector: Any, *_: Any) -> int:
    return a.numel()


def _attention(_out: Any, q: Tensor, k: Tensor, v: Tensor, *_: Any) -> int:
    # Two products a query and key: over the width of the keys, and of the values. Masks save none by this convention.
    return q.numel() // q.shape[-1] * k.shape[-2] * (k.shape[-1] + v.shape[-1])


def _attention_backward(_out: Any, _grad: Any, q: Tensor, k: Tensor, v: Tensor, *_: Any) -> int:
    # Four products; the scores that fused kernels work out a second time are not counted.
    return 2 * _attention(None, q, k, v)


def _mkldnn_rnn(_out: Any, x: Tensor, w_input: Tensor, w_hidden: Tensor, *_: Any) -> int:
    return x.numel() // x.shape[-1] * (w_input.numel() + w_hidden.numel())


def _cudnn_rnn(_out: Any, x: Tensor, weights: Sequence[Tensor], *_: Any) -> int:
    return x.numel() // x.shape[-1] * sum(w.numel() for w in weights if w.dim() > 1)


# The gradients of inputs and states, which fused layers always work out, and those of the weights: a forward pass each.
def _mkldnn_rnn_backward(_out: Any, x: Tensor, w_input: Tensor, w_hidden: Tensor, *_: Any) -> int:
    return 2 * _mkldnn_rnn(None, x, w_input, w_hidden)


def _cudnn_rnn_backward(_out: Any, x: Tensor, weights: Sequence[Tensor], *settings: Any) -> int:
    output_mask: Sequence[bool] = settings[-1]
    return _cudnn_rnn(None, x, weights) * (1 + output_mask[3])


# What the contractions inside a fused operator would put out: its count is then the same whether it is fused or not.
def _attention_activations(_out: Any, q: Tensor, k: Tensor, v: Tensor, *_: Any) -> int:
    return q.numel() // q.shape[-1] * (k.shape[-2] + v.shape[-1])


def _mkldnn_rnn_activations(_out: Any, x: Tensor, w_input: Tensor, w_hidden: Tensor, *_: Any) -> int:
    return x.numel() // x.shape[-1] * (w_input.shape[0] + w_hidden.shape[0])


def _cudnn_rnn_activations(_out: Any, x: Tensor, weights: Sequence[Tensor], *_: Any) -> int:
    return x.numel() // x.shape[-1] * sum(w.shape[0] for w in weights if w.dim() > 1)


_FUSED_ATTENTION = (
    "flash_attention", "flash_attention_for_cpu", "efficient_attention", "cudnn_attention",
    "fused_attention_overrideable", "attention_math_for_mps",  # of other devices
)  # fmt: skip

RULES: dict[str, Rule] = {
    "aten.convolution": _convolution,
    "aten._convolution": _convolution,  # of traced modules
    "aten.convolution_overrideable": _convolution,
    "aten.convolution_backward": _convolution_backward,
    "aten.mm": _mm,
    "aten.bmm": _mm,
    "aten.dot": _mv,
    "aten.vdot": _mv,
    "aten.mv": _mv,
    "aten.addmm": _addmm,
    "aten._addmm_activation": _addmm,
    "aten.addbmm": _addmm,
    "aten.baddbmm": _addmm,
    "aten.addmv": _addmv,
    **{f"aten._scaled_dot_product_{kind}": _attention for kind in _FUSED_ATTENTION},
    **{f"aten._scaled_dot_product_{kind}_backward": _attention_backward for kind in _FUSED_ATTENTION},
    "aten.mkldnn_rnn_layer": _mkldnn_rnn,
    "aten.mkldnn_rnn_layer_backward": _mkldnn_rnn_backward,
    "aten._cudnn_rnn": _cudnn_rnn,
    "aten._cudnn_rnn_backward": _cudnn_rnn_backward,
}

ACTIVATIONS: dict[str, Rule] = {  # of all others: the elements of their first output
    **{f"aten._scaled_dot_product_{kind}": _attention_activations for kind in _FUSED_ATTENTION},
    "aten.mkldnn_rnn_layer": _mkldnn_rnn_activations,
    "aten._cudnn_rnn": _cudnn_rnn_activations,
}

USER_RULES: dict[str, Rule] = {}


def register_rule(operator: str | torch._ops.OpOverloadPacket | torch._ops.OpOverload, rule: Rule) -> None:
    """Say how many MACs an operator of one's own does, so that counts include it and no longer call it unknown.

    Args:
        operator: such as "mylib::attend", or torch.ops.mylib.attend.
        rule: takes the operator's output and its positional arguments, and gives its MACs; 0 for none.

    Raises:
        InputError: the name is none of an operator's, or vidbench has a rule for that operator.
    """
    name = operator if isinstance(operator, str) else str(operator)
    namespace, found, rest = name.replace("::", ".", 1).partition(".")
    if not (namespace and found and rest):
        raise InputError(f"a rule is for an operator such as 'mylib::attend', not for {name!r}")
    if namespace in ("aten", "prim", "prims"):
        raise InputError(f"{name} is torch's own, which vidbench counts itself; register rules for your own operators")
    USER_RULES[f"{namespace}.{rest.partition('.')[0]}"] = rule
