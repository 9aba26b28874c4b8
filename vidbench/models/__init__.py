"""The architectures: a family is <family>.py (its modules) beside <family>.toml (its variants)."""

from importlib import import_module

from torch import nn

from vidbench.catalog import find_variant
from vidbench.errors import InputError
from vidbench.models.architecture import Architecture


def build(name: str, *, classes: int | None = None, frames: int | None = None, size: int | None = None) -> nn.Module:
    """A net by its variant's or family's name, in eval mode, with the authors' initialisation.

    Its forward takes one float clip (N, 3, T, H, W), normalised as the family's paper does, and returns logits
    (N, classes) without softmax; it never changes the clip. Under `torch.device("meta")` it has no weights.

    Args:
        name: such as `vov3d-l`; `vidbench list` shows all, with their papers.
        classes: width of the logits; default is the variant's.
        frames: T of the clips the net is for; default is the variant's. Most nets take others, too.
        size: H and W of these clips; default is the variant's. The head pools globally at any size.

    Raises:
        InputError: the name is unknown, or the net cannot take such a clip.
    """
    variant = find_variant(name)
    classes = variant.classes if classes is None else classes
    if classes < 1:
        raise InputError(f"{variant.name} cannot have {classes} classes; give 1 or more")
    variant.check_frames(variant.frames if frames is None else frames)
    variant.check_size(variant.size if size is None else size)
    module = import_module(f"vidbench.models.{variant.family.replace('-', '_')}")
    architecture: Architecture = module.FAMILY
    return architecture.build(dict(variant.config), classes).eval()
