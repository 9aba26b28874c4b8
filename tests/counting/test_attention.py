"""Attention is the same MACs whichever of torch's kernels works it out, or none, masked or not, also in training."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # as all the world does
from nets import Calls
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from vidbench import count
from vidbench.counting.contractions import RULES
from vidbench.models.timesformer import Block, Config, DividedBlock

HEADS, WIDTH, BATCH = 2, 16, 2
QUERIES, KEYS = 5, 7
PRODUCTS = BATCH * HEADS * QUERIES * KEYS * 2 * WIDTH  # scores, then their product with the values
DIM, PLACES, FRAMES = HEADS * WIDTH, 4, 3
CFG = Config(width=DIM, heads=HEADS)


def by_hand(q: Tensor, k: Tensor, v: Tensor, attn_mask: Tensor | None = None, is_causal: bool = False) -> Tensor:
    """What every kernel works out, in products of matrices."""
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril()
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -torch.inf) if attn_mask.dtype == torch.bool else scores + attn_mask
    return scores.softmax(-1) @ v


def flash_of_cuda(q: Tensor, k: Tensor, v: Tensor, is_causal: bool = False) -> Tensor:
    """CUDA's kernel without masks, by its name, for there may be no GPU here."""
    return torch.ops.aten._scaled_dot_product_flash_attention(q, k, v, 0.0, is_causal)[0]


def masked_of_cuda(operator: Any) -> Callable[..., Tensor]:
    """One of CUDA's kernels that take masks, as numbers to add."""

    def attend(q: Tensor, k: Tensor, v: Tensor, attn_mask: Tensor | None = None, is_causal: bool = False) -> Tensor:
        bias = None if attn_mask is None else attn_mask.to(q.dtype).expand(*q.shape[:-1], k.shape[-2])
        return operator(q, k, v, bias, True, 0.0, is_causal)[0]

    return attend


@contextmanager
def attending(function: Callable[..., Tensor]) -> Iterator[None]:
    """While this is open, that function stands for torch's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(F, "scaled_dot_product_attention", function)
        yield


ATEN = torch.ops.aten
EFFICIENT = masked_of_cuda(ATEN._scaled_dot_product_efficient_attention)
CUDNN = masked_of_cuda(ATEN._scaled_dot_product_cudnn_attention)

# How attention is worked out, on which device, and the operator that gives it away.
KERNELS: dict[str, tuple[Callable[[], AbstractContextManager[Any]], str, str]] = {
    "chosen": (nullcontext, "cpu", "_scaled_dot_product_flash_attention_for_cpu"),
    "flash": (lambda: sdpa_kernel(SDPBackend.FLASH_ATTENTION), "cpu", "_scaled_dot_product_flash_attention_for_cpu"),
    "math": (lambda: sdpa_kernel(SDPBackend.MATH), "cpu", "bmm"),
    "by-hand": (lambda: attending(by_hand), "cpu", "bmm"),
    "meta": (nullcontext, "meta", "_scaled_dot_product_flash_attention_for_cpu"),
    "meta-by-hand": (lambda: attending(by_hand), "meta", "bmm"),
    "cuda-flash": (lambda: attending(flash_of_cuda), "meta", "_scaled_dot_product_flash_attention"),
    "cuda-efficient": (lambda: attending(EFFICIENT), "meta", "_scaled_dot_product_efficient_attention"),
    "cuda-cudnn": (lambda: attending(CUDNN), "meta", "_scaled_dot_product_cudnn_attention"),
}

MASKS: dict[str, Callable[[], dict[str, Any]]] = {
    "none": dict,
    "causal": lambda: {"is_causal": True},
    "yes-or-no": lambda: {"attn_mask": torch.ones(QUERIES, KEYS, dtype=torch.bool)},
    "added": lambda: {"attn_mask": torch.zeros(BATCH, HEADS, QUERIES, KEYS)},
    "learned": lambda: {"attn_mask": torch.zeros(BATCH, HEADS, QUERIES, KEYS, requires_grad=True)},
}


# What a kernel does not take.
REFUSED = {"flash": {"learned"}, "cuda-flash": {"yes-or-no", "added", "learned"}, "cuda-cudnn": {"learned"}}
TAKEN = [(kernel, mask) for kernel in KERNELS for mask in MASKS if mask not in REFUSED.get(kernel, set())]


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize(("kernel", "mask"), TAKEN)
def test_products(kernel: str, mask: str, train: bool):
    """Two products forward and four backward, all of them under a mask, too."""
    manner, device, operator = KERNELS[kernel]
    with torch.device(device):
        qkv = [torch.randn(BATCH, HEADS, n, WIDTH, requires_grad=True) for n in (QUERIES, KEYS, KEYS)]
        settings = MASKS[mask]()
    with manner():
        counted = count(Calls(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **settings)), *qkv, train=train)
    assert counted.macs == PRODUCTS * (3 if train else 1)
    assert counted.unknown == ()
    assert mask == "learned" or f"aten.{operator}" in counted.by_operator


def divided() -> nn.Module:
    """TimeSformer's block of attention over time and over space."""
    return DividedBlock(CFG, 0.1, starts_at_zero=False)


def whole() -> nn.Module:
    """TimeSformer's block of attention among all tokens."""
    return Block(CFG, 0.1)


TOKENS = 1 + PLACES * FRAMES
BLOCKS = {
    "divided": (
        divided,
        PLACES * FRAMES * 5 * DIM**2 + PLACES * 2 * FRAMES**2 * DIM  # over time: four projections and one more
        + FRAMES * (1 + PLACES) * 4 * DIM**2 + FRAMES * 2 * (1 + PLACES) ** 2 * DIM  # over space
        + TOKENS * 8 * DIM**2,
    ),
    "whole": (whole, TOKENS * 4 * DIM**2 + 2 * TOKENS**2 * DIM + TOKENS * 8 * DIM**2),
}  # fmt: skip


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize(("build", "macs"), BLOCKS.values(), ids=BLOCKS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_blocks(kernel: str, build: Callable[[], nn.Module], macs: int, train: bool):
    """A transformer's block is as many MACs as its formulas say, in training three times as many."""
    manner, device, operator = KERNELS[kernel]
    with torch.device(device):
        block, tokens = build(), torch.randn(BATCH, TOKENS, DIM, requires_grad=True)
    with manner():
        counted = count(block, tokens, FRAMES, train=train)
    assert counted.macs == BATCH * macs * (3 if train else 1)
    assert counted.unknown == ()
    assert f"aten.{operator}" in counted.by_operator


def test_every_kernel_has_its_rules():
    """No fused attention of torch, of whatever device, goes uncounted; what is left is taken apart into products."""
    prefix = "aten::_scaled_dot_product_"
    names = {name.partition(".")[0] for name in torch._C._dispatch_get_all_op_names() if name.startswith(prefix)}
    assert {name for name in names if name.replace("::", ".") not in RULES} == {f"{prefix}attention_math"}
