"""Several methods against one baseline, on differences within seeds: adjusted for all of them at once.

Dunnett's test as it is usually coded takes the groups as independent. Runs of one seed are not, and all differences
share the baseline's run: here their correlation is that of the differences themselves.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtr, ndtri
from scipy.stats import qmc

from analysis.statistics.paired import Estimate, mean_interval

POINTS = 15  # 2 to this power, of the integration
SINGULAR = 1e-9  # an eigenvalue below it is rounding


def many_to_one(differences: Sequence[ArrayLike], level: float = 0.95) -> list[Estimate]:
    """Each method's mean difference from the baseline, with a p for the largest |t| of all (single step).

    `differences` [methods] of [seeds]; seeds at which one is missing are left out of all. t statistics are taken as a
    multivariate t with n - 1 degrees and the sample's correlation (Hothorn, Bretz and Westfall 2008), which a few seeds
    know badly. Intervals are each method's own. NaN where a method's differences do not vary.
    """
    whole = np.array([np.asarray(values, dtype=float) for values in differences])
    whole = whole[:, ~np.isnan(whole).any(axis=0)]
    each = [mean_interval(values, level) for values in whole]
    used = [n for n, one in enumerate(each) if one.p == one.p]
    if len(used) < 2:
        return each
    effects = np.array([abs(each[n].value) / each[n].std for n in used])
    found = dict(zip(used, _single_step(effects, np.corrcoef(whole[used]), whole.shape[1]), strict=True))
    return [replace(one, p=max(one.p, found[n])) if n in found else one for n, one in enumerate(each)]


def _single_step(effects: np.ndarray, correlation: np.ndarray, n: int) -> list[float]:
    """The chance of each |t| = √n · `effects` [methods] for the largest of all where no method differs.

    Over the normal numerators by quasi-Monte Carlo (Sobol's points, a fixed scramble), exactly over the denominator;
    a singular correlation, as of more methods than seeds, has fewer dimensions. Error below 0.0001.
    """
    values, vectors = np.linalg.eigh(correlation)
    root = (vectors * np.sqrt(np.maximum(values, 0)))[:, values > SINGULAR]
    largest = np.abs(_normal(root.shape[1]) @ root.T).max(axis=1)
    return [float(chdtr(n - 1, (n - 1) * (largest / (np.sqrt(n) * effect)) ** 2).mean()) if effect else 1.0
            for effect in effects]  # fmt: skip


@lru_cache(maxsize=16)
def _normal(dimensions: int) -> np.ndarray:
    """Points [2 ** POINTS, dimensions] that fill the normal distribution evenly."""
    points: np.ndarray = ndtri(qmc.Sobol(dimensions, rng=0).random_base2(POINTS))
    return points
