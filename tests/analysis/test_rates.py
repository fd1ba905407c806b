"""Failure rates against R's binom.test (tests/data/r/paired.R), scipy, and coverage summed exactly."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.statistics.rates import failure_rate

R = [(0, 5, 0.95, 0, 0.521823750105), (2, 5, 0.95, 0.0527449505263, 0.8533672003653), (5, 5, 0.95, 0.478176249895, 1),
     (3, 40, 0.9, 0.0207536014757, 0.1825868500159)]  # fmt: skip


@pytest.mark.parametrize(("failed", "runs", "level", "low", "high"), R)
def test_agrees_with_binom_test(failed: int, runs: int, level: float, low: float, high: float) -> None:
    found = failure_rate(failed, runs, level)
    assert (found.value, found.low, found.high) == pytest.approx((failed / runs, low, high))


@given(st.integers(0, 60), st.integers(1, 60))
def test_agrees_with_scipy_and_mirrors(failed: int, more: int) -> None:
    found, mirrored = failure_rate(failed, failed + more), failure_rate(more, failed + more)
    expected = stats.binomtest(failed, failed + more).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((found.low, found.high), abs=1e-9)


@pytest.mark.parametrize("runs", [3, 5, 10])
def test_covers_every_rate(runs: int) -> None:
    found = [failure_rate(k, runs) for k in range(runs + 1)]
    for rate in np.linspace(0.01, 0.99, 99):
        covered = sum(stats.binom.pmf(k, runs, rate) for k, f in enumerate(found) if f.low <= rate <= f.high)
        assert covered >= 0.95


def test_no_runs_and_more_failures_than_runs() -> None:
    assert isnan(failure_rate(0, 0).low)
    for failed, runs in ((3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="must lie in 0 to runs"):
            failure_rate(failed, runs)
