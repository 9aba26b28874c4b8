"""Counting without measuring: multiply-accumulates and activations of a forward, or of a forward and backward, pass."""

from vidbench.counting.operators import Count, count

__all__ = ["Count", "count"]
