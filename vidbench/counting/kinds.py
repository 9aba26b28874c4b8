"""What kind of work an operator does, and which operators are known to contract nothing."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import torch
from torch import Tensor

from vidbench.counting.contractions import RULES

VIEW: Final = "view"
ELEMENTWISE: Final = "elementwise"
ATTENTION: Final = "attention"
LINEAR: Final = "linear"
RECURRENT: Final = "recurrent"
CREATION: Final = "creation"
CUSTOM: Final = "custom"  # counted by a rule of the user's
UNKNOWN: Final = "unknown"

# Beside these, views and whatever torch itself tags as pointwise. A backward operator is of its forward's kind.
_KINDS = {
    "normalisation": """
        _batch_norm_no_update _batch_norm_with_update _fused_rms_norm _native_batch_norm_legit
        _native_batch_norm_legit_no_training _weight_norm_interface cudnn_batch_norm miopen_batch_norm
        native_batch_norm native_group_norm native_layer_norm""",
    "pooling and reduction": """
        _adaptive_avg_pool2d _adaptive_avg_pool3d _embedding_bag _embedding_bag_forward_only _log_softmax
        _masked_softmax _safe_softmax _softmax adaptive_max_pool2d adaptive_max_pool3d all amax amin aminmax any
        argmax argmin avg_pool2d avg_pool3d binary_cross_entropy binary_cross_entropy_with_logits bincount
        count_nonzero cummax cummin cumprod cumsum equal fractional_max_pool2d fractional_max_pool3d
        huber_loss index_reduce linalg_vector_norm logcumsumexp logsumexp max max_pool2d_with_indices
        max_pool3d_with_indices mean median min mode mse_loss nanmedian nansum nll_loss nll_loss2d norm
        prod scatter_reduce smooth_l1_loss soft_margin_loss std std_mean sum trace value_selecting_reduction
        var var_mean
        """,
    ELEMENTWISE: """
        _prelu_kernel _thnn_fused_gru_cell _thnn_fused_lstm_cell bernoulli exponential fill glu hardswish log_sigmoid
        masked_fill multinomial native_dropout normal polar rand rand_like randint randint_like randn randn_like random
        randperm rrelu_with_noise tril triu uniform zero""",
    "copy": """
        _to_copy _unsafe_index cat channel_shuffle clone col2im complex constant_pad_nd copy diag_embed embedding
        embedding_dense flip gather im2col index index_add index_copy index_fill index_put index_select
        masked_scatter masked_select max_unpool2d max_unpool3d native_channel_shuffle pixel_shuffle pixel_unshuffle put
        reflection_pad1d reflection_pad2d reflection_pad3d repeat repeat_interleave replication_pad1d
        replication_pad2d replication_pad3d roll rot90 scatter scatter_add select select_scatter set slice
        slice_scatter split_with_sizes_copy stack take unfold unsafe_split unsafe_split_with_sizes""",
    "resampling": """
        _upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_nearest_exact1d _upsample_nearest_exact2d
        _upsample_nearest_exact3d grid_sampler_2d grid_sampler_3d upsample_bicubic2d upsample_bilinear2d
        upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_trilinear3d""",
    CREATION: """
        arange empty empty_like empty_permuted empty_strided eye full full_like hann_window lift_fresh linspace
        new_empty new_empty_strided new_full new_ones new_zeros ones ones_like resize scalar_tensor tril_indices
        triu_indices zeros zeros_like""",
    "other": """
        _assert_async _fft_c2c _fft_c2r _fft_r2c _local_scalar_dense _unique2 argsort bucketize isin kthvalue nonzero
        searchsorted sort topk unique_consecutive unique_dim""",
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names.split()} | {"_unsafe_view": VIEW}
CONVOLUTIONS = ("dense convolution", "1x1x1 convolution", "grouped convolution", "depthwise convolution")
CONTRACTIONS = (*CONVOLUTIONS, "transposed convolution", LINEAR, ATTENTION, RECURRENT, CUSTOM)
KINDS = (*CONTRACTIONS, *_KINDS, UNKNOWN, VIEW)


@cache
def kind_of(operator: torch._ops.OpOverload) -> str:
    """The kind of an operator that needs no look at its arguments; UNKNOWN where it is not known to contract nothing.

    Of convolutions and matrix products, which `kind_of_call` tells apart, the commonest kind.
    """
    name = operator._schema.name.replace("::", ".", 1).rstrip("_")
    if name in RULES:
        families = (("attention", ATTENTION), ("rnn", RECURRENT), ("convolution", CONVOLUTIONS[0]))
        return next((kind for part, kind in families if part in name), LINEAR)
    if operator.namespace not in ("aten", "prim", "prims"):
        return UNKNOWN
    if operator.is_view:
        return VIEW
    name = name.partition(".")[2].removeprefix("_foreach_").removesuffix("_data")
    name = name.removesuffix("_backward").removesuffix("_forward")
    if name not in _KIND_OF and torch.Tag.pointwise in operator.tags:
        return ELEMENTWISE
    return _KIND_OF.get(name) or _kind_of_a_form(name)


def is_free(operator: torch._ops.OpOverload) -> bool:
    """Whether the operator is known to contract nothing: views, elementwise work, reductions, norms, pools, copies."""
    return kind_of(operator) not in (*CONTRACTIONS, UNKNOWN)


def _kind_of_a_form(name: str) -> str:
    """The kind of the forms of that name: those in place and backward often lack the tag or the mark of a view."""
    packet = getattr(torch.ops.aten, name, None)
    forms = [getattr(packet, form) for form in packet.overloads()] if packet is not None else []
    if any(form.is_view for form in forms):
        return VIEW
    return ELEMENTWISE if any(torch.Tag.pointwise in form.tags for form in forms) else UNKNOWN


@cache
def is_composite(operator: torch._ops.OpOverload) -> bool:
    """Whether the operator only calls others: it has no kernel of its own on devices that compute."""
    name = operator.name()  # type: ignore[no-untyped-call]
    has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key
    return operator._can_decompose() and not any(has_kernel(name, device) for device in ("CPU", "CUDA"))


def kind_of_convolution(weight: Tensor, *, transposed: bool, groups: int) -> tuple[str, str]:
    """The kind of a convolution and its filter, such as ("depthwise convolution", "3x3x3")."""
    sides = tuple(weight.shape[2:])
    kernel = "x".join(map(str, sides))
    if transposed:
        return "transposed convolution", kernel
    if groups > 1:
        return ("depthwise convolution" if weight.shape[1] == 1 else "grouped convolution"), kernel
    return ("1x1x1 convolution" if max(sides) == 1 else "dense convolution"), kernel


def kind_of_product(operands: Sequence[Any], weights: frozenset[int]) -> str:
    """LINEAR where an operand is one of the weights (by the address of its storage), otherwise ATTENTION."""
    storages = {x.untyped_storage()._cdata for x in operands if isinstance(x, Tensor)}
    return ATTENTION if storages.isdisjoint(weights) else LINEAR
