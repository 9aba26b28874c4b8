"""Running cases: one after the other, each giving a record whatever happens to it."""

from vidbench.run.local import prepare, profile, run_cases
from vidbench.run.plan import Plan
from vidbench.run.tally import Tally

__all__ = ["Plan", "Tally", "prepare", "profile", "run_cases"]
