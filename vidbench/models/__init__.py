"""The architectures: a family is <family>.py (its modules) beside <family>.toml (its variants)."""

from torch import nn

from vidbench.catalog import Variant, families, find_variant
from vidbench.errors import InputError
from vidbench.models.imported import build_own, build_variant


def build(name: str, *, classes: int | None = None, frames: int | None = None, size: int | None = None) -> nn.Module:
    """A net by its variant's or family's name, in eval mode, with the authors' initialisation; or one of your own.

    Its forward takes one float clip (N, 3, T, H, W), normalised as the family's paper does, and returns logits
    (N, classes) without softmax; it never changes the clip. Under `torch.device("meta")` it has no weights.

    Args:
        name: such as `vov3d-l`; `vidbench list` shows all, with their papers. With a colon, `package.module:factory`,
            it is your own: a function or class that gives a module, or a module, which is copied. The current folder is
            searched, too. Of the numbers below it is handed those that its signature names.
        classes: width of the logits; default is the variant's, or your factory's own.
        frames: T of the clips the net is for; default is the variant's (16 for your own). Most nets take others, too;
            those with tables of positions are built for these (`params_follow` of `vidbench list --json`).
        size: H and W of these clips; default is the variant's (224 for your own). The head pools globally at any size.

    Raises:
        InputError: the name is unknown, the net cannot take such a clip, or your own code fails.
    """
    variant = find_variant(name)
    frames = variant.frames if frames is None else frames
    size = variant.size if size is None else size
    classes = variant.classes if classes is None else classes
    if classes is not None and classes < 1:
        raise InputError(f"{variant.name} cannot have {classes} classes; give 1 or more")
    variant.check_frames(frames)
    variant.check_size(size)
    if isinstance(variant, Variant) and classes is not None:
        return build_variant(variant, families()[variant.family], classes=classes, frames=frames, size=size).eval()
    return build_own(name, frames=frames, size=size, classes=classes).eval()
