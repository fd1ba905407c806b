"""Comparisons image by image: intervals that count the test images as a sample, too, and networks of one seed side by
side. Exploratory; only where predictions are there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.findings.primary import primary_questions
from analysis.results.outcomes import outcomes
from analysis.results.pairs import Question, Sides
from analysis.results.predictions import Predictions
from analysis.results.rows import Results
from analysis.results.table import Line, family
from analysis.statistics.agreement import Agreement, agreement
from analysis.statistics.crossed import Crossed, crossed

Vectors = dict[float, np.ndarray]  # by search seed: differences of being right [images]


@dataclass(frozen=True)
class ByImage:
    """`method` minus `against` in points; `without`: seeds that lack the predictions of a training."""

    method: str
    against: str
    methods: tuple[str, ...]
    difference: Crossed
    without: int


@dataclass(frozen=True)
class TwoNetworks:
    """Two networks of one search seed, by their trainings' keys."""

    method: str
    against: str
    seed: int
    keys: tuple[str, str]
    found: Agreement


def by_image(results: Results, table: Sequence[Line], said: Predictions, level: float) -> list[ByImage]:
    """The primary comparison, those with twins and those with the baseline, where at least one seed has all."""
    sides, out = Sides(results, table), []
    primary = results.study.get("primary")
    first = primary_questions(primary, table, results.first_rows) if primary else []
    for asked in _asked(sides, first, table):
        parts = [_differences(results, sides, said, question) for question in asked]
        seeds = sorted(set.intersection(*(set(part) for part in parts)))
        known = sorted(set().union(*(sides.pairs(question).frame.index for question in asked)))
        if not seeds:
            continue
        values = np.stack([np.mean([part[seed] for part in parts], axis=0) for seed in seeds])
        names = [(question.first, question.second) for question in asked]
        one, other = names[0] if len(asked) == 1 else (f"{family(name)}, mean over snapshots" for name in names[0])
        methods = tuple(dict.fromkeys(name for pair in names for name in pair))
        out.append(ByImage(one, other, methods, crossed(100 * values, level), len(known) - len(seeds)))
    return out


def two_networks(results: Results, table: Sequence[Line], said: Predictions) -> list[TwoNetworks]:
    """A searched network and each of its twins, and the baseline of the same seed: wherever both have predictions."""
    return [
        TwoNetworks(question.first, question.second, int(seed), (one, other),
                    agreement(said.said[one], said.said[other], said.labels[one]))
        for (question,) in _asked(Sides(results, table), [], table)
        for seed, one, other in _together(results, question)
        if one in said.said and other in said.said and said.images[one] == said.images[other]
    ]  # fmt: skip


def _asked(sides: Sides, first: Sequence[Question], table: Sequence[Line]) -> Iterator[tuple[Question, ...]]:
    """Each once; sides of different data are not compared."""
    asked = [tuple(first)]
    asked += [(Question("twins", line.method, line.twin),) for line in table if line.twin]
    base = [line.method for line in table if line.role == "baseline"]
    asked += [(Question("pair", line.method, name),) for line in table for name in base if line.method != name]
    alike = (one for one in asked if one and all(sides.same_data(each.first, each.second) for each in one))
    return iter(dict.fromkeys(alike))


def _differences(results: Results, sides: Sides, said: Predictions, question: Question) -> Vectors:
    """As accuracies are paired: within a searched network and its twins, or between means of a seed."""
    own, other = (results.trainings(name) for name in (question.first, question.second))
    paired = question.kind == "twins" and own["pair"].notna().all() and other["pair"].notna().all()
    label = "pair" if paired else "train_seed" if question.kind == "twins" else "kind"
    one, two = _right(own, said, label), _right(other, said, label)
    found: dict[float, list[np.ndarray | None]] = {}
    for (seed, which), vector in one.items():
        if (seed, which) in two:
            against = two[seed, which]
            gap = None if vector is None or against is None or vector.shape != against.shape else vector - against
            found.setdefault(seed, []).append(gap)
    refused = sides.pairs(question).refused
    return {seed: np.mean([g for g in gaps if g is not None], axis=0) for seed, gaps in found.items()
            if seed not in refused and all(gap is not None for gap in gaps)}  # fmt: skip


def _right(trials: pd.DataFrame, said: Predictions, label: str) -> Mapping[tuple[float, object], np.ndarray | None]:
    """By seed and label the share of networks that are right [images]; None where one that counts is not there."""
    found: dict[tuple[float, object], np.ndarray | None] = {}
    counted, keys = outcomes(trials), dict[tuple[float, object], list[str]]()
    for seed, which, key in zip(counted["seed"], counted[label], counted["key"], strict=True):
        keys.setdefault((seed, which), []).append(key)
    for at, those in keys.items():
        vectors = [said.right(key) for key in those]
        found[at] = None if any(v is None for v in vectors) else np.mean([v for v in vectors if v is not None], axis=0)
    return found


def _together(results: Results, question: Question) -> Iterator[tuple[float, str, str]]:
    """(seed, key, key) of trainings that belong together."""
    own, other = (results.trainings(name) for name in (question.first, question.second))
    on = ["seed", "pair"] if question.kind == "twins" else ["seed", "train_seed"]
    both = own[["key", *on]].merge(other[["key", *on]], on=on)
    yield from zip(both["seed"], both["key_x"], both["key_y"], strict=True)
