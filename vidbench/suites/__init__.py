"""What to measure, as data: grids of cases, and files of them."""

from vidbench.suites.grid import combine, expand_grid

__all__ = ["combine", "expand_grid"]
