"""Warnings of families that packages register and that cannot be had."""


def warn_of_left_out() -> None:
    """A line on stderr for each."""
    from vidbench.catalog import left_out

    for problem in left_out():
        from vidbench.terminal.screen import warn

        warn(str(problem))
