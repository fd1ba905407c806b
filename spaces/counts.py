"""Whole numbers that code from outside gives: of Python, NumPy or torch."""

from operator import index
from typing import Any


def count(value: Any) -> int | None:
    """`value` where it is a whole number from 0 on; None for anything else, truths among it."""
    try:
        found = -1 if isinstance(value, bool) else index(value)
    except TypeError:
        return None
    return found if found >= 0 else None
