"""A mixed model of paired differences: snapshots fixed, searches random, which share what luck they had.

y_st = μ_t + b_s + e_st by REML (Patterson and Thompson 1971); contrasts of the μ_t are tested on Satterthwaite's
degrees of freedom (Giesbrecht and Burns 1985), as lmerTest has them: with few searches z is too liberal.
"""

from dataclasses import dataclass
from functools import cached_property
from math import log, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from analysis.statistics.cluster_robust import Coefficient
from analysis.statistics.paired import TIED, mean_interval

LARGEST = 1e6  # variance between searches over that within, from which snapshots tell nothing more
NOTHING = Coefficient(nan, nan, nan, nan, nan, nan)


@dataclass(frozen=True)
class _Cells:
    """The known cells: values y [N], design x [N, snapshots], and z [N, N], which is 1 where two are of one search."""

    y: np.ndarray
    x: np.ndarray
    z: np.ndarray

    def fitted(self, ratio: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """V⁻¹, (X'V⁻¹X)⁻¹, V⁻¹ - V⁻¹X(X'V⁻¹X)⁻¹X'V⁻¹ in units of the variance within; `ratio`: between to within."""
        inverse = np.eye(len(self.y)) - (ratio / (1 + ratio * self.sizes))[:, None] * self.z
        bread = np.linalg.inv(self.x.T @ inverse @ self.x)
        return inverse, bread, inverse - inverse @ self.x @ bread @ self.x.T @ inverse

    @cached_property
    def sizes(self) -> np.ndarray:
        """How many cells the search of each cell has."""
        return np.asarray(self.z.sum(axis=0))

    @cached_property
    def around(self) -> np.ndarray:
        """`y` without each snapshot's mean: P takes all means to 0, and squares of small residuals lose nothing."""
        return np.asarray(self.y - self.x @ (self.x.T @ self.y / self.x.sum(axis=0)))

    @property
    def freedom(self) -> int:
        return len(self.y) - int(self.x.shape[1])

    def deviance(self, ratio: float) -> float:
        _, bread, p = self.fitted(ratio)
        squares = float(self.around @ p @ self.around)
        logs = (np.log1p(ratio * self.sizes) / self.sizes).sum() - np.linalg.slogdet(bread)[1]
        return self.freedom * log(squares) + float(logs)


def contrast(differences: ArrayLike, weights: ArrayLike, level: float = 0.95) -> Coefficient:
    """`weights` [snapshots] times the mean `differences` [searches, snapshots], NaN where one is missing.

    NaN where fewer than two searches have any, a snapshot has none, or nothing varies. Where the variance between
    searches is estimated as 0, the differences count as independent: that is what makes it too liberal there.
    """
    d, c = np.asarray(differences, dtype=float), np.asarray(weights, dtype=float)
    known = ~np.isnan(d)
    if known.any(axis=1).sum() < 2 or not known.any(axis=0).all():
        return NOTHING
    search, snapshot = np.nonzero(known)
    cells = _Cells(d[known], np.eye(d.shape[1])[snapshot], (search[:, None] == search).astype(float))
    if cells.freedom < 1 or cells.around @ cells.around <= (TIED * np.abs(cells.y).max()) ** 2 * cells.freedom:
        return NOTHING
    ratio = _ratio(cells)
    return _tested(cells, c, ratio, level) if ratio < LARGEST else _by_search(d, c, level)


def _by_search(d: np.ndarray, c: np.ndarray, level: float) -> Coefficient:
    """The limit in which snapshots of a search differ by constants alone: a t test of the searches that have all."""
    one = mean_interval(d[:, c != 0] @ c[c != 0], level)
    error = one.std / sqrt(one.n) if one.n else nan
    return Coefficient(one.value, error, float(one.n - 1), one.p, one.low, one.high)


def _ratio(cells: _Cells) -> float:
    """Variance between searches over that within at the highest restricted likelihood: on a grid, then by Brent."""
    from scipy.optimize import minimize_scalar

    grid = np.concatenate([[0.0], np.geomspace(1e-4, LARGEST, 51)])
    best = int(np.argmin([cells.deviance(ratio) for ratio in grid]))
    if best == len(grid) - 1:
        return LARGEST
    low, high = log(grid[max(1, best - 1)]), log(grid[best + 1])
    found = minimize_scalar(lambda x: cells.deviance(np.exp(x)), bounds=(low, high), method="bounded",
                            options={"xatol": 1e-9})  # fmt: skip
    return float(np.exp(found.x)) if found.fun < cells.deviance(0.0) - 1e-10 else 0.0


def _tested(cells: _Cells, c: np.ndarray, ratio: float, level: float) -> Coefficient:
    inverse, bread, p = cells.fitted(ratio)
    within = float(cells.around @ p @ cells.around) / cells.freedom
    value, variance = float(c @ bread @ cells.x.T @ inverse @ cells.y), within * float(c @ bread @ c)
    freedom = _freedom(cells, c, ratio, within) if ratio else float(cells.freedom)
    error = sqrt(variance)
    half = float(stdtrit(freedom, (1 + level) / 2)) * error
    return Coefficient(
        value, error, freedom, float(2 * stdtr(freedom, -abs(value) / error)), value - half, value + half
    )


def _freedom(cells: _Cells, c: np.ndarray, ratio: float, within: float) -> float:
    """2 v² / g'Ag: v the contrast's variance, g its gradient in both variances, A their inverse information.

    Information is half the observed Hessian of the restricted deviance, as in lmerTest.
    """
    inverse, bread, p = (part * scale for part, scale in zip(cells.fitted(ratio), (1 / within, within, 1 / within),
                                                             strict=True))  # fmt: skip
    parts = cells.z, np.eye(len(cells.y))
    row = c @ bread @ cells.x.T @ inverse
    gradient = np.array([row @ part @ row for part in parts])
    projected = [part @ p @ cells.around for part in parts]
    hessian = np.array([[2 * one @ p @ other - np.trace(p @ v @ p @ w)
                         for w, other in zip(parts, projected, strict=True)]
                        for v, one in zip(parts, projected, strict=True)])  # fmt: skip
    spread = float(gradient @ np.linalg.solve(hessian, gradient)) * 2
    variance = float(c @ bread @ c)
    return 2 * variance**2 / spread if spread > 0 else float(cells.freedom)
