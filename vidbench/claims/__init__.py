"""What the papers print about cost against what is counted here, and why the two differ; without torch."""

from vidbench.claims.costs import Cost, Counting, Setting
from vidbench.claims.headlines import (
    LABELS,
    Answer,
    Claim,
    Measured,
    Measuring,
    Pair,
    Side,
    answer_claims,
    load_claims,
    sum_up,
)
from vidbench.claims.rows import UNEXPLAINED, Finding, check_rows

__all__ = [
    "LABELS",
    "UNEXPLAINED",
    "Answer",
    "Claim",
    "Cost",
    "Counting",
    "Finding",
    "Measured",
    "Measuring",
    "Pair",
    "Setting",
    "Side",
    "answer_claims",
    "check_rows",
    "load_claims",
    "sum_up",
]
