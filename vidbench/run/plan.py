"""What is to be taken of each case, and how well it is to be known."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vidbench.errors import InputError
from vidbench.measure import PRECISION
from vidbench.records import Case
from vidbench.searches import Search


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The metrics of a run, and until when its medians of time are sampled: known to `precision`, a share of them.

    With a `search`, each case's batch is searched for, and what is found is measured so. `lengths` has, by case, the
    clip lengths at which its compiled net is called to count recompilations.

    Raises:
        InputError: that is no share.
    """

    metrics: tuple[str, ...]
    precision: float = PRECISION
    search: Search | None = None
    lengths: Mapping[Case, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.precision < 1:
            raise InputError(f"precision is a share of the median between 0 and 1, such as 0.01, not {self.precision}")
