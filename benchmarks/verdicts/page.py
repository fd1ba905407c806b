"""The tables of docs/verdicts.md, made from the counts."""

import re
from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from analysis.numbers import plus

MARKED = re.compile(r"(<!-- verdicts: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
PAIR = ["data", "first", "second"]


def filled(text: str, counts: pd.DataFrame, truth: pd.DataFrame) -> str:
    """The page with every marked table made anew."""
    tables = {"truth": _truth(truth)} | {name: table(counts) for name, table in TABLES.items()}
    return MARKED.sub(lambda found: f"{found[1]}{tables[found[2]]}{found[4]}", text)


def _truth(truth: pd.DataFrame) -> str:
    rows = [(row.data, row.method, f"{row.mean:.3f}", f"{row.error:.3f}", f"{row.std:.2f}", f"{row.seeds:,}")
            for row in truth.itertuples()]  # fmt: skip
    return _markdown(("Data set", "Method", "True mean, %", "Its error", "Standard deviation", "Seeds"), rows)


def _same(counts: pd.DataFrame) -> str:
    """False alarms by correlation: the mean over methods and data sets, and the largest."""
    own = counts[(counts["question"] == "same method") & (counts["difference"] == 0)]
    return _by_seeds(own, ["correlation"], ("Correlation",), _mean_and_largest, lambda key: f"{key[0]:g}")


def _mean_and_largest(cell: pd.DataFrame) -> str:
    return f"{_share(cell['wrong'].mean(), 4)}, at most {_share(cell['wrong'].max())}"


def _planted(counts: pd.DataFrame) -> str:
    own = counts[(counts["question"] == "same method") & (counts["difference"] > 0)]
    return _by_seeds(own, ["difference", "data", "correlation"], ("Difference", "Data set", "Correlation"), _found,
                     lambda key: f"{key[0]:g} | {key[1]} | {key[2]:g}")  # fmt: skip


def _found(cell: pd.DataFrame) -> str:
    return f"{_share(cell['shown'].mean())} ({_share(cell['promised'].mean())})"


def _planted_wrong(counts: pd.DataFrame) -> str:
    own = counts[(counts["question"] == "same method") & (counts["difference"] > 0)]
    return _by_seeds(own, ["difference"], ("Difference",), _mean_and_largest, lambda key: f"{key[0]:g}")


def _study(counts: pd.DataFrame) -> str:
    return _two(counts, "the study's runs")


def _two(counts: pd.DataFrame, question: str = "two methods") -> str:
    own = counts[counts["question"] == question]
    head = ("Data set", "First", "Second", "True difference", "Correlation")
    return _by_seeds(own, [*PAIR, "difference", "correlation"], head, _each, _named)


def _each(cell: pd.DataFrame) -> str:
    right, wrong, still = (_share(cell[name].mean()) for name in ("right", "wrong", "open"))
    return f"{right} / {wrong} / {still}"


def _equal(counts: pd.DataFrame) -> str:
    own = counts[counts["question"] == "two methods, means made equal"]
    return _by_seeds(own, PAIR, ("Data set", "First", "Second"), lambda cell: _share(cell["wrong"].mean()), " | ".join)


def _reports(counts: pd.DataFrame) -> str:
    own = counts[counts["question"].str.endswith("any pair")]
    return _by_seeds(own, ["question"], ("Report",), _each, lambda key: key[0].removesuffix(", any pair"))


def _named(key: Sequence) -> str:
    return f"{key[0]} | {key[1]} | {key[2]} | {plus(key[3], 2)} | {plus(key[4], 2)}"


TABLES: dict[str, Callable[[pd.DataFrame], str]] = {
    "same-method": _same, "planted": _planted, "planted-wrong": _planted_wrong,
    "two-methods": _two, "study": _study, "equal-means": _equal, "whole-reports": _reports,
}  # fmt: skip


def _by_seeds(counts: pd.DataFrame, by: Sequence[str], head: Sequence[str], cell: Callable[[pd.DataFrame], str],
              name: Callable[[Sequence], str]) -> str:  # fmt: skip
    """A line for each value of `by`, a column for each number of seeds."""
    seeds = sorted(counts["seeds"].unique())
    rows = []
    for key, own in counts.groupby(list(by), sort=False):
        cells = [cell(own[own["seeds"] == n]) for n in seeds]
        rows.append((*name(key).split(" | "), *cells))
    return _markdown((*head, *(f"{n} seeds" for n in seeds)), rows)


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))


def _share(value: float, digits: int = 3) -> str:
    """.049 as the pages write shares; 0 and 1 where no study or every one is."""
    return f"{value:.0f}" if value in (0, 1) else f"{value:.{digits}f}".removeprefix("0")
