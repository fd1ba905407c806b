"""Rank correlations of zero-cost scores with test accuracy, against scipy and values made by hand."""

import json
from math import atanh, isnan, sqrt, tanh
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau, norm, spearmanr

from analysis.figures import scores as figure
from analysis.figures.style import styled
from analysis.findings.scores import Scored, scores
from analysis.report.tables.scores import correlations
from analysis.results.rows import load
from analysis.statistics.rank_correlation import kendall
from tests import rows_factory


def test_kendalls_tau_is_scipys_with_fishers_interval():
    random = np.random.default_rng(1)
    first = random.normal(size=30)
    second = np.round(first + random.normal(size=30))  # with ties
    found = kendall(first, second, level=0.9)
    tau = kendalltau(first, second).statistic
    half = norm.ppf(0.95) * sqrt(0.437 / 26)
    assert (found.rho, found.n) == (pytest.approx(tau), 30)
    assert (found.low, found.high) == pytest.approx((tanh(atanh(tau) - half), tanh(atanh(tau) + half)))


def test_four_pairs_have_no_interval_and_a_constant_has_no_tau():
    assert kendall([1, 2, 3, 4], [1, 3, 2, 4]).rho == pytest.approx(4 / 6)
    assert isnan(kendall([1, 2, 3, 4], [1, 3, 2, 4]).low)
    assert isnan(kendall([1, 2, 3, 4, 5, 6], [2] * 6).rho)


def test_taus_interval_holds_as_often_as_it_says():
    random = np.random.default_rng(0)
    truth = 2 / np.pi * np.arcsin(0.5)  # of normal pairs that correlate by 0.5
    pairs = random.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], size=(400, 25))
    held = [found.low <= truth <= found.high for found in (kendall(one[:, 0], one[:, 1]) for one in pairs)]
    assert 0.92 <= np.mean(held) <= 0.98


def folder(path: Path, count: int | None = None, **changes: Any) -> list[dict[str, Any]]:
    """A made-up study whose trained networks each have a score, all of them or the first `count`."""
    study = rows_factory.study(seeds=4, snapshots=(5,))
    rows = rows_factory.rows(study)
    trained = [row for row in rows if row["kind"] == "train"][:count]
    after = []
    for number, row in enumerate(trained):
        job = {"key": rows_factory.key("zen", row["key"]), "kind": "score", "method": row["method"], "role": "score",
               "seed": 0, "needs": [row["key"]]}  # fmt: skip
        study["plan"].append(job)
        settings = {"data": study["data"], "search": {"score": "zen"}, "source": {"of_training": row["key"]}}
        said = {"score": float(number % 7), "architecture": row["architecture"], "seconds": 0.5, "settings": settings}
        after.append(rows_factory.row(job, study, **{**said, **changes}))
    rows_factory.write(path, study, [*(row for row in rows if row["kind"] != "train"), *trained, *after])
    return [dict(row, zen=one["score"]) for row, one in zip(trained, after, strict=True)]


def by_name(path: Path) -> dict[str, Scored]:
    return {one.score: one for one in scores(load(path))}


def test_each_network_counts_once_with_the_mean_of_its_trainings(tmp_path: Path):
    trained = folder(tmp_path)
    found = by_name(tmp_path)
    assert list(found) == ["parameters", "macs", "zen"]
    networks: dict[str, list[dict[str, Any]]] = {}
    for row in trained:
        networks.setdefault(row["architecture"], []).append(row)
    assert len(networks) < len(trained)  # the baseline is one network of four trainings
    accuracy = [np.mean([row["test_accuracy"] for row in rows]) for rows in networks.values()]
    for name, one in found.items():
        mine = [np.mean([row[name] for row in rows]) for rows in networks.values()]
        assert (one.rho.n, one.tau.n) == (len(networks), len(networks))
        assert one.rho.rho == pytest.approx(spearmanr(mine, accuracy).statistic)
        assert one.tau.rho == pytest.approx(kendalltau(mine, accuracy).statistic)
    assert (found["zen"].seconds, found["zen"].data) == (0.5, "cifar10")


