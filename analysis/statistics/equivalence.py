"""Whether two paired samples are practically equal: by two one-sided tests, and by posterior probabilities."""

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from analysis.statistics.paired import Estimate, paired


@dataclass(frozen=True)
class Equivalence:
    """Mean difference with its interval of level 1 - 2 alpha; p of a difference at or beyond each end of the margin."""

    value: float
    low: float
    high: float
    p_below: float  # that the difference is -margin or less
    p_above: float  # that it is margin or more
    margin: float
    n: int

    @property
    def p(self) -> float:
        """That the difference is margin or more in size: equivalent where it is at most alpha."""
        return max(self.p_below, self.p_above)


def tost(first: ArrayLike, second: ArrayLike, margin: float, alpha: float = 0.05) -> Equivalence:
    """Two one-sided t tests of the paired difference against ±`margin`, in its units (Schuirmann 1987).

    p ≤ alpha exactly where the interval lies within the margin. NaN below two pairs and where differences do not vary.
    Raises ValueError where `margin` is not above 0.
    """
    found = _estimate(first, second, margin, 1 - 2 * alpha)
    error = found.std / sqrt(found.n) if found.n else nan
    below, above = (nan, nan) if np.isnan(found.p) else (
        float(stdtr(found.n - 1, -(found.value + margin) / error)),
        float(stdtr(found.n - 1, (found.value - margin) / error)),
    )  # fmt: skip
    return Equivalence(found.value, found.low, found.high, below, above, margin, found.n)


@dataclass(frozen=True)
class Posterior:
    """Probabilities that the first side is worse by more than the margin, practically equal, or better by more.

    `low` and `high` are the ends of the central credible interval of the mean difference `value`.
    """

    worse: float
    equal: float
    better: float
    value: float
    low: float
    high: float
    n: int


def rope(
    first: ArrayLike, second: ArrayLike, margin: float, level: float = 0.95, correlation: float = 0.0
) -> Posterior:
    """Bayesian t test of paired differences with a region of practical equivalence ±`margin` (Benavoli et al. 2017).

    Under the prior 1 / σ² of mean and variance the mean difference has a t distribution of n - 1 degrees around the
    observed one with scale s √(1/n + ρ / (1 - ρ)); ρ = `correlation` of the differences is 0 for independent
    seeds and the share of test data for cross-validation. NaN below two pairs and where the differences do not vary.
    Raises ValueError where `margin` is not above 0 or `correlation` not in 0 to 1, 1 excluded.
    """
    if not 0 <= correlation < 1:
        raise ValueError(f"correlation = {correlation} must lie in 0 to 1, 1 excluded")
    found = _estimate(first, second, margin, level)
    if np.isnan(found.p):
        return Posterior(nan, nan, nan, found.value, nan, nan, found.n)
    scale = found.std * sqrt(1 / found.n + correlation / (1 - correlation))
    worse = float(stdtr(found.n - 1, (-margin - found.value) / scale))
    better = float(stdtr(found.n - 1, (found.value - margin) / scale))
    half = float(stdtrit(found.n - 1, (1 + level) / 2)) * scale
    return Posterior(
        worse, max(0.0, 1 - worse - better), better, found.value, found.value - half, found.value + half, found.n
    )


def _estimate(first: ArrayLike, second: ArrayLike, margin: float, level: float) -> Estimate:
    if not margin > 0:
        raise ValueError(f"margin = {margin} must be above 0")
    return paired(first, second, level)
