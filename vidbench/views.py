"""Views of a video: how many clips and crops a net is tested on, whose scores are averaged."""

import re
from typing import NamedTuple

from vidbench.errors import InputError


class Views(NamedTuple):
    """`clips` clips of a video, and `crops` crops of each."""

    clips: int
    crops: int

    @property
    def total(self) -> int:
        """How often the net is called for one video."""
        return self.clips * self.crops

    def __str__(self) -> str:
        return f"{self.clips}x{self.crops}"


def parse_views(text: str) -> Views:
    """`10x3`: ten clips, three crops of each.

    Raises:
        InputError: the text has another form, or a number below 1.
    """
    found = re.fullmatch(r"\s*([0-9]+)\s*x\s*([0-9]+)\s*", text)
    views = Views(*map(int, found.groups())) if found else None
    if views is None or views.total < 1:
        raise InputError(f"--views takes clips x crops, both 1 or more, such as 10x3, not {text!r}")
    return views


def count_views(told: int | str | None) -> int | None:
    """How many views there are, as sources write it (`30`, `10x3`, `9 views`); None where that is unknown."""
    found = re.fullmatch(r"\s*(\d+)(?:\s*x\s*(\d+))?(?:\s*(?:views|clips?))?\s*", str(told))
    return int(found[1]) * int(found[2] or 1) if found else None
