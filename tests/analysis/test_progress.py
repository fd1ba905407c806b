"""Figures of searches that ask for one network after the other, of ranks over data sets, and of the Pareto front."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rows_factory as factory
from data_sets_made import several_sets
from scipy import stats

from analysis.figures import fronts, gallery, progress
from analysis.figures.style import styled
from analysis.findings.collect import findings
from analysis.results.history import history
from analysis.results.rows import Damaged, Results, load
from analysis.results.table import Line, lines

BEST = {  # by method and seed: query, accuracy, seconds so far
    "local": [[[1, 50.0, 10.0], [3, 60.0, 30.0]], [[1, 54.0, 20.0], [4, 70.0, 80.0]]],
    "random": [[[1, 40.0, 10.0]], [[1, 44.0, 10.0], [2, 50.0, 20.0]]],
}
NETWORKS = {"local": [(1.0, 60.0), (2.0, 65.0)], "random": [(1.5, 59.0), (3.0, 64.0)]}  # millions, accuracy


def network(method: str, seed: int) -> str:
    return f"vgg11 1-{seed + (3 if method == 'local' else 5)}"


def searched(folder: Path, best: dict[str, Any] = BEST, **changes: Any) -> Path:
    """A search with its history for each method and seed, and the training of what it found."""
    trials: list[dict[str, Any]] = []
    for method, searches in best.items():
        for seed, each in enumerate(searches):
            size, accuracy = NETWORKS[method][seed]
            common = {"method": method, "seed": seed, "status": "done", "settings": {"data": {"name": "cifar10"}}}
            search = f"{method} {seed} search"
            trials.append({**common, "key": search, "kind": "black-box", "role": "black-box", "needs": [],
                           "history": {"queries": [7, 9, 11, 13], "best": each}, "device_seconds": 170.0})  # fmt: skip
            trials.append({**common, "key": f"{method} {seed}", "kind": "train", "role": "method", "needs": [search],
                           "test_accuracy": accuracy, "parameters": size * 1e6, "device_seconds": 5.0,
                           "architecture": network(method, seed)})  # fmt: skip
    rows = [{"method": name, "twin": None, "role": "method", "rule": None, "search_epochs": None} for name in best]
    plan = [{name: trial[name] for name in ("key", "kind", "method", "role", "seed", "needs")} for trial in trials]
    study = {"name": "searched", "data": {"name": "cifar10"}, "rows": rows, "plan": plan,
             "scale": {"cifar10": {"uniform": 40.0, "best": 71.0}}, **changes}  # fmt: skip
    return factory.write(folder / "searched", study, trials)


def both(folder: Path) -> tuple[Results, list[Line]]:
    results = load(folder)
    return results, lines(results)


def of(points: pd.DataFrame, row: str) -> pd.DataFrame:
    return points[points["row"] == row]


def test_best_so_far_is_the_mean_over_searches_after_each_query(tmp_path: Path) -> None:
    with styled():
        drawing = progress.against_queries(*both(searched(tmp_path)), 0.95)
    assert drawing
    own = of(drawing.data, "local")
    assert own["queries"].tolist() == [1, 2, 3, 4]
    assert own["mean"].tolist() == [52.0, 52.0, 57.0, 65.0]
    low, high = stats.t.interval(0.95, 1, 52.0, stats.sem([50.0, 54.0]))
    assert own[["low", "high"]].iloc[0].tolist() == pytest.approx([low, high])
    (axes,) = drawing.figure.axes
    assert axes.get_xscale() == "log"
    assert [71.0, 71.0] in [list(np.asarray(line.get_ydata(), dtype=float)) for line in axes.get_lines()]


def test_against_cost_a_curve_goes_as_far_as_all_its_searches(tmp_path: Path) -> None:
    with styled():
        drawing = progress.against_cost(*both(searched(tmp_path)), 0.95)
    assert drawing
    own = of(drawing.data, "local")
    seconds = own["hours"].to_numpy() * 3600
    assert (seconds[0], seconds[-1]) == pytest.approx((20.0, 170.0))
    expected = np.where(seconds < 30.0, 52.0, np.where(seconds < 80.0, 57.0, 65.0))
    assert own["mean"].tolist() == expected.tolist()


def test_without_histories_nothing_is_drawn(tmp_path: Path) -> None:
    study = factory.study(snapshots=[5])
    made = both(factory.write(tmp_path / "plain", study, factory.rows(study)))
    assert progress.against_queries(*made, 0.95) is None
    assert progress.against_cost(*made, 0.95) is None
    assert fronts.front(*made, "parameters") is None


@pytest.mark.parametrize(
    "best",
    [[[2, 50.0, 1.0], [1, 60.0, 2.0]], [[1, 50.0, 1.0], [2, 40.0, 2.0]], [[0, 50.0, 1.0]], [[5, 50.0, 1.0]], [],
     [[1, 50.0]], [["a", 1, 1]]],
)  # fmt: skip
def test_a_history_out_of_order_is_damage(tmp_path: Path, best: Sequence[Any]) -> None:
    with pytest.raises(Damaged, match="row 1 was not written by a run"):
        load(searched(tmp_path, {"local": [best, best]}))


def test_a_search_may_have_spent_more_than_its_last_improvement_did() -> None:
    found = history({"history": {"queries": [0] * 9, "best": [[1, 50.0, 10.0]]}, "device_seconds": 90.0})
    assert found
    assert (found.queries, found.seconds) == (9, 90.0)
    assert np.isnan(found.after(np.array([9.0]), 2)).all()
    assert history({}) is None


def test_the_front_is_what_no_network_beats(tmp_path: Path) -> None:
    with styled():
        drawing = fronts.front(*both(searched(tmp_path)), "parameters")
    assert drawing
    assert drawing.data[["row", "parameters", "accuracy", "front"]].to_numpy().tolist() == [
        ["local", 1.0, 60.0, True], ["local", 2.0, 65.0, True], ["random", 1.5, 59.0, False],
        ["random", 3.0, 64.0, False]]  # fmt: skip
    assert fronts.front(*both(searched(tmp_path / "more")), "macs") is None


def test_a_latency_that_only_the_searchs_row_has_is_that_of_its_network(tmp_path: Path) -> None:
    folder = searched(tmp_path)
    rows = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    for row in rows:
        if row["kind"] == "black-box":
            row |= {"architecture": network(row["method"], row["seed"]), "latency": 0.01 * (1 + row["seed"])}
    (folder / "trials.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with styled():
        drawing = fronts.front(*both(folder), "latency")
    assert drawing
    assert of(drawing.data, "local")["latency"].tolist() == pytest.approx([10.0, 20.0])
    assert drawing.figure.axes[0].get_xlabel() == "Latency, ms"


def test_fronts_of_searches_for_two_objectives_are_drawn_as_they_were_seen(tmp_path: Path) -> None:
    folder = searched(tmp_path)
    rows = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    for row in rows:
        if row["kind"] == "black-box" and row["method"] == "local":
            row["history"] |= {"objective": "parameters", "front": [[3, 60.0, 2e6], [1, 50.0 + row["seed"], 1e6]]}
    (folder / "trials.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    made = both(folder)
    with styled():
        drawing = fronts.searched(*made, "parameters")
    assert drawing
    assert drawing.data.to_numpy().tolist() == [
        ["local", 0, 1.0, 50.0], ["local", 0, 2.0, 60.0], ["local", 1, 1.0, 51.0], ["local", 1, 2.0, 60.0]]  # fmt: skip
    assert fronts.searched(*made, "macs") is None


@pytest.mark.long
def test_a_report_has_each_figure_where_its_rows_are(tmp_path: Path) -> None:
    own = {picture.name for picture in gallery.pictures(findings(searched(tmp_path)))}
    assert {"progress-queries", "progress-cost", "front-parameters"} <= own
    assert "ranks" not in own
    spent = load(tmp_path / "searched").spent["local 0 search"]
    assert (spent.kind, spent.device_seconds) == ("black-box", 170.0)
    several = gallery.pictures(findings(several_sets(tmp_path / "several", [1.0, 0.8])))
    assert not {"progress-queries", "front-parameters"} & {picture.name for picture in several}
    drawn = next(picture.drawing.data for picture in several if picture.name == "ranks")
    trials = load(tmp_path / "several" / "made-up").trials
    own_set = trials[trials["method"].str.startswith("set0/") & (trials["kind"] == "train")]
    ranks = own_set.pivot(index="seed", columns="method", values="test_accuracy").rank(axis=1, ascending=False).mean()
    assert of(drawn[drawn["data"] == "set0"], "darts-A@5")["rank"].item() == pytest.approx(ranks["set0/darts-A@5"])
    assert drawn.loc[drawn["data"] == "all", "rank"].is_monotonic_increasing
