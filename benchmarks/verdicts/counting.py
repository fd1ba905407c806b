"""How often verdicts are right, wrong and open, beside what is promised: a row for each kind of study."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import nan

import numpy as np

from analysis.statistics.power import power
from benchmarks.verdicts import drawing, judging
from benchmarks.verdicts.judging import BETTER, EQUAL, OPEN, RULES, WORSE, Samples

SEEDS = (3, 5, 10, 20)
CORRELATIONS = (0.0, 0.5, 0.9)
PLANTED = (0.1, 0.3, 1.0)  # points
Pools = Mapping[str, Samples]  # data set → its methods' accuracies, the same seeds of all
Truth = Mapping[tuple[str, str], float]  # (data set, method) → mean accuracy
Pair = tuple[str, str, str, float]  # data set, first, second, correlation


@dataclass(frozen=True)
class Counted:
    """Shares of so many studies. `difference` is the true one, in points; `shown`: better or worse is said.

    `promised` is the chance that it is said: α where there is no difference, else the power of the t test at normal
    differences of the same spread. NaN where nothing is promised.
    """

    question: str
    data: str
    first: str
    second: str
    correlation: float
    difference: float
    seeds: int
    studies: int
    right: float
    wrong: float
    open: float
    shown: float
    promised: float

    @property
    def error(self) -> float:
        """Monte-Carlo error of `wrong`."""
        return float(np.sqrt(self.wrong * (1 - self.wrong) / self.studies))


def outcomes(verdicts: np.ndarray, difference: float) -> tuple[np.ndarray, np.ndarray]:
    """Which verdicts are right and which are wrong, given the true difference in points; the others are open.

    "Equal" is right within the margin. Where there is no difference, better and worse are both wrong.
    """
    negligible = abs(difference) < (RULES.margin or 0)
    true = BETTER if difference > 0 else WORSE if difference < 0 else EQUAL
    right = (verdicts == true) | ((verdicts == EQUAL) & negligible)
    return right, ~right & (verdicts != OPEN)


def same_method(pools: Pools, planted: float, studies: int, seed: int = 0) -> Iterator[Counted]:
    """Every method beside itself, the first side better by `planted` points; studies by seeds and correlation."""
    for number, (data, method, correlation, seeds) in enumerate(
        (data, method, correlation, seeds)
        for data, methods in pools.items() for method in methods for correlation in CORRELATIONS for seeds in SEEDS
    ):  # fmt: skip
        rng = np.random.default_rng([seed, number, round(10 * planted)])
        own, other = drawing.same(pools[data][method], seeds, studies, correlation, rng)
        yield _counted("same method", (data, method, method, correlation), planted, own + planted, other)


def two_methods(question: str, pools: Pools, truth: Truth, studies: int, *, equal: bool = False,
                seed: int = 1) -> Iterator[Counted]:  # fmt: skip
    """Each two methods at the same seeds.

    `equal`: the second one's accuracies are shifted, so that the true means are equal and their distributions are not.
    """
    for data, methods in pools.items():
        for number, (first, second) in enumerate(combinations(methods, 2)):
            difference = truth[data, first] - truth[data, second]
            shift = difference if equal else 0.0
            correlation = float(np.corrcoef(methods[first], methods[second])[0, 1])
            for seeds in SEEDS:
                rng = np.random.default_rng([seed, number, seeds, len(data), equal])
                places = drawing.distinct(len(methods[first]), seeds, studies, rng)
                what = (data, first, second, correlation)
                yield _counted(
                    question, what, difference - shift, methods[first][places], methods[second][places] + shift
                )


def whole_reports(question: str, pools: Pools, truth: Truth, studies: int, seed: int = 2) -> Iterator[Counted]:
    """Reports on all methods and data sets, whose pairs are one family, at the same seeds: shares of each pair.

    The last row of each number of seeds counts reports: wrong where any verdict is, right where all are.
    """
    asked = [(data, first, second) for data, methods in pools.items() for first, second in combinations(methods, 2)]
    true = [truth[data, first] - truth[data, second] for data, first, second in asked]
    runs = min(len(values) for methods in pools.values() for values in methods.values())
    for seeds in SEEDS:
        places = drawing.distinct(runs, seeds, studies, np.random.default_rng([seed, seeds]))
        verdicts = judging.family([(pools[data][first][places], pools[data][second][places])
                                   for data, first, second in asked])  # fmt: skip
        marks = [outcomes(each, difference) for each, difference in zip(verdicts.T, true, strict=True)]
        for pair, difference, mark, each in zip(asked, true, marks, verdicts.T, strict=True):
            yield _row(question, (*pair, nan), difference, seeds, each, *mark, nan)
        right, wrong = np.all([mark[0] for mark in marks], axis=0), np.any([mark[1] for mark in marks], axis=0)
        yield _row(f"{question}, any pair", ("all", "", "", nan), nan, seeds, verdicts, right, wrong, RULES.alpha)


def _counted(question: str, what: Pair, difference: float, own: np.ndarray, other: np.ndarray) -> Counted:
    verdicts, seeds = judging.primary(own, other), own.shape[1]
    spread = float((own - other).std())
    promised = power(difference, spread, seeds, RULES.alpha) if difference else RULES.alpha
    return _row(question, what, difference, seeds, verdicts, *outcomes(verdicts, difference), promised)


def _row(question: str, what: Pair, difference: float, seeds: int, verdicts: np.ndarray, right: np.ndarray,
         wrong: np.ndarray, promised: float) -> Counted:  # fmt: skip
    """`verdicts` [studies, …]."""
    shown = np.isin(verdicts, (BETTER, WORSE)).reshape(len(verdicts), -1).any(axis=1)
    each = (float(share.mean()) for share in (right, wrong, ~right & ~wrong, shown))
    return Counted(question, *what, difference, seeds, len(verdicts), *each, promised)
