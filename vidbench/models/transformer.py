"""What vision transformers share, whose tokens are a sequence a frame, a place or a clip."""

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional

from vidbench.models.layers import start_small


def attend(packed_FNC: Tensor, heads: int) -> Tensor:
    """Multi-head attention among the tokens of each sequence, softmax(q k / sqrt(d)) v: (F, N, 3D) -> (F, N, D).

    Args:
        packed_FNC: all of the queries, then all keys, then all values, each head by head.
        heads: how many, of d = D / heads numbers each.
    """
    q_FhNd, k_FhNd, v_FhNd = packed_FNC.view(*packed_FNC.shape[:2], 3, heads, -1).permute(2, 0, 3, 1, 4)
    # Not torch's own module of attention: its fused kernel would hide both products from whoever counts operators.
    mixed_FhNd = functional.scaled_dot_product_attention(q_FhNd, k_FhNd, v_FhNd)
    return mixed_FhNd.transpose(1, 2).flatten(2)


def mlp(norm: nn.LayerNorm, gelu: nn.Module) -> nn.Sequential:
    """Behind a norm each token on its own, four times as wide in between: (..., D) -> the same."""
    (width,) = norm.normalized_shape
    return nn.Sequential(
        OrderedDict(
            norm=norm,
            widen=start_small(nn.Linear(width, 4 * width)),
            gelu=gelu,
            narrow=start_small(nn.Linear(4 * width, width)),
        )
    )
