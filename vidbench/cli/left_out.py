"""Warnings of what is left out: families that cannot be had, nets that a pattern fits and a clip does not."""

from collections.abc import Sequence


def warn_of_left_out() -> None:
    """A line on stderr for each family that a package registers and that cannot be had."""
    from vidbench.catalog import left_out

    for problem in left_out():
        from vidbench.terminal.screen import warn

        warn(str(problem))


def warn_of_clips(reasons: Sequence[str]) -> None:
    """One warning of the clips that nets go without, a line each."""
    if reasons:
        from vidbench.terminal.screen import warn

        warn("\n  ".join(["left out, of the nets that a pattern stands for:", *reasons]))
