"""A model of accuracy chooses what is evaluated (in the spirit of BANANAS, White et al. 2021).

A Gaussian process over one-hot choices learns the ranks of all accuracies, as normal scores, so that networks that
learn nothing do not decide its scale. After every `refit` answers it is fitted anew, and orders random architectures
and all neighbours of the best ones by expected improvement; the queries until the next fit follow that order.
"""

import warnings
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
from scipy.stats import norm, rankdata
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern, WhiteKernel

from harness.black_box.history import Ask, Evaluated, Search
from spaces.edits import edits

PARENTS, RANDOM = 10, 100  # of the pool: whose neighbours are in it, and how many random ones
LENGTHS, NOISES = (1.0, 2.0, 4.0, 8.0), (1e-3, 1e-2, 1e-1)  # the likeliest pair is taken, without an optimiser
DIGITS = 9  # of expected improvements in standard deviations; what is closer goes by the pool's order


def propose(ask: Ask) -> Any:
    scored = ask.scored
    if ask.index < ask.startup or len(scored) < ask.startup:
        return ask.drawn()
    fitted = ask.startup + (len(scored) - ask.startup) // ask.refit * ask.refit
    asked = ask.asked
    return next((one for one in _order(ask, scored[:fitted]) if one not in asked), None) or ask.drawn()


class _Memory:
    """The order that was found last: it serves the queries until the next fit."""

    basis: tuple[Search, list[Evaluated]] | None = None
    order: Sequence[Any] = ()


_memory = _Memory()


def _order(ask: Ask, known: list[Evaluated]) -> Sequence[Any]:
    """The pool after these answers, from the most promising on."""
    if _memory.basis != (ask.search, known):
        pool = _pool(ask, known)
        features = _one_hot(ask.search, [*(one.architecture for one in known), *pool])
        accuracies = np.array([one.fitness for one in known])
        gain = expected_improvement(features[: len(known)], accuracies, features[len(known) :])
        _memory.order = [pool[place] for place in np.argsort(-np.round(gain, DIGITS), kind="stable")]
        _memory.basis = (ask.search, known)
    return _memory.order


def _pool(ask: Ask, known: list[Evaluated]) -> list[Any]:
    best = sorted(known, key=lambda one: one.fitness or 0.0, reverse=True)[:PARENTS]
    rng = ask.random("pool", len(known))
    drawn = [ask.search.space.draw(ask.search.rule, rng) for _ in range(RANDOM)]
    return list(dict.fromkeys([*(near for one in best for near in ask.neighbours(one.architecture)), *drawn]))


def _one_hot(search: Search, architectures: Sequence[Any]) -> np.ndarray:
    """[architectures, options of all choices]."""
    space = edits(search.space)
    numbers = np.array([space.encode(one, search.rule) for one in architectures])
    sizes = space.options(search.rule)
    return np.concatenate([np.eye(size)[column] for size, column in zip(sizes, numbers.T, strict=True)], axis=1)


def expected_improvement(known: np.ndarray, accuracies: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """Of each row of `pool` [m, features] over the best of `known` [n, features], in normal scores [m]."""
    scores = norm.ppf((rankdata(accuracies) - 0.5) / len(accuracies))
    model = GaussianProcessRegressor(Matern(1.0, nu=2.5) + WhiteKernel(1e-2), optimizer=_likeliest)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a length lies at an end of its bounds
        model.fit(known, scores)
        mean, deviation = model.predict(pool, return_std=True)
    gap, deviation = mean - scores.max(), np.maximum(deviation, 1e-12)
    gain: np.ndarray = gap * norm.cdf(gap / deviation) + deviation * norm.pdf(gap / deviation)
    return gain


def _likeliest(objective: Callable[..., float], start: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, float]:
    """Of the grid, the point with the highest marginal likelihood, and its negative logarithm."""
    points = [np.log(point) for point in product(LENGTHS, NOISES)]
    found = [float(objective(point, eval_gradient=False)) for point in points]
    return points[int(np.argmin(found))], min(found)
