"""Results as one page of HTML that needs no network: a table, pictures, and what is known of each case."""

from vidbench.report.page import write_page

__all__ = ["write_page"]
