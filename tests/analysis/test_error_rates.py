"""Simulated error rates of a report's verdicts, with fixed streams; docs/reviewers.md states the same figures.

A share p of N simulated studies has a Monte-Carlo error of √(p (1 - p) / N), which stands beside each bound.
"""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.findings.family_tests import judge
from analysis.findings.rules import Rules
from analysis.results.pairs import Pairs, Question, questions
from analysis.statistics.regression import slopes
from analysis.statistics.sequential import decided, next_look

RULES = Rules(0.05, 0.2, ())
EPOCHS = (10, 20, 30)
ROWS = [{"method": f"{rule}@{at}", "twin": f"twins {rule}@{at}", "search_epochs": at} for rule in "AB" for at in EPOCHS]
ROWS.append({"method": "baseline", "twin": None, "search_epochs": None})
ALL = questions(ROWS)

pytestmark = pytest.mark.long


def snapshots(rng: np.random.Generator, studies: int, seeds: int, rho: float = 0.9) -> np.ndarray:
    """Accuracies [studies, seeds, snapshots] of unit variance, correlated by `rho` within a seed."""
    shared, own = rng.normal(size=(studies, seeds, 1)), rng.normal(size=(studies, seeds, len(EPOCHS)))
    return np.sqrt(rho) * shared + np.sqrt(1 - rho) * own


def rejected(differences: np.ndarray) -> float:
    """The share of studies [studies, seeds] in which the primary comparison is significant."""
    return float((stats.ttest_1samp(differences, 0, axis=1).pvalue <= 0.05).mean())


def test_the_primary_comparison_errs_in_at_most_one_study_of_twenty() -> None:
    """20,000 studies of five seeds: Monte-Carlo error .0015."""
    rng = np.random.default_rng(0)
    own, twins = (snapshots(rng, 20_000, 5).mean(axis=2) for _ in range(2))
    error = rejected(own - twins)
    print(f"primary: {error:.4f}")
    assert error <= 0.055
    assert error == pytest.approx(0.05, abs=3 * 0.0015)


def test_the_judge_rejects_where_the_t_test_does() -> None:
    """The rates of this file that are worked out in bulk are those of the code that judges."""
    rng = np.random.default_rng(1)
    values = rng.normal(0.8, 1, size=(40, 5))
    ours = [judge([_pairs("primary", "A", "twins A", x, 0 * x)], RULES, alone=True)[0].significant for x in values]
    assert ours == list(stats.ttest_1samp(values, 0, axis=1).pvalue <= 0.05)
    assert 0 < sum(ours) < 40


def _pairs(kind: str, first: str, second: str, own: np.ndarray, other: np.ndarray) -> Pairs:
    frame = pd.DataFrame({"own": own, "other": other}, index=np.arange(float(len(own))))
    return Pairs(kind, (first, second), frame, frame, (), (), (first, second), "")  # type: ignore[arg-type]


SHAPES: dict[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]] = {
    "t with 3 degrees of freedom": lambda rng, size: rng.standard_t(3, size),
    "lognormal": lambda rng, size: rng.lognormal(size=size) - np.exp(0.5),
    "a fifth of own runs fail": lambda rng, size: np.where(rng.random(size) < 0.2, -60, 0) + rng.normal(size=size),
}


def _study(rng: np.random.Generator, gain: float, shape: str = "") -> dict[str, np.ndarray]:
    """Accuracies by row: rule A lies above all else by `gain` at every snapshot.

    With a `shape`, what a search adds for all of its snapshots has that distribution, of mean 0 where nothing fails.
    """
    found = {"baseline": rng.normal(size=5)}
    for rule in "AB":
        for prefix in ("", "twins "):
            each = snapshots(rng, 1, 5)[0] + (gain if (rule, prefix) == ("A", "") else 0)
            if shape:
                each = 0.3 * each + (SHAPES[shape](rng, (5, 1)) if not prefix else 0)
            found |= {f"{prefix}{rule}@{at}": each[:, n] for n, at in enumerate(EPOCHS)}
    return found


def _of(question: Question, values: dict[str, np.ndarray]) -> Pairs:
    one, other = values[question.first], values[question.second]
    if question.kind == "gain":
        one, other = one - values[f"twins {question.first}"], other - values[f"twins {question.second}"]
    return _pairs(question.kind, question.first, question.second, one, other)


def _confirmed(values: dict[str, np.ndarray]) -> set[Question | str]:
    """What a preregistered report would call significant."""
    own, twins = (np.mean([values[f"{p}A@{at}"] for at in EPOCHS], axis=0) for p in ("", "twins "))
    if not judge([_pairs("primary", "A", "twins A", own, twins)], RULES, alone=True)[0].significant:
        return set()
    found = judge([_of(question, values) for question in ALL], RULES)
    return {"primary", *(question for question, one in zip(ALL, found, strict=True) if one.significant)}


