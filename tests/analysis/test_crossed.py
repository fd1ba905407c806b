"""Intervals over seeds and images: against analyses of variance and formulas, and how often they hold the truth."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from analysis.statistics.crossed import crossed
from analysis.statistics.paired import mean_interval


def sample(rng: np.random.Generator, n: int, m: int, seed: float, image: float, rest: float) -> np.ndarray:
    return (
        seed * rng.normal(size=(n, 1))
        + image * rng.normal(size=(1, m))  # the same for all seeds
        + rest * rng.normal(size=(n, m))
    )


def test_its_parts_are_those_of_an_analysis_of_variance() -> None:
    x = sample(np.random.default_rng(0), 4, 7, 1, 2, 1)
    table = pd.DataFrame([(s, i, x[s, i]) for s in range(4) for i in range(7)], columns=["s", "i", "x"])
    squares = anova_lm(ols("x ~ C(s) + C(i)", table).fit())["mean_sq"]
    more = squares["C(i)"] - squares["Residual"]
    found = crossed(x)
    assert more > 0
    assert found.value == pytest.approx(x.mean())
    assert found.seeds_error == pytest.approx(np.sqrt(squares["C(s)"] / 28))
    assert found.images_error == pytest.approx(np.sqrt(more / 28))
    assert found.freedom == pytest.approx(3 * (squares["C(s)"] + more) ** 2 / squares["C(s)"] ** 2)
    assert (found.seeds, found.images) == (4, 7)


def test_a_table_by_hand() -> None:
    """Means of seeds 1 and 3, of images 0, 2 and 4; no rest: variance 2/2 + 4/3."""
    found = crossed([[-1, 1, 3], [1, 3, 5]])
    assert (found.value, found.seeds_error, found.images_error) == pytest.approx((2, 1, np.sqrt(4 / 3)))
    assert found.freedom == pytest.approx((1 + 4 / 3) ** 2)
    assert found.high == pytest.approx(2 + stats.t.ppf(0.975, 1))  # no narrower than over seeds alone


def test_where_images_add_nothing_it_is_the_t_interval_over_seeds() -> None:
    x = np.array([[1.0, -1, 2, -2], [-1, 1, -2, 2.4], [0.3, 0, 0.2, 0]])
    found, alone = crossed(x), mean_interval(x.mean(axis=1))
    assert found.images_error == 0
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high))


@pytest.mark.parametrize("n", [2, 3, 5])
def test_it_is_never_narrower_than_the_interval_over_seeds(n: int) -> None:
    rng = np.random.default_rng(n)
    for image in (0, 0.5, 3, 20):
        x = sample(rng, n, 50, 1, image, 1)
        found, alone = crossed(x), mean_interval(x.mean(axis=1))
        assert found.low <= alone.low + 1e-12
        assert found.high >= alone.high - 1e-12


@pytest.mark.parametrize("x", [np.zeros((3, 4)), [[1, 2, 3]], np.zeros((0, 5)), [[1], [2]], [[0, 1], [0, 1]]])
def test_what_shows_no_spread_over_seeds_has_no_interval(x: np.ndarray) -> None:
    found = crossed(x)
    assert np.isnan([found.low, found.high]).all()


STUDIES = 2000


@pytest.mark.long
@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize(("seed", "image"), [(0.3, 0), (0.3, 3), (0.1, 5), (0, 5)])
def test_it_covers_the_truth_where_the_interval_over_seeds_need_not(seeds: int, seed: float, image: float) -> None:
    """At least 95 % less three Monte-Carlo errors; docs/reviewers.md has the shares."""
    rng = np.random.default_rng(17)
    held = alone = 0
    for _ in range(STUDIES):
        x = sample(rng, seeds, 200, seed, image, 3)
        found, over_seeds = crossed(x), mean_interval(x.mean(axis=1))
        held += found.low <= 0 <= found.high
        alone += over_seeds.low <= 0 <= over_seeds.high
    assert held / STUDIES > 0.95 - 3 * np.sqrt(0.95 * 0.05 / STUDIES)
    assert held >= alone