def test_parameters_stand_beside_a_score_over_the_networks_that_have_it(tmp_path: Path):
    trained = folder(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "trials.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["kind"] != "score" or row["score"] > 2]
    (tmp_path / "trials.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    left = {row["architecture"] for row in rows if row["kind"] == "score"}
    size = {row["architecture"]: row["parameters"] for row in trained}
    accuracy = {one: np.mean([row["test_accuracy"] for row in trained if row["architecture"] == one]) for one in left}
    found = by_name(tmp_path)
    assert found["zen"].rho.n == len(left) < found["parameters"].rho.n
    assert found["zen"].rival == pytest.approx(spearmanr(*zip(*((size[one], accuracy[one]) for one in left),
                                                              strict=True)).statistic)  # fmt: skip
    assert found["parameters"].rival == found["parameters"].rho.rho


def test_networks_of_several_recipes_are_not_ranked_together(tmp_path: Path):
    """An accuracy is of a recipe, and a score of its batch."""
    trained = folder(tmp_path)
    other = {row["key"] for row in trained if "A" in row["method"]}
    rows = [json.loads(line) for line in (tmp_path / "trials.jsonl").read_text().splitlines()]
    rows = [{**row, "recipe": {**row["recipe"], "batch_size": 512}} if row["key"] in other else row for row in rows]
    (tmp_path / "trials.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = {one.data: one for one in scores(load(tmp_path)) if one.score == "zen"}
    assert len(found) == 2
    for label, one in found.items():
        mine = [row for row in trained if (row["key"] in other) == ("darts-A" in label)]
        assert set(label.removeprefix("cifar10 (").removesuffix(")").split(", ")) == {row["method"] for row in mine}
        assert one.rho.n == len({row["architecture"] for row in mine})


def test_a_score_of_few_networks_is_said_to_be_of_few(tmp_path: Path):
    folder(tmp_path, count=4)
    texts = [[cell.text for cell in row] for row in correlations(scores(load(tmp_path))).rows]
    few = ["4", "too few (below 5)", "too few (below 5)", "–"]
    assert [row[1:6] for row in texts] == [[name, *few] for name in ("parameters", "macs", "zen")]


def test_scores_of_searches_and_of_failed_trials_are_no_pairs(tmp_path: Path):
    """A search's scores have weights and images of their own seed, so that they do not compare with another seed's."""
    folder(tmp_path, settings={"data": {"name": "cifar10", "train_images": 8000}, "search": {"score": "zen"},
                               "source": {"draw": "A"}})  # fmt: skip
    assert scores(load(tmp_path)) == []
    folder(tmp_path, status="diverged", score=None)
    assert scores(load(tmp_path)) == []


def test_the_figure_draws_each_correlation_with_its_interval(tmp_path: Path):
    folder(tmp_path)
    found = scores(load(tmp_path))
    with styled():
        drawing = figure.correlations(found)
    assert drawing is not None
    assert drawing.data.to_dict("list") == {
        "data": ["cifar10"] * 3, "score": [one.score for one in found], "networks": [one.rho.n for one in found],
        "rho": [one.rho.rho for one in found], "low": [one.rho.low for one in found],
        "high": [one.rho.high for one in found],
    }  # fmt: skip
    (dotted,) = [line for line in drawing.figure.axes[0].lines if line.get_linestyle() == ":"]
    assert list(dotted.get_xdata()) == [found[0].rho.rho] * 2
    assert figure.correlations([one for one in found if one.few]) is None


def test_a_study_without_scores_has_no_table_of_them(tmp_path: Path):
    study = rows_factory.study(seeds=2, snapshots=(5,))
    rows_factory.write(tmp_path, study, rows_factory.rows(study))
    assert correlations(scores(load(tmp_path))).rows == ()
