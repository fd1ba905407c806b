"""Adding seeds until decided: at most 5 % false findings over the whole procedure, rejections stand, looks are kept."""

from collections.abc import Sequence
from math import nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.statistics.multiple_testing import holm
from analysis.statistics.paired import mean_interval
from analysis.statistics.sequential import decided, next_look

pytestmark = pytest.mark.long

LOOKS = (3, 5, 10, 20)


def procedure(differences: np.ndarray, looks: tuple[int, ...] = LOOKS) -> dict[str, bool]:
    """As the command runs it: only comparisons that are still open get more seeds."""
    seen = {str(name): row[: looks[0]] for name, row in enumerate(differences)}
    for look in range(1, len(looks) + 1):
        decisions = decided(seen, look, looks)
        if look < len(looks):
            open_ones = [name for name, decision in decisions.items() if not decision.rejected]
            seen |= {name: differences[int(name)][: looks[look]] for name in open_ones}
    return {name: decision.rejected for name, decision in decisions.items()}


def test_false_findings_over_the_whole_procedure() -> None:
    """Six true null hypotheses that share seeds: any rejection at any look in at most 5 % of 4,000 studies."""
    rng = np.random.default_rng(0)
    studies = 4000
    wrong = 0
    for _ in range(studies):
        noise = rng.normal(size=(6, 20)) + 0.7 * rng.normal(size=20)
        wrong += any(procedure(noise).values())
    assert wrong / studies <= 0.05


def test_false_findings_beside_true_ones() -> None:
    """Three large true effects are taken out of the family early; the three null ones still err in at most 5 %."""
    rng = np.random.default_rng(1)
    studies, effects = 1000, np.array([3.0, 3.0, 3.0, 0, 0, 0])[:, None]
    wrong = found = 0
    for _ in range(studies):
        rejected = procedure(rng.normal(size=(6, 20)) + effects)
        wrong += any(rejected[str(n)] for n in (3, 4, 5))
        found += all(rejected[str(n)] for n in (0, 1, 2))
    assert wrong / studies <= 0.05
    assert found / studies > 0.95


def test_rejections_stand_whatever_comes_after() -> None:
    clear = np.array([1.0, 1.1, 0.9, 1.05, 0.95])
    seeds = np.concatenate([clear, [-50.0] * 5])
    first = decided({"a": clear}, 1, (5, 10))["a"]
    later = decided({"a": seeds}, 2, (5, 10))["a"]
    assert first.rejected
    assert (first.verdict, later.verdict, later.at_look) == ("better", "better", 1)
    assert later.estimate == first.estimate


def test_one_look_is_holm() -> None:
    rng = np.random.default_rng(2)
    differences = {str(n): rng.normal(0.8, 1, size=8) for n in range(5)}
    expected = holm([mean_interval(values).p for values in differences.values()]) <= 0.05
    assert [d.rejected for d in decided(differences, 1, (8,)).values()] == expected.tolist()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(st.floats(-5, 5), min_size=10, max_size=10), min_size=1, max_size=4), st.integers(0, 3))
def test_a_rejected_comparisons_interval_excludes_zero(values: list[list[float]], look: int) -> None:
    for decision in decided({str(n): row for n, row in enumerate(values)}, look, (3, 5, 10)).values():
        if decision.rejected:
            assert decision.estimate.low > 0 or decision.estimate.high < 0


def test_missing_pairs_do_not_count_as_seeds() -> None:
    decision = decided({"a": [1.0, nan, 1.2, 9.0]}, 1, (3, 20))["a"]
    assert decision.estimate.n == 2


@pytest.mark.parametrize(("look", "looks"), [(1, ()), (1, (5, 3)), (1, (3, 3)), (3, (3, 5)), (-1, (3,)), (1, (0, 3))])
def test_looks_that_are_none_are_refused(look: int, looks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="look"):
        decided({"a": [1.0, 2.0]}, look, looks)


def test_a_look_waits_for_every_open_comparison() -> None:
    clear, noisy = [1.0, 1.01, 0.99, 1.0, 1.02], [1.0, -1.0, 0.5, -0.5, 0.1]
    assert next_look({"a": clear[:2], "b": noisy[:3]}, (3, 5)) == (0, ["a", "b"])
    assert next_look({"a": clear[:3], "b": noisy[:3]}, (3, 5)) == (1, ["b"])
    assert next_look({"a": clear[:3], "b": noisy}, (3, 5)) == (2, ["b"])


def test_a_second_test_that_does_not_agree_keeps_a_comparison_open() -> None:
    clear = [2.0, 2.1, 1.9, 2.0, 2.2]
    refused = {3}  # samples of so many pairs

    def second(samples: Sequence[np.ndarray], _: object) -> list[float]:
        return [1.0 if len(sample) in refused else 0.001 for sample in samples]

    first = decided({"a": clear}, 1, (3, 5), second=second)["a"]
    assert (first.rejected, first.second, first.second_raw) == (False, 1.0, 1.0)
    assert first.adjusted < 0.05
    assert next_look({"a": clear[:3]}, (3, 5), second=second) == (1, ["a"])
    later = decided({"a": clear}, 2, (3, 5), second=second)["a"]
    assert (later.at_look, later.second, later.second_raw) == (2, 0.002, 0.001)


def test_what_brings_no_seeds_is_tested_on_those_that_are_there() -> None:
    """Where all that bring seeds are decided, a look is taken once the others have the pairs for it."""
    clear, noisy = [2.0, 2.1, 1.9], [1.0, -1.0, 0.5, 0.2, -0.3]
    assert next_look({"a": clear, "b": noisy[:4], "gone": []}, (3, 5), leading={"a"}) == (1, ["b", "gone"])
    assert next_look({"a": clear, "b": noisy, "gone": []}, (3, 5), leading={"a"}) == (2, ["b", "gone"])
