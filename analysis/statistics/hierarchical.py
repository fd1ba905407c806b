"""Paired differences on several data sets under one normal model: data sets learn from each other (partial pooling)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from analysis.statistics.equivalence import Posterior
from analysis.statistics.paired import mean_interval

NODES = 2000  # of the spread between data sets, each with the same prior probability


@dataclass(frozen=True)
class Hierarchical:
    """`mean`: of the population that the data sets are taken for a sample of; `further`: on one more of them.

    `spread`: the median of the standard deviation between data sets; `pooled`: the difference on each of them.
    """

    mean: Posterior
    further: Posterior
    spread: float
    pooled: tuple[float, ...]


@dataclass(frozen=True)
class _Mixture:
    """Normal distributions of equal length, with `weights` that sum to 1."""

    weights: np.ndarray
    centres: np.ndarray
    scales: np.ndarray

    def below(self, value: float) -> float:
        return float(self.weights @ ndtr((value - self.centres) / self.scales))

    def quantile(self, p: float) -> float:
        from scipy.optimize import brentq

        far = ndtri(p) * self.scales + self.centres  # of each part; that of the whole lies between
        low, high = float(far.min()), float(far.max())
        return low if low == high else float(brentq(lambda value: self.below(value) - p, low, high))

    def posterior(self, margin: float, level: float, n: int) -> Posterior:
        worse, better = self.below(-margin), 1 - self.below(margin)
        low, high = (self.quantile(p) for p in ((1 - level) / 2, (1 + level) / 2))
        return Posterior(worse, max(0.0, 1 - worse - better), better, float(self.weights @ self.centres), low, high, n)


def hierarchical(differences: Sequence[ArrayLike], margin: float, level: float = 0.95) -> Hierarchical:
    """The model of Corani et al. (2017) with normal distributions: `differences` [data sets] of [seeds].

    d_is ~ N(δ_i, σ_i²), δ_i ~ N(μ, τ²), μ flat, τ half-Cauchy with its median at the spread that the data sets' means
    show (Gelman 2006). Given τ all is normal (Gelman et al. 2013, 5.4); τ lies on a grid, so nothing is random. What is
    not known of σ_i enters as a normal error whose 95 % interval is that of the t test. NaN below two data sets and
    where on one of them differences do not vary. Raises ValueError where `margin` is not above 0.
    """
    if not margin > 0:
        raise ValueError(f"margin = {margin} must be above 0")
    each = [mean_interval(values) for values in differences]
    means = np.array([one.value for one in each])
    errors = np.array([(one.high - one.low) / 2 for one in each]) / float(ndtri(0.975))
    if len(each) < 2 or np.isnan(errors).any():
        nothing = Posterior(nan, nan, nan, float(means.mean()) if len(each) else nan, nan, nan, len(each))
        return Hierarchical(nothing, nothing, nan, tuple(float(mean) for mean in means))
    return _given(means, errors, margin, level)


def _given(means: np.ndarray, errors: np.ndarray, margin: float, level: float) -> Hierarchical:
    scale = sqrt(max(float(means.var(ddof=1)), float((errors**2).mean())))
    between = scale * np.tan(np.pi / 2 * (np.arange(NODES) + 0.5) / NODES)  # τ, half-Cauchy
    precision = 1 / (errors**2 + between[:, None] ** 2)  # [nodes, data sets]
    variance = 1 / precision.sum(axis=1)
    centre = variance * (precision @ means)
    squares = (precision * (means - centre[:, None]) ** 2).sum(axis=1)
    log = (np.log(variance) + np.log(precision).sum(axis=1) - squares) / 2
    weights = np.exp(log - log.max())
    weights /= weights.sum()
    share = errors**2 * precision  # of the centre in what is said of each data set
    pooled = weights @ (share * centre[:, None] + (1 - share) * means)
    whole = _Mixture(weights, centre, np.sqrt(variance)).posterior(margin, level, len(means))
    further = _Mixture(weights, centre, np.sqrt(variance + between**2)).posterior(margin, level, len(means))
    median = float(between[np.searchsorted(np.cumsum(weights), 0.5)])
    return Hierarchical(whole, further, median, tuple(float(value) for value in pooled))
