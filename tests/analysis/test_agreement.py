"""Two networks on the same images, against statsmodels and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.contingency_tables import mcnemar

from analysis.statistics.agreement import agreement

classes = st.integers(0, 3)


@given(st.lists(st.tuples(classes, classes, classes), min_size=1, max_size=60))
def test_it_agrees_with_statsmodels_and_scikit_learn(images: list[tuple[int, int, int]]) -> None:
    first, second, labels = (np.array(side, dtype=np.uint8) for side in zip(*images, strict=True))
    found = agreement(first, second, labels)
    right = [[int((((first == labels) == a) & ((second == labels) == b)).sum()) for b in (True, False)]
             for a in (True, False)]  # fmt: skip
    assert (found.first_only, found.second_only, found.images) == (right[0][1], right[1][0], len(images))
    assert found.p == pytest.approx(mcnemar(right, exact=True).pvalue)
    assert found.equal == pytest.approx((first == second).mean())
    if len({*first, *second}) > 1:
        assert found.kappa == pytest.approx(cohen_kappa_score(first, second))
    else:
        assert np.isnan(found.kappa)


def test_many_images_have_an_exact_p_too() -> None:
    labels = np.zeros(20_000, dtype=np.uint8)
    first, second = labels.copy(), labels.copy()
    second[:2100] = 1  # the first alone is right
    first[2100:4100] = 1
    table = [[15_900, 2100], [2000, 0]]
    assert agreement(first, second, labels).p == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert agreement(first, second, labels).p == pytest.approx(mcnemar(table, exact=False).pvalue, abs=1e-3)


def test_equal_networks_do_not_differ() -> None:
    found = agreement([0, 1, 2], [0, 1, 2], [0, 0, 2])
    assert (found.p, found.equal, found.kappa, found.first_only, found.second_only) == (1, 1, 1, 0, 0)
