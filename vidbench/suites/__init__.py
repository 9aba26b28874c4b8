"""What to measure, as data: grids of cases, and files of them."""

from vidbench.suites.grid import combine, expand_grid, list_left_out

__all__ = ["combine", "expand_grid", "list_left_out"]
