"""Sign flips against R (tests/data/r/paired.R), scipy and their own bounds."""

from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.statistics.permutation import sign_flip, signed_rank

Z = [2.3, 0.6, 2.8, -0.4, 2.1, -1.9, 0.9]
ACCURACY = st.floats(10, 90).map(lambda x: round(x, 1))
FAILING = st.one_of(ACCURACY, st.just(-inf), st.just(nan))
PAIRS = st.lists(st.tuples(FAILING, FAILING), max_size=9)


def test_agrees_with_all_signs_in_r() -> None:
    assert sign_flip([*Z, nan]).p == 0.18750
    assert signed_rank(Z, np.zeros(7)).p == 0.15625
    assert signed_rank([*Z, 50.0], [0] * 7 + [-inf]).p == 0.078125  # the twin's run failed
    assert signed_rank([*Z, -inf], [0] * 7 + [50.0]).p == 0.546875  # its own did


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-9, 9).map(lambda x: round(x, 1)), min_size=2, max_size=9))
def test_agrees_with_scipys_permutation_test(x: list[float]) -> None:
    expected = stats.permutation_test(
        (np.array(x),), lambda v, axis: np.round(v.mean(axis=axis), 9), permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip(x).p == pytest.approx(expected.pvalue)


def test_agrees_with_wilcoxons_exact_test() -> None:
    rng = np.random.default_rng(11)
    x, y = rng.normal(70.5, 1, size=12), rng.normal(70, 1, size=12)
    assert signed_rank(x, y).p == pytest.approx(stats.wilcoxon(x, y, method="exact").pvalue)


@pytest.mark.parametrize("n", [1, 2, 5, 6, 20])
def test_no_p_lies_below_what_n_pairs_can_give(n: int) -> None:
    for found in (sign_flip(np.arange(1.0, n + 1)), signed_rank(np.arange(1.0, n + 1), np.zeros(n))):
        assert found.p == found.least == 2.0 ** (1 - n)


@settings(deadline=None, max_examples=60)
@given(PAIRS, st.floats(0.01, 100))
def test_sides_order_and_units_do_not_matter(pairs: list[tuple[float, float]], scale: float) -> None:
    x, y = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    one, other = signed_rank(x, y), signed_rank(scale * y[::-1], scale * x[::-1])
    assert (one.n, one.p) == (other.n, pytest.approx(other.p, nan_ok=True))
    assert one.n == int((~np.isnan(x) & ~np.isnan(y)).sum())
    assert not one.n or one.least <= one.p <= 1


def test_a_failure_weighs_more_than_any_difference_but_not_without_bound() -> None:
    """Ranks 1 + 2 + 3 against 4.5 + 4.5: of the 32 choices of signs 8 have sums nearer than 3 to 0."""
    won = [3.1, 2.9, 3.0]
    assert signed_rank(won, np.zeros(3)).p == 0.25
    lost = signed_rank([*won, -inf, -inf], [0] * 5)
    assert (lost.p, lost.n) == (0.75, 5)
    assert lost.p == signed_rank([*won, -1e9, -1e9], [0] * 5).p


def test_two_failures_tie() -> None:
    found = signed_rank([-inf, 1.0, 2.0, 3.0], [-inf, 0.0, 0.0, 0.0])
    assert (found.p, found.n) == (0.25, 4)
    assert signed_rank([-inf, -inf], [-inf, -inf]).p == 1


def test_equal_differences_in_decimals_share_a_rank() -> None:
    assert signed_rank([70.1, 70.3, 0.0], [70.0, 70.2, 0.1]).statistic == pytest.approx(2 / 3)


def test_nothing_to_test() -> None:
    assert isnan(sign_flip([]).p)
    assert isnan(signed_rank([nan], [1.0]).p)
    assert sign_flip([0.0, 0.0]).p == 1
    with pytest.raises(ValueError, match="signed_rank"):
        sign_flip([1.0, inf])


def test_many_pairs_are_drawn_alike_each_time() -> None:
    """30 pairs against the normal approximation of signed ranks, whose error is below .002 there."""
    x = np.random.default_rng(12).normal(0.4, 1, size=30)
    found = signed_rank(x, np.zeros(30))
    assert found == signed_rank(x[::-1], np.zeros(30))
    assert found.p == pytest.approx(stats.wilcoxon(x, method="exact").pvalue, abs=3 * 0.0007)
    assert found.least == sign_flip(np.arange(1.0, 31)).p == 1e-5


def test_error_rate_under_heavy_tails_and_failures() -> None:
    """Exchangeable sides of which a fifth fails, Cauchy noise: at most .05 whatever the noise; 2,000 studies of 8."""
    rng = np.random.default_rng(13)
    sides = rng.standard_cauchy(size=(2000, 2, 8))
    sides[rng.random(sides.shape) < 0.2] = -inf
    wrong = np.mean([signed_rank(x, y).p <= 0.05 for x, y in sides])
    assert 0.02 < wrong <= 0.05 + 3 * 0.0049