@pytest.mark.parametrize(("gain", "studies"), [(0.0, 2000), (4.0, 600)])
def test_a_whole_report_errs_in_at_most_one_study_of_twenty(gain: float, studies: int) -> None:
    """Monte-Carlo error at .05: .005 of 2,000 studies and .009 of 600; at .02 of 600 .006.

    Without any difference every finding is false. With rule A above all else its comparisons with others are true.
    """
    rng = np.random.default_rng(2)
    true = {q for q in ALL if gain and ("A@" in q.first) != (q.kind != "twins" and "A@" in q.second)}
    true |= {"primary"} if gain else set()  # type: ignore[arg-type]
    false = sum(bool(_confirmed(_study(rng, gain)) - true) for _ in range(studies)) / studies
    print(f"report, gain {gain}: {false:.4f}")
    assert false <= 0.055


@pytest.mark.parametrize(
    ("name", "expected"),
    [("t with 3 degrees of freedom", 0.0375), ("lognormal", 0.180), ("a fifth of own runs fail", 0.0226)],
)
def test_the_primary_comparison_under_other_noise(name: str, expected: float) -> None:
    """Pinned to the shares of 200,000 other studies; Monte-Carlo error of these 20,000 at most .0027.

    Differences have mean 0, apart from failures, where the method's runs that end are equal to its twins': a finding is
    that it is worse.
    """
    rng = np.random.default_rng(3)
    error = rejected(SHAPES[name](rng, (20_000, 5)))
    print(f"{name}: {error:.4f}")
    assert error == pytest.approx(expected, abs=0.008)


@pytest.mark.parametrize(("name", "expected"), [*zip(SHAPES, (0.0421, 0.1421, 0.0250), strict=True)])
def test_a_whole_report_under_other_noise(name: str, expected: float) -> None:
    """Any finding of 2,000 reports, pinned to the shares of 10,000 others; Monte-Carlo error of these at most .008.

    Every finding follows a significant primary comparison, so that its error bounds that of the report.
    """
    rng = np.random.default_rng(7)
    error = sum(bool(_confirmed(_study(rng, 0.0, name))) for _ in range(2000)) / 2000
    print(f"report, {name}: {error:.4f}")
    assert error == pytest.approx(expected, abs=3 * np.sqrt(expected * (1 - expected) * (1 / 2000 + 1 / 10_000)))


def test_unplanned_looks() -> None:
    """Who looks at 3, 5, 10 and 20 seeds and stops at the first p ≤ .05, with p as the report gives it then: times the
    looks so far. The number of looks then depends on the data, so that .05 is no bound. Expected are the shares of
    200,000 other studies; Monte-Carlo error of these 20,000: .0025, .002 and .0008."""
    rng = np.random.default_rng(4)
    values = rng.normal(size=(20_000, 20))
    p = np.array([stats.ttest_1samp(values[:, :n], 0, axis=1).pvalue for n in (3, 5, 10, 20)])
    plain = float((p <= 0.05).any(axis=0).mean())
    counted = float((p * np.arange(1, 5)[:, None] <= 0.05).any(axis=0).mean())
    fixed = float((p[3] * 4 <= 0.05).mean())
    print(f"stopping at the first: uncorrected {plain:.4f}, times the looks {counted:.4f}; at the last {fixed:.4f}")
    assert plain == pytest.approx(0.152, abs=0.0075)
    assert counted == pytest.approx(0.086, abs=0.006)
    assert fixed <= 0.0125 + 3 * 0.0008


def test_estimates_after_an_early_stop_lie_too_far_from_zero() -> None:
    """Planned looks at 3, 5, 10 and 20 pairs, one comparison, a true difference of 1 standard deviation: bias of the
    estimate at the decision, in standard deviations; 1,500 studies, Monte-Carlo error .008."""
    rng, looks = np.random.default_rng(5), (3, 5, 10, 20)
    found = []
    for values in rng.normal(1.0, 1.0, size=(1500, 20)):
        taken = next(n for n in looks if n == 20 or not next_look({"one": values[:n]}, looks)[1])
        look, _ = next_look({"one": values[:taken]}, looks)
        found.append(decided({"one": values[:taken]}, look, looks)["one"].estimate.value)
    bias = float(np.mean(found)) - 1
    print(f"bias {bias:.3f}")
    assert bias == pytest.approx(0.10, abs=0.03)


@pytest.mark.parametrize("seeds", [5, 10])
def test_slopes_by_search_cover(seeds: int) -> None:
    """95 % intervals of slopes on snapshots whose noise is correlated by .9 within a search, as scale is: 800 studies,
    Monte-Carlo error .008. By networks, as if independent, they cover far less."""
    rng = np.random.default_rng(6)
    clusters = np.repeat(np.arange(seeds), len(EPOCHS)).tolist()
    inside = {"search": 0, "network": 0}
    for _ in range(800):
        x = (2 * rng.normal(size=(seeds, 1)) + 0.5 * rng.normal(size=(seeds, len(EPOCHS)))).ravel()
        y = snapshots(rng, 1, seeds)[0].ravel()
        for name, members in (("search", clusters), ("network", None)):
            slope = slopes(x, y, ["one"] * len(x), members).slopes["one"]
            inside[name] += slope.low <= 0 <= slope.high
    print({name: count / 800 for name, count in inside.items()})
    assert inside["search"] / 800 >= 0.925
    assert inside["network"] / 800 <= 0.80


def test_every_pair_of_rows_is_one_question() -> None:
    assert sum(question.kind == "pair" for question in ALL) == len([*combinations(ROWS, 2)]) == 21
