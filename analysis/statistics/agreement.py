"""Two networks on the same images: where one is right and the other wrong, and how often they say the same."""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr


@dataclass(frozen=True)
class Agreement:
    """`first_only`, `second_only`: images that one network alone gets right; `p`: McNemar's, of these two networks."""

    images: int
    first_only: int
    second_only: int
    p: float
    equal: float  # share of images to which both give the same class
    kappa: float  # of that, what is above chance (Cohen 1960)


def agreement(first: ArrayLike, second: ArrayLike, labels: ArrayLike) -> Agreement:
    """Of two networks' classes [images] and the right ones.

    McNemar's (1947) test is the exact binomial one, at any count; p is 1 where no image tells them apart. κ is NaN
    where both give one and the same class to all images.
    """
    one, other, right = (np.asarray(values, dtype=np.int64) for values in (first, second, labels))
    b, c = int(((one == right) & (other != right)).sum()), int(((one != right) & (other == right)).sum())
    p = min(1.0, 2 * float(bdtr(min(b, c), b + c, 0.5))) if b + c else 1.0
    equal = float((one == other).mean()) if one.size else nan
    return Agreement(one.size, b, c, p, equal, _kappa(one, other, equal))


def _kappa(one: np.ndarray, other: np.ndarray, equal: float) -> float:
    if not one.size:
        return nan
    classes = 1 + int(max(one.max(), other.max()))
    shares = [np.bincount(values, minlength=classes) / one.size for values in (one, other)]
    chance = float(shares[0] @ shares[1])
    return nan if chance == 1 else (equal - chance) / (1 - chance)
