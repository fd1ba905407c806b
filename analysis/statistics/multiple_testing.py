"""Correction of p-values for the number of tests."""

from collections.abc import Sequence
from math import nan

import numpy as np
from numpy.typing import ArrayLike


def holm(p: ArrayLike) -> np.ndarray:
    """Holm's adjusted p-values [m] (Holm 1979). A NaN stays NaN and counts as 1: the family is what was planned."""
    values = np.asarray(p, dtype=float)
    filled = np.where(np.isnan(values), 1.0, values)
    order = np.argsort(filled, kind="stable")
    steps = np.maximum.accumulate(filled[order] * np.arange(len(filled), 0, -1))
    out = np.empty_like(filled)
    out[order] = np.minimum(steps, 1)
    out[np.isnan(values)] = nan
    return out


def adjusted_p(p: Sequence[float], missing: int = 0, looks: int = 1) -> list[float]:
    """Holm's p of the tests made, in a family of `missing` more that count as 1; times `looks` (Bonferroni)."""
    adjusted = holm([*p, *[nan] * missing])[: len(p)] * looks
    return [float(value) for value in np.minimum(adjusted, 1.0)]
