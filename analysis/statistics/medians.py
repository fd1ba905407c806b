"""A median with an interval that assumes no distribution."""

from collections.abc import Sequence
from math import nan
from typing import NamedTuple

import numpy as np
from scipy import stats


class Median(NamedTuple):
    value: float
    low: float
    high: float


def median(values: Sequence[float], level: float = 0.95) -> Median:
    """The median of independent values, between the order statistics that hold it with at least this confidence.

    Conover 1999, section 3.2. NaN as ends where there are too few values: at 95 % fewer than six.
    """
    ordered = np.sort(np.asarray(values, float))
    if not len(ordered):
        return Median(nan, nan, nan)
    rank = int(stats.binom.ppf((1 - level) / 2, len(ordered), 0.5))
    low, high = (float(ordered[rank - 1]), float(ordered[-rank])) if rank else (nan, nan)
    return Median(float(np.median(ordered)), low, high)
