"""A node that sees other results, other data or other code is named before anything runs."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from driven import JOBS, ran, strikes

from harness.plan.jobs import Job
from harness.ray_tune import nodes
from harness.ray_tune.nodes import Common, Seen
from harness.run.driver import Assignment
from harness.training.place import Place
from harness.vocabulary.rows import Trouble


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data" / "cifar").mkdir(parents=True)
    (tmp_path / "data" / "cifar" / "batch").write_bytes(b"images")
    (tmp_path / "results" / "run").mkdir(parents=True)
    return tmp_path


def asked(root: Path, change: Callable[[Seen], Any] = lambda _: None) -> list[str]:
    """What the driver finds of one node, which answers what it sees, after `change`."""

    def ask(look: Callable[[], Seen]) -> dict[str, Seen | None]:
        answer: Seen | None = look()
        assert answer is not None
        return {"lab2 (10.0.0.2)": None if change(answer) == "silent" else answer}

    return common(root).faults(ask)


def common(root: Path) -> Common:
    return Common.marked(root / "results", root / "results" / "run", root / "data")


def test_a_node_that_sees_the_same_is_fine(root: Path) -> None:
    assert asked(root) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda seen: "silent", "does not answer"),
        (lambda seen: seen.update(error="No module named 'harness'"), "cannot run nas-harness (No module named"),
        (lambda seen: seen.update(read=False, why="No such file"), "that the driver sees (No such file)"),
        (lambda seen: seen.update(back="/elsewhere/mark"), "is not the folder that the driver sees; put --results on"),
        (lambda seen: seen.update(data="other"), "holds other data than here"),
        (lambda seen: seen.update(torch="1.0"), "has torch 1.0, the driver 2."),
        (lambda seen: seen.update(code="other"), "has another version of nas-harness's code"),
    ],
)  # fmt: skip
def test_a_node_that_differs_is_named_in_one_line(root: Path, change: Callable[[Seen], Any], said: str) -> None:
    found = asked(root, change)
    assert len(found) == 1
    assert found[0].startswith("node lab2 (10.0.0.2): ")
    assert said in found[0]
    assert "\n" not in found[0]


def test_a_folder_that_is_not_there_is_said_by_the_node(root: Path) -> None:
    seen = Common(str(root), str(root / "nowhere" / "mark"), None).look()
    assert "No such file" in seen["why"]


def test_data_differ_by_names_and_sizes(root: Path) -> None:
    before = nodes.listing(root / "data")
    (root / "data" / "cifar" / "batch").write_bytes(b"imagez")
    assert nodes.listing(root / "data") == before
    (root / "data" / "cifar" / "more").touch()
    assert nodes.listing(root / "data") != before


def test_what_is_not_there_or_cannot_be_read_is_no_fault_of_the_code(tmp_path: Path) -> None:
    nothing = nodes.listing(tmp_path / "not there")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("")
    assert nodes.listing(tmp_path / "file") == nothing != nodes.listing(tmp_path)


def test_every_folder_of_data_counts_beside_a_large_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "LISTED", 6)
    for name in ("another", "cifar"):
        (tmp_path / name).mkdir()
    for number in range(9):
        (tmp_path / "another" / str(number)).touch()
    (tmp_path / "cifar" / "batch").write_text("image")
    before = nodes.listing(tmp_path)
    (tmp_path / "cifar" / "batch").write_text("ima")
    cut_off = nodes.listing(tmp_path)
    (tmp_path / "cifar" / "batch").unlink()
    assert len({before, cut_off, nodes.listing(tmp_path)}) == 3


def test_a_large_disk_is_not_gone_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
        (tmp_path / name / "1").write_text(name)
    (tmp_path / "c" / "up").symlink_to(tmp_path)
    whole, asked, scandir = nodes.listing(tmp_path), [], os.scandir
    monkeypatch.setattr(nodes, "LISTED", 2)
    monkeypatch.setattr(nodes.os, "scandir", lambda place: asked.append(Path(place).name) or scandir(place))
    assert nodes.listing(tmp_path) != whole
    assert asked == [tmp_path.name, "a", "b"]


def test_a_node_that_does_not_fit_costs_no_try(tmp_path: Path) -> None:
    missing, statuses, assigned = ran(tmp_path, strikes("train", Trouble.UNFIT, 100))
    assert (missing, statuses) == (0, {"done": JOBS})
    assert len(assigned) == JOBS + 100


class Asked:
    """What the driver asks of nodes with every trial, and what it makes of their answers."""

    def __init__(self, common: Common, *others: str) -> None:
        """`others`: nodes beside the one that answers."""
        from harness.ray_tune.searcher import PlanSearcher

        job = Job("0123456789abcdef", "train", "baseline", "method", {"seed": 0})
        one = Assignment(job, {}, Place("nowhere", "cpu", 1, 0, None))
        driver: Any = SimpleNamespace(pack=lambda: [one], end=lambda *_: None, halted=None, stopped=None,
                                      over=False)  # fmt: skip
        self.searcher, self.key = PlanSearcher(driver, common, lambda: {"id", *others}), job.key

    def one(self, there: Callable[[], None] = lambda: None) -> Seen | None:
        """What a node with a trial sees, where it may not take part; `there`: what is done to it before it looks."""
        from harness.ray_tune.worker import misfit

        guard = json.loads(self.searcher.suggest("trial")["task"])["guard"]
        there()
        if seen := misfit(guard):
            self.answer(seen)
        return seen

    def answer(self, seen: Seen) -> None:
        self.searcher.suggest("trial")
        outcome = {"status": Trouble.UNFIT, "error": "", "seen": seen, "node": "id", "name": "lab2 (10.0.0.2)"}
        self.searcher.on_trial_complete("trial", {"key": self.key, "outcome": json.dumps(outcome)})


@pytest.mark.ray
def test_a_node_that_loses_the_results_gets_no_more_trials(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shared = common(root)
    asked = Asked(shared)
    assert asked.one() is None
    seen = asked.one(Path(shared.mark).unlink)
    assert seen
    assert "No such file" in seen["why"]
    assert asked.searcher.unfit == {"id"}
    said = capsys.readouterr().err
    assert said.startswith(f"nas-harness: node lab2 (10.0.0.2): {root / 'results'} is not the folder that the driver")
    assert said.endswith("put --results on a file system that all share; it gets no trials\n")


@pytest.mark.ray
@pytest.mark.parametrize("others", [(), ("id2",)])
def test_a_run_whose_nodes_can_all_take_no_part_ends(root: Path, others: tuple[str, ...]) -> None:
    """Its trials would wait for ever."""
    asked = Asked(common(root), *others)
    asked.answer({**common(root).look(), "data": "other"})
    assert asked.searcher.stopped is not bool(others)
    assert ("no node is left" in str(asked.searcher.driver.halted)) is not bool(others)


@pytest.mark.ray
@pytest.mark.parametrize("silent", [1, 2])
def test_a_node_that_is_silent_beside_others_stops_no_run(
    silent: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from harness.ray_tune import cluster

    seen = {"lab1": {"read": True}, "lab2": {"read": True}}
    answers = {name: None if number < silent else one for number, (name, one) in enumerate(seen.items())}
    monkeypatch.setattr(cluster, "everywhere", lambda *_: answers)
    found = cluster.answering([], dict)
    assert found == ({"lab2": {"read": True}} if silent == 1 else answers)
    assert ("node lab1 does not answer now" in capsys.readouterr().err) is (silent == 1)


@pytest.mark.ray
def test_data_that_grow_while_a_study_runs_rule_no_node_out(root: Path) -> None:
    asked = Asked(common(root))
    assert asked.one((root / "data" / "more").touch)
    assert asked.one() is None
    assert not asked.searcher.unfit


@pytest.mark.ray
def test_a_node_that_joins_with_other_data_is_named_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = Asked(common(root))
    asked.answer({**common(root).look(), "data": "other"})
    asked.answer({**common(root).look(), "data": "other"})
    assert asked.searcher.unfit == {"id"}
    assert capsys.readouterr().err.count("holds other data than here") == 1


def test_results_below_the_data_do_not_count(tmp_path: Path) -> None:
    """They grow while the nodes look."""
    results = tmp_path / "results" / "study"
    results.mkdir(parents=True)
    (tmp_path / "cifar").mkdir()
    before = nodes.listing(tmp_path, results)
    (results / "trials.jsonl").write_text("{}")
    assert nodes.listing(tmp_path, results) == before
    (tmp_path / "cifar" / "batch").write_bytes(b"images")
    assert nodes.listing(tmp_path, results) != before
