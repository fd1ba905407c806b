"""Spreads pooled over comparisons: how well they are known, and what is pooled with what."""

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from analysis.findings.spreads import own_spread, spreads
from analysis.results.pairs import Pairs
from analysis.statistics.pooled import correlated_freedom
from analysis.statistics.power import std_interval


def pairs(first: str, second: str, differences: np.ndarray, kind: str = "pair", data: str = "") -> Pairs:
    frame = pd.DataFrame({"own": differences, "other": 0.0}, index=np.arange(float(len(differences))))
    return Pairs(kind, (first, second), frame, frame, (), (), (first, second), data)  # type: ignore[arg-type]


def all_pairs(rows: np.ndarray) -> list[Pairs]:
    """Of `rows`, [row, seed]."""
    return [pairs(f"row {a}", f"row {b}", rows[a] - rows[b]) for a, b in combinations(range(len(rows)), 2)]


def covered(rng: np.random.Generator, family: Callable[[], list[Pairs]], true: float, studies: int = 300) -> float:
    """How often the intervals of comparisons hold the `true` spread, at 95 %."""
    found = [spread for _ in range(studies) for spread in spreads(family())]
    return float(np.mean([low <= true <= high for low, high in (std_interval(*spread) for spread in found)]))


@pytest.mark.parametrize(("count", "seeds"), [(3, 3), (7, 5)])
def test_the_interval_covers_what_it_says_where_comparisons_share_sides(count: int, seeds: int) -> None:
    """Monte-Carlo error .013; comparisons taken as independent would cover 89 and 70 %."""
    rng = np.random.default_rng(0)
    found = covered(rng, lambda: all_pairs(rng.normal(size=(count, seeds))), 2**0.5)
    assert found == pytest.approx(0.95, abs=3 * 0.013)
    most = (count - 1) * (seeds - 1)  # that so many independent rows have
    assert all(spread.freedom <= most for spread in spreads(all_pairs(rng.normal(size=(count, seeds)))))


def snapshots(rng: np.random.Generator, seeds: int, correlation: float = 0.9) -> np.ndarray:
    """Rows [3 of one search, then 3 of another], whose noise correlates within a search."""
    common, own = rng.normal(size=(2, 1, seeds)), rng.normal(size=(2, 3, seeds))
    return np.asarray((correlation**0.5 * common + (1 - correlation) ** 0.5 * own).reshape(6, seeds))


@pytest.mark.parametrize(("seeds", "least"), [(5, 0.89), (10, 0.92)])
def test_snapshots_of_one_search_count_as_little_more_than_one(seeds: int, least: float) -> None:
    """Taken as independent they would cover 80 % at either number of seeds."""
    rng = np.random.default_rng(1)
    twins = covered(rng, lambda: [pairs(f"a@{n}", f"twins@{n}", x, "twins")
                                  for n, x in enumerate(snapshots(rng, seeds))], 1.0)  # fmt: skip
    assert least < twins < 0.98


