"""Limits over what has changed since a baseline: pass, regression, or why neither can be told.

A case's runs are compared by their ranks, which is exact for few of them and for any noise. docs/ci.md has the rules
in words; `benchmarks/gate_power.py` shows how often they are right.
"""

from vidbench.gates.checks import EXIT_CODES, Check, Verdict
from vidbench.gates.judging import Judgement, Remeasure, judge
from vidbench.gates.limits import LIMITS, Limits, Rules, list_limited

__all__ = [
    "EXIT_CODES",
    "LIMITS",
    "Check",
    "Judgement",
    "Limits",
    "Remeasure",
    "Rules",
    "Verdict",
    "judge",
    "list_limited",
]
