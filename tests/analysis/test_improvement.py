"""The probability of improvement against R (tests/data/r/improvement.R) and against its definition."""

from itertools import product
from math import isnan, nan

import numpy as np
import pytest

from analysis.statistics.improvement import improvement

OWN, OTHER = [72.4, 70.9, 73.8, 71.2, 74.0], [70.1, 71.3, 71.0, 70.8, 71.9]
TEN = [70.2, 71.1, 69.8, 70.9, 71.5, 70.4, 70.0, 71.2, 70.7, 70.3]
TWIN = [70.1, 70.9, 69.9, 70.3, 70.8, 70.2, 69.7, 70.6, 70.5, 70.4]


@pytest.mark.parametrize(
    ("own", "other", "value", "low", "high"), [(OWN, OTHER, 0.8, 0.44, 1.0), (TEN, TWIN, 0.64, 0.375, 0.87)]
)
def test_agrees_with_r(own: list[float], other: list[float], value: float, low: float, high: float) -> None:
    """Its bootstrap moves on a lattice: 20,000 draws hit the same point or the next."""
    found = improvement([*own, nan], [nan, *other])
    assert found.value == pytest.approx(value)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.011)


def test_the_interval_is_that_of_all_resamples_of_three_runs() -> None:
    x, y = [3.0, 1.0, 2.5], [2.0, 2.5, 0.0]
    every = [
        np.mean([(np.sign(a - b) + 1) / 2 for a in one for b in two])
        for one in product(x, repeat=3)
        for two in product(y, repeat=3)
    ]
    found = improvement(x, y)
    assert (found.low, found.high) == pytest.approx(np.quantile(every, [0.025, 0.975]), abs=0.06)
    assert found.value == pytest.approx(np.mean(every))


def test_sides_and_units_do_not_matter() -> None:
    one, other = improvement(OWN, OTHER), improvement(-np.array(OWN[::-1]), -np.array(OTHER))
    assert other.value == pytest.approx(1 - one.value)
    assert improvement(np.exp(np.array(OWN) - 70), np.exp(np.array(OTHER) - 70)) == one
    assert improvement([1.0, 1.0], [1.0, 1.0]).value == 0.5
    assert not improvement([1.0, 1.0], [1.0, 1.0]).shown
    assert improvement([2.0, 3.0], [1.0, 0.0]).shown


def test_too_few_runs() -> None:
    assert isnan(improvement([], [1.0]).value)
    alone = improvement([2.0], [1.0, 0.0])
    assert alone.value == 1
    assert isnan(alone.low)
    assert not alone.shown
