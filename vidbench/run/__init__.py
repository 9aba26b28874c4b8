"""Running cases: one after the other, each giving a record whatever happens to it."""

from vidbench.run.local import prepare, profile, run_cases
from vidbench.run.tally import Tally

__all__ = ["Tally", "prepare", "profile", "run_cases"]
