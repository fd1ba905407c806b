"""How often each analysis of a question shows a difference where there is none; docs/reviewers.md states the same.

Two rules, each with twins, and a baseline; normal noise; three snapshots a search, correlated by .9.
"""

from collections import Counter
from collections.abc import Iterator
from math import sqrt

import numpy as np
import pytest

from analysis.statistics.equivalence import rope, tost
from analysis.statistics.improvement import improvement
from analysis.statistics.many_to_one import many_to_one
from analysis.statistics.mixed import contrast
from analysis.statistics.moderated import moderated
from analysis.statistics.paired import mean_interval
from analysis.statistics.permutation import sign_flip
from analysis.statistics.regression import slopes

pytestmark = pytest.mark.long

STUDIES, BEFORE = 500, 10_000  # studies here; others, to whose shares these are pinned
SEEDS = (3, 5, 10)
RATES = {  # by SEEDS
    "paired t test": (0.0544, 0.0486, 0.0484),
    "sign flips": (0, 0, 0.0477),
    "moderated t test": (0.0766, 0.0622, 0.0557),
    "mixed model": (0.0564, 0.0486, 0.0484),
    "mixed model with z": (0.1892, 0.1183, 0.0808),
    "many-to-one": (0.0705, 0.0574, 0.0530),
    "two t tests against the baseline": (0.0967, 0.0915, 0.0909),
    "probability of improvement": (0.1978, 0.0974, 0.0575),
    "slope, CR2 by search": (0.0549, 0.0392, 0.0417),
    "two one-sided tests at the margin": (0.0276, 0.0302, 0.0493),
    "Bayesian t test": (0.0654, 0.0527, 0.0380),
}


def snapshots(rng: np.random.Generator, seeds: int) -> np.ndarray:
    return sqrt(0.9) * rng.normal(size=(seeds, 1)) + sqrt(0.1) * rng.normal(size=(seeds, 3))


def shown(rng: np.random.Generator, seeds: int) -> Iterator[str]:
    """The analyses of one study without differences that show one, at .05."""
    own, other, twins, more = (snapshots(rng, seeds) for _ in range(4))
    base = rng.normal(size=seeds)
    differences = [own - twins, other - more, own - base[:, None], other - base[:, None]]
    means = [each.mean(axis=1) for each in differences]
    mixed = contrast(differences[0], [1 / 3] * 3)
    against = [mean_interval(each).p for each in means[2:]]
    p = {
        "paired t test": mean_interval(means[0]).p, "sign flips": sign_flip(means[0]).p,
        "moderated t test": moderated(means)[0].p, "mixed model": mixed.p,
        "many-to-one": min(one.p for one in many_to_one(means[2:])), "two t tests against the baseline": min(against),
    }  # fmt: skip
    yield from (name for name, value in p.items() if value <= 0.05)
    if abs(mixed.value / mixed.error) > 1.959964:
        yield "mixed model with z"
    yield from (name for name, wrong in _equal(own.mean(axis=1), twins.mean(axis=1)).items() if wrong)
    scale = 2 * rng.normal(size=(seeds, 1)) + 0.5 * rng.normal(size=(seeds, 3))
    searches = np.repeat(np.arange(seeds), 3).tolist()
    if slopes(scale.ravel(), own.ravel(), ["one"] * scale.size, searches).slopes["one"].p <= 0.05:
        yield "slope, CR2 by search"
    if improvement(own.mean(axis=1), twins.mean(axis=1)).shown:
        yield "probability of improvement"


def _equal(own: np.ndarray, twins: np.ndarray) -> dict[str, bool]:
    """Two one-sided tests where the true difference is the margin, of 1; a Bayesian answer for a region of ±0.2."""
    posterior = rope(own, twins, 0.2)
    return {
        "two one-sided tests at the margin": tost(own + 1, twins, 1).p <= 0.05,
        "Bayesian t test": max(posterior.better, posterior.worse) >= 0.95,
    }


@pytest.mark.parametrize("seeds", SEEDS)
def test_each_analysis_errs_as_the_page_says(seeds: int) -> None:
    rng = np.random.default_rng(22)
    found = Counter(name for _ in range(STUDIES) for name in shown(rng, seeds))
    for name, rates in RATES.items():
        expected = rates[SEEDS.index(seeds)]
        error = sqrt(expected * (1 - expected) * (1 / STUDIES + 1 / BEFORE))
        print(f"{name}, {seeds} seeds: {found[name] / STUDIES:.4f} ± {error:.4f}")
        assert found[name] / STUDIES == pytest.approx(expected, abs=3.5 * error + 1e-9)
