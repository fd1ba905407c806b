"""CR2, its degrees of freedom and Wald's test against clubSandwich (tests/data/r/cluster_robust.R) and written out."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, stats

from analysis.statistics.cluster_robust import Fit, cluster_robust

METHOD = np.repeat([0, 1, 2], [9, 8, 6])
SEARCH = [1, 1, 1, 2, 2, 2, 3, 3, 4, 1, 1, 2, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10]
X = np.array([1.0, 2.1, 3.2, 1.4, 2.2, 4.1, 0.8, 3.0, 2.5, 2.0, 3.3, 1.1, 2.9, 1.7, 2.6, 3.8, 2.2, 1.2, 2.0, 2.4, 3.1,
              3.9, 1.6])  # fmt: skip
Y = np.array([70.1, 71.3, 71.9, 69.2, 70.4, 72.8, 71.0, 73.1, 71.5, 70.8, 71.2, 69.1, 70.2, 71.9, 72.5, 72.4, 70.6,
              68.8, 71.1, 70.3, 71.7, 73.9, 70.0])  # fmt: skip
MEMBER = (METHOD[:, None] == np.arange(3)).astype(float)
DESIGN = np.column_stack([MEMBER, MEMBER * X[:, None]])
EQUAL = [[0, 0, 0, 1, -1, 0], [0, 0, 0, 1, 0, -1]]

BY_SEARCH = {
    "error": [0.739485067838, 1.081446497923, 0.573327686812, 0.147103071199, 0.251553976714, 0.245448596919],
    "freedom": [2.02577125321, 1.87851614337, 2.53443625287, 1.95660201470, 1.79986978962, 2.18538502684],
    "p": [
        1.03292622900e-04,
        3.73891323195e-04,
        8.48527732413e-06,
        2.65564969947e-02,
        0.111893191975,
        1.68401623443e-02,
    ],
}
ALONE = {
    "error": [0.770710750924, 1.263254931254, 0.573327686812, 0.265952214625, 0.439825401219, 0.245448596919],
    "freedom": [3.33456495856, 2.80079886575, 2.53443625287, 3.38967246404, 2.89847530618, 2.18538502684],
    "p": [
        9.26606408803e-07,
        2.48497041563e-05,
        8.48527732413e-06,
        3.47155219906e-02,
        0.194718926269,
        1.68401623443e-02,
    ],
}


@pytest.mark.parametrize(("clusters", "expected"), [(SEARCH, BY_SEARCH), (range(23), ALONE)])
def test_coefficients_agree_with_clubsandwich(clusters: list[int], expected: dict[str, list[float]]) -> None:
    fit = cluster_robust(DESIGN, Y, clusters)
    found = [fit.contrast(unit) for unit in np.eye(6)]
    for name, values in expected.items():
        assert [getattr(coefficient, name) for coefficient in found] == pytest.approx(values, rel=1e-9)
    half = [(c.high - c.low) / 2 for c in found]
    assert half == pytest.approx([c.error * stats.t.ppf(0.975, c.freedom) for c in found])


@pytest.mark.parametrize(
    ("clusters", "statistic", "freedom", "p"),
    [(SEARCH, 2.45010576444, 2.17430862729, 0.277311857389), (range(23), 2.35921790962, 4.77457568894, 0.193851000697)],
)
def test_equal_slopes_agree_with_clubsandwich(clusters: list[int], statistic: float, freedom: float, p: float) -> None:
    found = cluster_robust(DESIGN, Y, clusters).wald(EQUAL)
    assert (found.statistic, found.freedom, found.p) == pytest.approx((statistic, freedom, p), rel=1e-9)


def random_fit(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, Fit]:
    rng = np.random.default_rng(seed)
    clusters = rng.permutation(np.repeat(np.arange(6), rng.integers(1, 5, size=6)))
    design = np.column_stack([np.ones(len(clusters)), rng.normal(size=(len(clusters), 1))])
    y = rng.normal(size=len(clusters))
    return design, y, clusters, cluster_robust(design, y, clusters.tolist())


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_agrees_with_the_definition_written_out(seed: int) -> None:
    """Bell and McCaffrey's with every matrix [n, n], and Satterthwaite's degrees from the eigenvalues."""
    x, y, clusters, fit = random_fit(seed)
    hat = x @ np.linalg.inv(x.T @ x) @ x.T
    bread = np.linalg.inv(x.T @ x)
    rest = np.eye(len(y)) - hat
    vectors = []
    for cluster in np.unique(clusters):
        at = np.flatnonzero(clusters == cluster)
        root = np.linalg.inv(np.real(linalg.sqrtm(rest[np.ix_(at, at)])))
        vectors.append(rest[:, at] @ root @ x[at] @ bread[:, 1])
    parts = np.array(vectors) @ y
    slope = fit.contrast([0, 1])
    assert slope.error == pytest.approx(np.sqrt(parts @ parts), rel=1e-6)
    eigenvalues = np.linalg.eigvalsh(np.array(vectors) @ np.array(vectors).T)
    assert slope.freedom == pytest.approx(eigenvalues.sum() ** 2 / (eigenvalues**2).sum(), rel=1e-6)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-100, 100))
def test_units_and_names_of_clusters_do_not_matter(seed: int, scale: float, shift: float) -> None:
    x, y, clusters, fit = random_fit(seed)
    one = fit.contrast([0, 1])
    other = cluster_robust(x, scale * y + shift, [f"seed {c}" for c in clusters]).contrast([0, 1])
    assert other.value == pytest.approx(scale * one.value, rel=1e-6, abs=1e-8 * (scale + abs(shift)))
    assert other.error == pytest.approx(scale * one.error, rel=1e-6)
    assert (other.freedom, fit.wald([[0, 1]]).p) == pytest.approx((one.freedom, one.p), rel=1e-6)


def test_the_test_of_several_contrasts_does_not_depend_on_how_they_are_written() -> None:
    fit = cluster_robust(DESIGN, Y, SEARCH)
    other = fit.wald([[0, 0, 0, 2, -1, -1], [0, 0, 0, 0, 3, -3]])
    assert (other.statistic, other.freedom) == pytest.approx((2.45010576444, 2.17430862729), rel=1e-9)


def test_what_one_cluster_decides_has_no_error() -> None:
    """All of method C in one cluster: clubSandwich gives the others' errors as before, and 2e-16 for C's."""
    found = [cluster_robust(DESIGN, Y, [min(search, 5) for search in SEARCH]).contrast(unit) for unit in np.eye(6)]
    assert [found[i].error for i in (0, 1, 3, 4)] == pytest.approx([BY_SEARCH["error"][i] for i in (0, 1, 3, 4)])
    assert all(isnan(value) for i in (2, 5) for value in (found[i].error, found[i].p, found[i].low))


def test_too_few_clusters_for_the_contrasts_give_nothing() -> None:
    y = np.array([1.0, 2.0, 2.5, 4.0, 5.5, 5.0])
    fit = cluster_robust(np.vander(np.arange(6.0), 3), y, [0, 0, 0, 1, 1, 1])
    found = fit.wald(np.eye(3))
    assert isnan(found.p)
    assert isnan(found.statistic)


@pytest.mark.long
def test_size_of_the_tests_with_five_searches_of_three_networks() -> None:
    """A null study, noise shared within a search (.9): 500 studies have a simulation error of .01 at .05.

    By clusters a slope is rejected at about the level and the test of equality stays below; points taken as independent
    reject far too often.
    """
    rng = np.random.default_rng(6)
    studies, searches = 500, np.repeat(np.arange(5), 3)
    names, both = np.concatenate([searches, searches + 5]), np.repeat([0, 1], 15)
    member = (both[:, None] == np.arange(2)).astype(float)
    wrong = np.zeros(3)
    for _ in range(studies):
        x = rng.normal(size=10)[names] + 0.3 * rng.normal(size=30)
        y = np.sqrt(0.9) * rng.normal(size=10)[names] + np.sqrt(0.1) * rng.normal(size=30)
        design = np.column_stack([member, member * x[:, None]])
        fit, alone = (cluster_robust(design, y, c) for c in (names.tolist(), range(30)))
        slope = [0, 0, 1, 0]
        wrong += [fit.contrast(slope).p <= 0.05, fit.wald([[0, 0, 1, -1]]).p <= 0.05, alone.contrast(slope).p <= 0.05]
    share = wrong / studies
    assert share[0] < 0.05 + 3 * 0.01
    assert share[1] < 0.05 + 3 * 0.01
    assert share[2] > 0.15
