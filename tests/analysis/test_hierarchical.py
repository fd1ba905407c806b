"""The hierarchical model against brute force, a Gibbs sampler and what must hold."""

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.equivalence import rope
from analysis.statistics.hierarchical import hierarchical

pytestmark = pytest.mark.long

MARGIN = 0.2
SETS = [np.array([0.6, 0.9, 0.4, 1.1, 0.7]), np.array([0.2, -0.1, 0.4, 0.3, 0.1]), np.array([1.3, 0.6, 1.9, 1.0, 1.2])]


def brute(means: np.ndarray, errors: np.ndarray, scale: float) -> tuple[list[float], list[float]]:
    """(worse, equal, better) of μ and of a further data set, summed over a fine grid of μ and τ."""
    mu, tau = np.linspace(-25, 25, 4000)[:, None], np.geomspace(1e-4, 300, 400)[None]
    density = stats.halfcauchy.pdf(tau, scale=scale) * tau  # evenly in log τ
    for mean, error in zip(means, errors, strict=True):
        density = density * stats.norm.pdf(mean, mu, np.sqrt(error**2 + tau**2))
    density /= density.sum()
    below = [density[mu[:, 0] < end].sum() for end in (-MARGIN, MARGIN)]
    further = [(density * stats.norm.cdf(end, mu, tau)).sum() for end in (-MARGIN, MARGIN)]
    return [[low, high - low, 1 - high] for low, high in (below, further)]


@pytest.mark.parametrize(
    "sets", [SETS, SETS[:2], [x - 0.7 for x in SETS], [SETS[0], 0.05 * SETS[1], SETS[2], -SETS[0]]]
)
def test_the_grid_equals_brute_force(sets: list[np.ndarray]) -> None:
    means = np.array([x.mean() for x in sets])
    errors = np.array([stats.sem(x) * stats.t.ppf(0.975, len(x) - 1) / stats.norm.ppf(0.975) for x in sets])
    scale = max(means.std(ddof=1), np.sqrt((errors**2).mean()))
    found = hierarchical(sets, MARGIN)
    for own, theirs in zip((found.mean, found.further), brute(means, errors, scale), strict=True):
        assert [own.worse, own.equal, own.better] == pytest.approx(theirs, abs=0.004)


def gibbs(sets: list[np.ndarray], scale: float, draws: int = 30_000) -> np.ndarray:
    """μ and a further data set's difference [draws, 2] with σ_i unknown under 1 / σ_i², τ half-Cauchy."""
    rng, k = np.random.default_rng(0), len(sets)
    n, mean = np.array([len(x) for x in sets]), np.array([x.mean() for x in sets])
    squares = np.array([((x - x.mean()) ** 2).sum() for x in sets])
    delta, tau2, extra, out = mean.copy(), scale**2, 1.0, np.empty((draws, 2))
    for step in range(draws):
        sigma2 = (squares + n * (mean - delta) ** 2) / rng.chisquare(n)
        mu = rng.normal(delta.mean(), np.sqrt(tau2 / k))
        precision = n / sigma2 + 1 / tau2
        delta = rng.normal((n / sigma2 * mean + mu / tau2) / precision, 1 / np.sqrt(precision))
        tau2 = (1 / extra + ((delta - mu) ** 2).sum() / 2) / rng.gamma((k + 1) / 2)
        extra = (1 / scale**2 + 1 / tau2) / rng.gamma(1.0)
        out[step] = mu, rng.normal(mu, np.sqrt(tau2))
    return out[1000:]


def test_a_normal_error_as_wide_as_the_t_interval_stands_for_an_unknown_spread() -> None:
    found = hierarchical(SETS, MARGIN)
    scale = np.std([x.mean() for x in SETS], ddof=1)
    for own, sampled in zip((found.mean, found.further), gibbs(SETS, float(scale)).T, strict=True):
        shares = [(sampled < -MARGIN).mean(), (np.abs(sampled) <= MARGIN).mean(), (sampled > MARGIN).mean()]
        assert [own.worse, own.equal, own.better] == pytest.approx(shares, abs=0.02)


def test_many_data_sets_tell_the_population() -> None:
    rng = np.random.default_rng(7)
    sets = [rng.normal(rng.normal(1, 0.5), 0.3, size=20) for _ in range(200)]
    found = hierarchical(sets, MARGIN)
    assert found.spread == pytest.approx(0.5, abs=0.08)
    means = [x.mean() for x in sets]
    assert found.mean.value == pytest.approx(np.mean(means), abs=0.005)
    ends = stats.t.interval(0.95, 199, np.mean(means), stats.sem(means))
    assert (found.mean.low, found.mean.high) == pytest.approx(ends, abs=0.01)
    assert found.further.better == pytest.approx(
        stats.norm.sf(MARGIN, found.mean.value, np.std(means, ddof=1)), abs=0.01
    )


def test_estimates_are_drawn_towards_their_mean_the_noisiest_furthest() -> None:
    sets = [SETS[0], SETS[1], 5 * (SETS[2] - SETS[2].mean()) + SETS[2].mean()]
    found, means = hierarchical(sets, MARGIN), np.array([x.mean() for x in sets])
    moved = np.abs(np.array(found.pooled) - means)
    assert moved.argmax() == 2
    assert min(found.pooled) > means.min()
    assert max(found.pooled) < means.max()


def test_a_further_data_set_is_less_certain_than_the_mean() -> None:
    found = hierarchical(SETS, MARGIN)
    assert found.further.low < found.mean.low < found.mean.high < found.further.high
    assert found.mean.better > found.further.better


def test_sides_change_places() -> None:
    found, turned = hierarchical(SETS, MARGIN), hierarchical([-x for x in SETS], MARGIN)
    assert (found.mean.worse, found.further.better) == pytest.approx((turned.mean.better, turned.further.worse))
    assert found.mean.low == pytest.approx(-turned.mean.high)


def test_the_unit_does_not_matter() -> None:
    found, scaled = hierarchical(SETS, MARGIN), hierarchical([1e6 * x for x in SETS], 1e6 * MARGIN)
    assert (found.further.equal, found.mean.better) == pytest.approx((scaled.further.equal, scaled.mean.better))


def test_it_is_more_cautious_than_the_data_sets_as_one() -> None:
    assert hierarchical(SETS, MARGIN).mean.better < rope(np.concatenate(SETS), np.zeros(15), MARGIN).better


@pytest.mark.parametrize("sets", [[], SETS[:1], [SETS[0], np.array([0.3])], [SETS[0], np.array([0.3, 0.3, 0.3])]])
def test_what_cannot_be_said(sets: list[np.ndarray]) -> None:
    found = hierarchical(sets, MARGIN)
    assert np.isnan([found.mean.better, found.further.equal, found.spread]).all()


def test_a_margin_is_needed() -> None:
    with pytest.raises(ValueError, match="margin = 0 must be above 0"):
        hierarchical(SETS, 0)
