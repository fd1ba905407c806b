"""How often tests over data sets show a difference where there is none; docs/reviewers.md states the same.

Three methods, five seeds, normal noise of standard deviation 1.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from analysis.findings.tests_over_data_sets import every
from analysis.statistics.friedman import friedman
from analysis.statistics.hierarchical import hierarchical
from analysis.statistics.paired import mean_interval
from analysis.statistics.permutation import signed_rank

pytestmark = pytest.mark.long

STUDIES, BEFORE = 200, 2_000  # studies here; others, to whose shares these are pinned
WAYS = ("mean by seed", "same sign", "signed ranks", "chi2", "F", "permutations", "further", "mean of such")
RATES = {  # (data sets, how much true differences vary over data sets, what data sets share of a seed's luck)
    (3, 0, 0): (0.0495, 0.0000, 0.0000, 0.0320, 0.2105, 0.0320, 0.0000, 0.0030),
    (5, 0, 0): (0.0535, 0.0000, 0.0000, 0.0415, 0.0415, 0.0415, 0.0000, 0.0065),
    (3, 1, 0): (0.3150, 0.0080, 0.0000, 0.0335, 0.1915, 0.0335, 0.0170, 0.0680),
    (3, 0, 0.5): (0.0445, 0.0015, 0.0000, 0.1455, 0.5400, 0.1455, 0.0040, 0.0265),
}  # fmt: skip


def shown(rng: np.random.Generator, sets: int, between: float, shared: float) -> Iterator[str]:
    """What of one study shows a difference, at .05 or with probability .95; on average methods are equal."""
    luck = np.sqrt(shared) * rng.normal(size=(5, 1, 3)) + np.sqrt(1 - shared) * rng.normal(size=(5, sets, 3))
    values = luck + between * rng.normal(size=(1, sets, 3))
    first = values[..., 0] - values[..., 1]
    ranks, model = friedman(values.mean(axis=0)), hierarchical(list(first.T), 0.2)
    p = (mean_interval(first.mean(axis=1)).p, every([mean_interval(x) for x in first.T]),
         signed_rank(first.mean(axis=0), np.zeros(sets)).p, ranks.p_chi2, ranks.p_f, ranks.p)  # fmt: skip
    yield from (name for name, value in zip(WAYS, p, strict=False) if value <= 0.05)
    for name, one in (("further", model.further), ("mean of such", model.mean)):
        if max(one.better, one.worse, one.equal) >= 0.95:
            yield name


def rates(studies: int, seed: int, *case: float) -> dict[str, float]:
    rng, count = np.random.default_rng(seed), Counter[str]()
    for _ in range(studies):
        count.update(shown(rng, *case))
    return {name: count[name] / studies for name in WAYS}


@pytest.mark.parametrize("case", RATES)
def test_as_often_as_the_page_says(case: tuple[int, float, float]) -> None:
    found = rates(STUDIES, 1, *case)
    for name, before in zip(WAYS, RATES[case], strict=True):
        error = np.sqrt(max(before * (1 - before), 0.002) * (1 / STUDIES + 1 / BEFORE))
        assert found[name] == pytest.approx(before, abs=4 * error), name
