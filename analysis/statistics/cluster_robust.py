"""Least squares whose errors hold where points of one cluster depend on each other: CR2, with tests for few clusters.

CR2 corrects each cluster's residuals so that the covariance is unbiased where noise is independent and even (Bell and
McCaffrey 2002); degrees of freedom follow from the design (Satterthwaite). Tests of several contrasts at once are
Hotelling's T² on degrees of freedom by moments (Pustejovsky and Tipton 2018, "HTZ"). Of clusters of one, CR2 is HC2.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtrc, stdtr, stdtrit


@dataclass(frozen=True)
class Coefficient:
    """A contrast of coefficients with its standard error, interval and two-sided p against 0 on `freedom` degrees."""

    value: float
    error: float
    freedom: float
    p: float
    low: float
    high: float


@dataclass(frozen=True)
class Wald:
    """F test that several contrasts are 0, on `contrasts` and `freedom` degrees."""

    statistic: float
    contrasts: int
    freedom: float
    p: float


@dataclass(frozen=True)
class Fit:
    coefficients: np.ndarray  # [k]
    covariance: np.ndarray  # [k, k], CR2
    bread: np.ndarray  # [k, k]: (X'X)⁻¹
    weights: tuple[np.ndarray, ...]  # per cluster [its points, k]: A_g X_g (X'X)⁻¹, A_g the correction
    loads: np.ndarray  # [clusters, k, k]: X_g' A_g X_g (X'X)⁻¹

    def contrast(self, vector: ArrayLike, level: float = 0.95) -> Coefficient:
        """Of coefficients weighed by `vector` [k]. No error (NaN) where one cluster decides it or nothing varies."""
        c = np.asarray(vector, dtype=float)
        value, variance = float(c @ self.coefficients), float(c @ self.covariance @ c)
        freedom = self._freedom(c[None]) if variance > 0 else nan
        if not freedom > 0:
            return Coefficient(value, nan, nan, nan, nan, nan)
        error = sqrt(variance)
        half = float(stdtrit(freedom, (1 + level) / 2)) * error
        p = float(2 * stdtr(freedom, -abs(value) / error))
        return Coefficient(value, error, freedom, p, value - half, value + half)

    def wald(self, matrix: ArrayLike) -> Wald:
        """That `matrix` [q, k], of full rank, times the coefficients is 0. NaN where q contrasts are too many."""
        c = np.atleast_2d(np.asarray(matrix, dtype=float))
        q = len(c)
        freedom, middle = self._freedom(c) - q + 1, c @ self.covariance @ c.T
        if not freedom > 0 or np.linalg.matrix_rank(middle) < q:
            return Wald(nan, q, nan, nan)
        squared = float(c @ self.coefficients @ np.linalg.solve(middle, c @ self.coefficients))
        statistic = freedom / (freedom + q - 1) / q * squared
        return Wald(statistic, q, freedom, float(fdtrc(q, freedom, statistic)))

    def _freedom(self, c: np.ndarray) -> float:
        """Of the Wishart matrix that varies as the covariance of contrasts `c` [q, k] does; Satterthwaite's if q = 1.

        Under independent, even noise of variance 1, where the parts of clusters g, h in contrasts s, t have covariance
        `own[g, s, t]` if g = h, less `b[g, s] · b[h, t]`. Nothing of the size of points² or clusters² is made.
        """
        c = np.linalg.solve(np.linalg.cholesky(c @ self.bread @ c.T), c)  # uncorrelated, of variance 1
        own = np.array([c @ w.T @ w @ c.T for w in self.weights])
        b = np.einsum("sj,gij,il->gsl", c, self.loads, np.linalg.cholesky(self.bread))
        expected = own.sum(axis=0) - np.einsum("gsl,gtl->st", b, b)
        values, vectors = np.linalg.eigh(expected)
        if values[0] <= 1e-9:  # 1 unless one cluster decides a contrast
            return nan
        root = vectors / np.sqrt(values)  # makes the contrasts' covariance the unit matrix
        own, b = root.T @ own @ root, np.einsum("sr,gsl->grl", root, b)
        shared, crossed = np.einsum("gsl,gtl->gst", b, b), np.einsum("gsi,gtj->sitj", b, b)
        traces = own.trace(axis1=1, axis2=2), shared.trace(axis1=1, axis2=2)
        total = (traces[0] * (traces[0] - 2 * traces[1])).sum() + (own * (own - 2 * shared)).sum()
        total += (crossed * (crossed + crossed.swapaxes(0, 2))).sum()
        return float(len(c) * (len(c) + 1) / total)


def cluster_robust(design: ArrayLike, y: ArrayLike, clusters: Sequence[Hashable]) -> Fit:
    """OLS of `y` [n] on `design` [n, k] of full rank, with CR2 over `clusters` [n], any labels.

    A cluster without which the design loses rank is corrected by a generalised inverse, as in clubSandwich; contrasts
    that it alone decides have no error (NaN). Raises numpy's LinAlgError for a design without full rank.
    """
    x, target = np.asarray(design, dtype=float), np.asarray(y, dtype=float)
    bread = np.linalg.inv(x.T @ x)
    coefficients = bread @ x.T @ target
    residuals = target - x @ coefficients
    members: dict[Hashable, list[int]] = {}
    for index, cluster in enumerate(clusters):
        members.setdefault(cluster, []).append(index)
    weights = tuple(_inverse_root(np.eye(len(g)) - x[g] @ bread @ x[g].T) @ x[g] @ bread for g in members.values())
    scores = np.array([residuals[g] @ w for g, w in zip(members.values(), weights, strict=True)])
    loads = np.array([x[g].T @ w for g, w in zip(members.values(), weights, strict=True)])
    return Fit(coefficients, scores.T @ scores, bread, weights, loads)


def _inverse_root(matrix: np.ndarray) -> np.ndarray:
    """Symmetric inverse square root; directions without extent stay without."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-9  # of I - H: its eigenvalues lie in 0 to 1
    scaled: np.ndarray = (vectors * np.where(kept, 1 / np.sqrt(np.where(kept, values, 1)), 0)) @ vectors.T
    return scaled