def test_a_method_s_snapshots_are_not_pooled_with_comparisons_of_methods() -> None:
    """Differences between these have a spread of √2, those between snapshots of √0.2."""
    rng = np.random.default_rng(2)
    names = [f"{method}@{epochs}" for method in "AB" for epochs in (5, 10, 20)]

    def family() -> list[Pairs]:
        rows = snapshots(rng, 10)
        return [pairs(names[a], names[b], rows[a] - rows[b]) for a, b in combinations(range(6), 2)]

    between = [n for n, (a, b) in enumerate(combinations(range(6), 2)) if a // 3 != b // 3]
    found = [[spread.std for spread in spreads(family())] for _ in range(100)]
    assert np.median(found, axis=0)[between] == pytest.approx(2**0.5, rel=0.15)
    assert np.delete(np.median(found, axis=0), between) == pytest.approx(0.2**0.5, rel=0.15)


def test_comparisons_that_differ_in_spread_keep_their_own() -> None:
    """From 0.5 to 16 points: one spread for all would be 7.5. The smallest one is drawn up a little too often."""
    rng = np.random.default_rng(3)
    true = 0.5 * 2.0 ** np.arange(6)
    found = [spreads([pairs(f"{n}", f"t{n}", scale * rng.normal(size=10)) for n, scale in enumerate(true)])
             for _ in range(200)]  # fmt: skip
    inside = [[low <= std <= high for std, (low, high) in zip(true, (std_interval(*s) for s in one), strict=True)]
              for one in found]  # fmt: skip
    assert np.mean(inside) > 0.91
    assert np.min(np.mean(inside, axis=0)) > 0.8
    assert np.median([[spread.std for spread in one] for one in found], axis=0) == pytest.approx(true, rel=0.25)


def test_alike_comparisons_are_known_on_the_freedom_of_all() -> None:
    """Three differences each: alone they have two degrees, together with others up to 12."""
    noise = np.array([[-1.0, 0.0, 1.0], [0.0, 1.0, -1.0], [1.0, -1.0, 0.0], [-1.0, 1.0, 0.0]])
    found = spreads([pairs(f"{n}", f"t{n}", x, "twins") for n, x in enumerate(noise)])
    assert {spread.std for spread in found} == {1.0}
    assert 2 < found[0].freedom <= 8


def test_rows_of_unequal_seeds_count_by_the_comparisons_with_most() -> None:
    rng = np.random.default_rng(1)
    found = [
        pairs("A", "B", rng.normal(size=9)),
        pairs("A", "C", rng.normal(size=4)),
        pairs("B", "C", rng.normal(size=5)),
    ]
    assert all(spread.freedom <= 8 + 4 for spread in spreads(found))


def test_unequal_seeds_count_by_their_number() -> None:
    """Of equal spreads that are pooled, twenty pairs say more than three."""
    rng = np.random.default_rng(4)

    def family() -> list[Pairs]:
        return [pairs("A", "a", rng.normal(size=20)), pairs("B", "b", rng.normal(size=3))]

    assert covered(rng, family, 1.0, 400) > 0.86
    assert all(spreads(family())[0].freedom >= 19 for _ in range(20))


def test_a_sample_that_is_constant_where_others_have_seeds_undoes_no_correlation() -> None:
    rng = np.random.default_rng(5)
    one = rng.normal(size=10)
    copies = pd.DataFrame({n: one + 0.01 * rng.normal(size=10) for n in range(6)})
    copies[6] = [*[1.0] * 5, *rng.normal(size=5)]
    copies[7] = [*rng.normal(size=5), *[np.nan] * 5]
    assert correlated_freedom(copies) < 25
    assert correlated_freedom(pd.DataFrame({n: rng.normal(size=200) for n in range(6)})) == pytest.approx(
        1194, rel=0.05
    )


def test_equal_differences_and_none_say_nothing() -> None:
    noise = pairs("A", "D", np.array([1.0, 2.0, 4.0]))
    *others, own = spreads([pairs("A", "B", np.ones(5)), pairs("A", "C", np.array([1.0])), noise])
    assert own == own_spread(noise)
    assert own.freedom == 2
    assert all(np.isnan(spread.std) for spread in others)


def test_data_sets_kinds_and_failures_are_pooled_apart() -> None:
    rng = np.random.default_rng(3)
    noise = {name: scale * rng.normal(size=5) for name, scale in (("A", 1), ("B", 3), ("C", 9), ("D", 27), ("E", 81))}
    family = [pairs("A", "x", noise["A"], data="one"), pairs("B", "x", noise["B"], data="one"),
              pairs("C", "x", noise["C"], data="two"), pairs("D", "x", noise["D"], "twins", "one"),
              replace(pairs("E", "x", noise["E"], data="one"), failed=(0.0,))]  # fmt: skip
    a, b, *others = (spread.std for spread in spreads(family))
    assert [a, b] != pytest.approx([noise[name].std(ddof=1) for name in "AB"])
    assert others == pytest.approx([noise[name].std(ddof=1) for name in "CDE"])
