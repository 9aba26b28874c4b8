"""A user's own net on meta tensors: a copy without weights, which can be counted without computing."""

from copy import deepcopy
from textwrap import shorten

from torch import nn

from vidbench.counting import count
from vidbench.errors import CountError, first_line
from vidbench.records import Clip

SHOWN = 200  # characters of an error; torch's can fill a page


def find_skeleton(net: nn.Module, clip: Clip, *, train: bool = False) -> nn.Module:
    """A copy of the net on meta, in eval mode, which is known to run there on such a clip; the net is left alone.

    Args:
        net: on any device.
        clip: what it is to take.
        train: whether it has to run backward, too.

    Raises:
        CountError: the net cannot be copied or does not run there: its work depends on what tensors hold, say, or an
            operator of its own does not tell its output's shape.
    """
    try:
        skeleton = copy_to_meta(net).eval()
        count(skeleton, clip, train=train)
    except Exception as error:  # users' code may fail in any way
        cause = error.__cause__ if isinstance(error, CountError) and isinstance(error.__cause__, Exception) else error
        shape = f"(1, 3, {clip.frames}, {clip.size}, {clip.size})"
        told = shorten(first_line(cause), SHOWN, placeholder=" ...")
        raise CountError(f"{type(cause).__name__} on a clip {shape}: {told}") from error
    return skeleton


def copy_to_meta(net: nn.Module) -> nn.Module:
    """The net with its parameters and buffers on meta; none of the weights is copied."""
    memo: dict[int, object] = {id(b): b.to("meta") for b in net.buffers()}
    memo |= {id(p): nn.Parameter(p.detach().to("meta"), requires_grad=p.requires_grad) for p in net.parameters()}
    return deepcopy(net, memo)
