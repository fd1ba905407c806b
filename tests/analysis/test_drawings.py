"""Drawings and figures: what they hold, and that equal values give equal bytes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rows_factory as factory

from analysis.figures.drawings import blocks, draw, graph, shares
from analysis.figures.scale import KINDS, cost_bars
from analysis.figures.style import looks, rendered
from analysis.findings.slopes import models
from analysis.results.rows import Results, load
from analysis.results.searches import architectures, mean_alpha
from analysis.results.table import lines
from harness.vocabulary.kinds import Kind
from spaces.architecture import Cells, Shortcuts, parse


def loaded(tmp_path: Path, study: dict, rows: list[dict]) -> Results:
    return load(factory.write(tmp_path / study["name"], study, rows))


@pytest.mark.parametrize(("vgg", "count"), [("vgg11", 8), ("vgg13", 10), ("vgg16", 13), ("vgg19", 16)])
def test_blocks_of_a_vgg(vgg: str, count: int) -> None:
    assert blocks(vgg) == count


def test_shares_count_architectures() -> None:
    found = shares([Shortcuts("vgg11", ((1, 3), (2, 5))), Shortcuts("vgg11", ((1, 3),))])
    assert found == {(1, 3): 1.0, (2, 5): 0.5}


def test_live_edges_lie_between_input_and_output() -> None:
    cell = Cells.parse("cells inputs=1 concat=3 normal=0>1:conv_3x3,1>3:conv_3x3,0>2:none,2>3:conv_5x5,0>4:conv_3x3")
    live = {(s, t): e["live"] for s, t, e in graph(cell, cell.normal).edges(data=True)}
    assert live == {(0, 1): True, (1, 3): True, (2, 3): False, (0, 4): False, (3, "out"): True}


@pytest.mark.parametrize(
    "text", ["vgg19 1-3 2-7 8-16", "vgg11", factory.CELL, factory.CELL + " reduction=0>1:max_pool_3x3"]
)
def test_equal_architectures_give_equal_bytes(text: str) -> None:
    first, second = (rendered(draw(parse(text), "found")) for _ in range(2))
    assert first == second
    assert first["svg"].startswith(b"<?xml")
    assert first["pdf"].startswith(b"%PDF")
    assert first["png"].startswith(b"\x89PNG")
    assert b"dc:date" not in first["svg"]
    assert b"CreationDate" not in first["pdf"]


def test_methods_differ_in_more_than_colour() -> None:
    found = looks(["darts-A", "darts-B", "evolution", "baseline"])
    for kind in ("colour", "marker", "line"):
        assert len({getattr(found[name], kind) for name in ("darts-A", "darts-B", "evolution")}) == 3
    assert found["baseline"].marker == "*"


def test_forty_methods_have_forty_looks() -> None:
    found = looks([f"method {number}" for number in range(40)]).values()
    assert len({(look.colour, look.marker) for look in found}) == 40
    assert len({look.marker for look in found}) > len({look.colour for look in found}), "also in black and white"


def test_alpha_is_the_mean_over_searches(tmp_path: Path) -> None:
    study = factory.study(seeds=2)
    rows = factory.rows(study)
    trials = loaded(tmp_path, study, rows).trials
    found = mean_alpha(trials[trials["kind"] == "search"])
    assert list(found) == ["5", "10", "20"]
    both = [np.array(row["snapshots"]["10"]["pairs"]) for row in rows if row["kind"] == "search"]
    assert found["10"]["pairs"] == pytest.approx((both[0] + both[1]) / 2)


def test_an_architecture_that_was_trained_twice_counts_once(tmp_path: Path) -> None:
    study = factory.study(seeds=2, train=2, rules=["A"], snapshots=[5])
    rows = factory.rows(study)
    for row in rows:
        if row["method"] == "random-A@5":
            row["architecture"] = "a space of my own"
    results = loaded(tmp_path, study, rows)
    assert len(architectures(results.trainings("darts-A@5"))) == 2
    assert architectures(results.trainings("random-A@5")) == []


def test_models_take_a_network_once_and_find_its_slope(tmp_path: Path) -> None:
    study = factory.study(seeds=5, train=2)
    rows = factory.rows(study)
    for row in rows:
        if row["kind"] == "train":
            row["test_accuracy"] = 60 + 10 * row["parameters"] / 1e6 + 1e-3 * (row["seed"] - 2) ** 2
    results = loaded(tmp_path, study, rows)
    parameters, shortcuts = models(results, lines(results))
    assert parameters.quantity == "parameters"
    assert [slope.n for slope in parameters.slopes.slopes.values()] == [15, 15]
    for slope in parameters.slopes.slopes.values():
        assert slope.value == pytest.approx(10, abs=0.2)
    assert shortcuts.correlations["darts-A"].n == 15


def test_the_cost_of_every_kind_of_trial_is_drawn(tmp_path: Path) -> None:
    assert set(KINDS) == set(Kind)
    study = factory.study(rules=["A"], snapshots=[5])
    table = lines(loaded(tmp_path, study, factory.rows(study)))
    assert {kind for line in table for kind, spent in line.spent.items() if spent.mean} == {"search", "train"}
    each = {kind: replace(table[0].spent["train"], mean=3600.0 * n) for n, kind in enumerate(Kind, 1)}
    for shown in (table, [replace(table[0], spent=each), *table[1:]]):
        drawing = cost_bars(shown)
        assert drawing is not None
        (axes,) = drawing.figure.axes
        widths = [sum(bar.get_width() for bar in bars) for bars in zip(*axes.containers, strict=True)]
        hours = drawing.data.groupby("row", sort=False)["hours"].sum()
        assert widths == pytest.approx(hours.tolist())
        assert len(axes.containers) == drawing.data["kind"].nunique()
        assert len({(bars[0].get_facecolor(), bars[0].get_hatch()) for bars in axes.containers}) == len(axes.containers)


def test_a_scale_that_does_not_vary_has_no_model(tmp_path: Path) -> None:
    study = factory.study(rules=["A"], snapshots=[5])
    rows = [{**row, "parameters": 5, "shortcuts": 2} for row in factory.rows(study)]
    results = loaded(tmp_path, study, rows)
    assert models(results, lines(results)) == []
