"""Spreads pooled over comparisons: how well they are known, and what is pooled with what."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from analysis.findings.spreads import pooled_spread, spreads
from analysis.results.pairs import Pairs
from analysis.statistics.power import std_interval


def pairs(first: str, second: str, differences: np.ndarray, kind: str = "pair", data: str = "") -> Pairs:
    frame = pd.DataFrame({"own": differences, "other": 0.0}, index=np.arange(float(len(differences))))
    return Pairs(kind, (first, second), frame, frame, (), 0, (first, second), data)  # type: ignore[arg-type]


def all_pairs(rows: np.ndarray) -> list[Pairs]:
    """Of `rows`, [row, seed]."""
    return [pairs(f"row {a}", f"row {b}", rows[a] - rows[b]) for a, b in combinations(range(len(rows)), 2)]


@pytest.mark.parametrize(("count", "seeds"), [(3, 3), (7, 5)])
def test_the_interval_covers_what_it_says_where_comparisons_share_sides(count: int, seeds: int) -> None:
    """Monte-Carlo error .013; comparisons taken as independent would cover 89 and 70 %."""
    rng = np.random.default_rng(0)
    found = [pooled_spread(all_pairs(rng.normal(size=(count, seeds)))) for _ in range(300)]
    assert {spread.freedom for spread in found} == {(count - 1) * (seeds - 1)}
    inside = [low <= 2**0.5 <= high for low, high in (std_interval(*spread) for spread in found)]
    assert np.mean(inside) == pytest.approx(0.95, abs=3 * 0.013)


def test_rows_of_unequal_seeds_count_by_the_comparisons_with_most() -> None:
    rng = np.random.default_rng(1)
    found = [
        pairs("A", "B", rng.normal(size=9)),
        pairs("A", "C", rng.normal(size=4)),
        pairs("B", "C", rng.normal(size=5)),
    ]
    assert pooled_spread(found).freedom == 8 + 4


def test_comparisons_with_twins_share_nothing() -> None:
    rng = np.random.default_rng(2)
    found = [pairs(name, f"twins of {name}", rng.normal(size=5), "twins") for name in "ABC"]
    assert pooled_spread(found).freedom == 12
    assert pooled_spread(found).std == pytest.approx(np.mean([p.differences.var() for p in found]) ** 0.5)


def test_equal_differences_and_none_say_nothing() -> None:
    assert pooled_spread([pairs("A", "B", np.ones(5)), pairs("A", "C", np.array([1.0]))]).freedom == 0
    assert np.isnan(pooled_spread([]).std)


def test_data_sets_kinds_and_failures_are_pooled_apart() -> None:
    rng = np.random.default_rng(3)
    noise = {name: scale * rng.normal(size=5) for name, scale in (("A", 1), ("B", 3), ("C", 9), ("D", 27), ("E", 81))}
    family = [pairs("A", "x", noise["A"], data="one"), pairs("B", "x", noise["B"], data="one"),
              pairs("C", "x", noise["C"], data="two"), pairs("D", "x", noise["D"], "twins", "one"),
              replace(pairs("E", "x", noise["E"], data="one"), failures=1)]  # fmt: skip
    both = ((noise["A"].var(ddof=1) + noise["B"].var(ddof=1)) / 2) ** 0.5
    assert [spread.std for spread in spreads(family)] == pytest.approx(
        [both, both, *(noise[name].std(ddof=1) for name in "CDE")]
    )
