"""A mean over search seeds and test images that are both samples: two crossed random factors.

Seeds stand for all seeds, images for all images that the test set might have held. An interval over seeds alone is one
for this test set.
"""

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from analysis.statistics.paired import TIED


@dataclass(frozen=True)
class Crossed:
    """`seeds_error`: the standard error over seeds, for these images; `images_error`: what the images add to it."""

    value: float
    low: float
    high: float
    seeds_error: float
    images_error: float
    freedom: float
    seeds: int
    images: int


def crossed(values: ArrayLike, level: float = 0.95) -> Crossed:
    """Mean of `values` [seeds, images] and its interval over both; NaN where seeds or images show no spread.

    Var(mean) = (MS(seeds) + max(MS(images) - MS(rest), 0)) / (seeds · images), from the mean squares of the two-way
    layout without repeats. Without the maximum that is unbiased under x = μ + seed + image + rest, whatever the
    distributions (Searle, Casella and McCulloch 1992, chapter 4; Owen 2007, section 3). Readers and cases in
    radiology are analysed so (Dorfman, Berbaum and Metz 1992), with the degrees of freedom of Hillis (2007):
    (seeds - 1) · (numerator / MS(seeds))². More degrees of freedom could make the interval narrower than that over
    seeds alone, which counts less; then it is as wide as that one.
    """
    x = np.asarray(values, dtype=float)
    n, m = x.shape
    mean = float(x.mean()) if x.size else nan
    if n < 2 or m < 2:
        return Crossed(mean, nan, nan, nan, nan, nan, n, m)
    by_seed, by_image = x.mean(axis=1), x.mean(axis=0)
    seeds, images = m * float(by_seed.var(ddof=1)), n * float(by_image.var(ddof=1))
    rest = float(((x - by_seed[:, None] - by_image + mean) ** 2).sum()) / ((n - 1) * (m - 1))
    more = max(images - rest, 0.0)
    if sqrt(seeds / m) <= TIED * np.abs(by_seed).max():
        return Crossed(mean, nan, nan, 0.0, sqrt(more / (n * m)), nan, n, m)
    freedom = (n - 1) * ((seeds + more) / seeds) ** 2
    alone, both = sqrt(seeds / (n * m)), sqrt((seeds + more) / (n * m))
    q = (1 + level) / 2
    half = max(float(stdtrit(freedom, q)) * both, float(stdtrit(n - 1, q)) * alone)
    return Crossed(mean, mean - half, mean + half, alone, sqrt(more / (n * m)), freedom, n, m)
