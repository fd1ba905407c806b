"""Studies of n seeds, drawn from many runs of a method: accuracies [studies, seeds] of two sides."""

import numpy as np
from scipy.special import ndtr


def same(runs: np.ndarray, seeds: int, studies: int, correlation: float,
         rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """One method on both sides, with runs of its own on each.

    `correlation` is that of normal scores, by which both sides of a pair take their runs in the order of accuracies: a
    Gaussian copula with the method's own distribution. It is 0 where no run is on both sides.
    """
    if not correlation:
        drawn = distinct(len(runs), 2 * seeds, studies, rng)
        return runs[drawn[:, :seeds]], runs[drawn[:, seeds:]]
    shared, own = rng.normal(size=(studies, seeds, 1)), rng.normal(size=(studies, seeds, 2))
    scores = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
    found = np.sort(runs)[np.minimum((ndtr(scores) * len(runs)).astype(int), len(runs) - 1)]
    return found[..., 0], found[..., 1]


def distinct(of: int, wanted: int, studies: int, rng: np.random.Generator) -> np.ndarray:
    """[studies, wanted] places in so many runs, none twice in a study."""
    return np.array([rng.choice(of, wanted, replace=False, shuffle=True) for _ in range(studies)])
