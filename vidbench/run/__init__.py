"""Running cases: one after the other, each giving a record whatever happens to it."""

from vidbench.run.local import prepare, profile, run_cases

__all__ = ["prepare", "profile", "run_cases"]
