"""Counting without measuring: multiply-accumulates, bytes and memory of a forward, or forward and backward, pass."""

from vidbench.counting.contractions import register_rule
from vidbench.counting.lifetime import Peak
from vidbench.counting.operators import Call
from vidbench.counting.passes import Count, count

__all__ = ["Call", "Count", "Peak", "count", "register_rule"]
