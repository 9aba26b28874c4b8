"""How many multiply-accumulates each contraction of torch does, and which operators are known to do none."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

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


_FUSED_ATTENTION = ("flash_attention", "flash_attention_for_cpu", "efficient_attention", "cudnn_attention")

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

# Beside these, views and whatever torch itself tags as pointwise. A backward operator is free where its forward is.
_FREE = frozenset(
    """
    _adaptive_avg_pool2d _adaptive_avg_pool3d _assert_async _batch_norm_no_update _batch_norm_with_update
    _embedding_bag _embedding_bag_forward_only _fft_c2c _fft_c2r _fft_r2c _fused_rms_norm _local_scalar_dense
    _log_softmax _masked_softmax _native_batch_norm_legit _native_batch_norm_legit_no_training _prelu_kernel
    _safe_softmax _softmax _thnn_fused_gru_cell _thnn_fused_lstm_cell _to_copy _unique2 _unsafe_index
    _unsafe_view _upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_nearest_exact1d
    _upsample_nearest_exact2d _upsample_nearest_exact3d _weight_norm_interface adaptive_max_pool2d
    adaptive_max_pool3d all amax amin aminmax any arange argmax argmin argsort avg_pool2d avg_pool3d bernoulli
    binary_cross_entropy binary_cross_entropy_with_logits bincount bucketize cat channel_shuffle clone col2im
    complex constant_pad_nd copy count_nonzero cudnn_batch_norm cummax cummin cumprod cumsum diag_embed
    embedding embedding_dense empty empty_like empty_permuted empty_strided equal exponential eye fill flip
    fractional_max_pool2d fractional_max_pool3d full full_like gather glu grid_sampler_2d grid_sampler_3d
    hann_window hardswish huber_loss im2col index index_add index_copy index_fill index_put index_reduce
    index_select isin kthvalue lift_fresh linalg_vector_norm linspace log_sigmoid logcumsumexp logsumexp
    masked_fill masked_scatter masked_select max max_pool2d_with_indices max_pool3d_with_indices max_unpool2d
    max_unpool3d mean median min miopen_batch_norm mode mse_loss multinomial nanmedian nansum native_batch_norm
    native_channel_shuffle native_dropout native_group_norm native_layer_norm new_empty new_empty_strided
    new_full new_ones new_zeros nll_loss nll_loss2d nonzero norm normal ones ones_like pixel_shuffle
    pixel_unshuffle polar prod put rand rand_like randint randint_like randn randn_like random randperm
    reflection_pad1d reflection_pad2d reflection_pad3d repeat repeat_interleave replication_pad1d
    replication_pad2d replication_pad3d resize roll rot90 rrelu_with_noise scalar_tensor scatter scatter_add
    scatter_reduce searchsorted select select_scatter set slice slice_scatter smooth_l1_loss soft_margin_loss
    sort split_with_sizes_copy stack std std_mean sum take topk trace tril tril_indices triu triu_indices unfold
    uniform unique_consecutive unique_dim unsafe_split unsafe_split_with_sizes upsample_bicubic2d
    upsample_bilinear2d upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d
    upsample_trilinear3d value_selecting_reduction var var_mean zero zeros zeros_like
    """.split()  # noqa: SIM905
)


def is_free(operator: torch._ops.OpOverload) -> bool:
    """Whether the operator is known to contract nothing: views, elementwise work, reductions, norms, pools, copies."""
    if operator.namespace not in ("aten", "prim", "prims"):
        return False
    if _only_touches_elements(operator):
        return True
    name = operator._schema.name.partition("::")[2].rstrip("_").removeprefix("_foreach_").removesuffix("_data")
    name = name.removesuffix("_backward").removesuffix("_forward")
    return _has_free_form(name) or name in _FREE


def _only_touches_elements(operator: torch._ops.OpOverload) -> bool:
    return operator.is_view or torch.Tag.pointwise in operator.tags


@cache
def _has_free_form(name: str) -> bool:
    """Whether the operator is a view or pointwise in some form: those in place and backward often lack the tag."""
    packet = getattr(torch.ops.aten, name, None)
    return packet is not None and any(_only_touches_elements(getattr(packet, form)) for form in packet.overloads())
