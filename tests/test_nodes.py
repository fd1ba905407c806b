"""A node that sees other results, other data or other code is named before anything runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import nodes
from harness.nodes import Common, Seen


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
