"""What no run has written inside a row, a study.json or a protocol is named by its line and its place."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rows_factory as factory

from harness.cli import main
from harness.errors import BadInput
from harness.storage import protocol
from harness.storage.checks import is_array, is_count, is_number
from harness.storage.folder import read_study
from harness.storage.rows import complete_rows, read_rows
from tests.driven import ran

TUNED = {"tuning": {"sampler": "tpe", "ranges": {}}, "index": 0}


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("search", lambda row: row["curve"][1].update(val_accuracy="x"), "curve[1].val_accuracy is 'x', which is no n"),
        ("search", lambda row: row["curve"][0].update(entropy=[]), "curve[0].entropy is [], which is no number"),
        ("search", lambda row: row["curve"][0].update(counts={"A": float("nan")}), "curve[0].counts.A is nan"),
        ("search", lambda row: row["curve"][0].update(counts=5), "curve[0].counts is 5, which is no object"),
        ("search", lambda row: row["curve"][2].pop("epoch"), "curve[2].epoch is missing"),
        ("search", lambda row: row["curve"].append(5), "curve[20] is 5, which is no object"),
        ("search", lambda row: row["snapshots"]["5"].update(pairs=[[1, 2], [3]]), "snapshots.5.pairs is [[1, 2], [3]]"),
        ("search", lambda row: row["snapshots"]["5"].update(pairs=[["x"]]), "which is no array of numbers"),
        ("search", lambda row: row["snapshots"].update(last={}), "a name in snapshots is 'last', which is no epoch"),
        ("train", lambda row: row["settings"].update(search=5), "settings.search is 5, which is no object"),
        ("train", lambda row: row["settings"].update(recipe_from=[5]), "settings.recipe_from[0] is 5"),
        ("train", lambda row: row["recipe"].update(lr="fast"), "recipe.lr is 'fast', which is no number"),
        ("train", lambda row: row["recipe"]["scheduler"].update(gamma=None), "recipe.scheduler.gamma is None"),
        ("train", lambda row: row["versions"].update(torch=2), "versions.torch is 2, which is no text"),
        ("train", lambda row: row.update(started="yesterday"), "started is 'yesterday', which is no time"),
        ("train", lambda row: row.update(parameters=10**400), "which is no whole number from 0 on"),
        ("train", lambda row: row.update(kind="tune", settings={}), "settings.tuning is missing"),
        ("train", lambda row: row.update(kind="tune", settings=TUNED, curve=[{"epoch": 1}]), "curve[0].val_accuracy"),
        ("train", lambda row: row.pop("seed"), "seed is missing"),
        ("train", lambda row: row.pop("path"), "path is missing"),
        ("train", lambda row: (row.update(status="failed"), row.pop("error")), "error is missing"),
        ("train", lambda row: row.update(methods=None), "methods is missing"),
    ],
)  # fmt: skip
def test_of_a_row(kind: str, change: Callable[[dict[str, Any]], Any], says: str, tmp_path: Path,
                  capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    study = factory.study(seeds=1, snapshots=[5, 20], rules=("A",))
    rows = json.loads(json.dumps(factory.rows(study)))  # which share no recipe then
    number = next(number for number, row in enumerate(rows) if row["kind"] == kind)
    change(rows[number])
    folder = factory.write(tmp_path / "made-up", study, rows)
    assert len(read_rows(folder)) == len(rows)
    for command in ("status", "report", "verify"):
        with pytest.raises(SystemExit) as end:
            main([command, str(folder)])
        said = capsys.readouterr()
        text = said.out if command == "verify" else said.err
        assert end.value.code == (1 if command == "verify" else 2)
        assert f"trials.jsonl, line {number + 1}" in text
        assert says in text
        assert said.err.count("\n") == (command != "verify")


@pytest.mark.parametrize("command", [["plan"], ["run", "--executor", "in-process"]], ids=lambda words: words[0])
def test_a_row_that_lacks_what_every_run_writes_is_named_before_anything_starts(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(tmp_path)
    path = tmp_path / "driven" / "trials.jsonl"
    first, *others = path.read_text().splitlines()
    lacking = {name: value for name, value in json.loads(first).items() if name != "path"}
    path.write_text("".join(f"{line}\n" for line in (json.dumps(lacking), *others)))
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main([*command, str(tmp_path / "study.toml"), "--results", str(tmp_path)])
    assert end.value.code == 2
    said = f"nas-harness: {path}, line 1 is no row: path is missing; mend or remove that line\n"
    assert capsys.readouterr().err == said


def test_lines_are_counted_in_each_file(tmp_path: Path) -> None:
    study = factory.study(seeds=1, snapshots=[5], rules=("A",))
    rows = factory.rows(study)
    rows[-1]["seed"] = "x"
    folder = factory.write(tmp_path / "made-up", study, rows)
    with pytest.raises(BadInput, match=rf"trials\.jsonl, line {len(rows)} is no row: seed is 'x', which is no whole"):
        complete_rows(folder)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"primary": {"method": 5}}, "primary.method is 5, which is no text"),
        ({"alpha": 5}, "alpha is 5, which is no number between 0 and 1"),
        ({"smallest_effect": -1}, "smallest_effect is -1, which is no number above 0"),
        ({"looks": [5, 3]}, "looks is [5, 3], which is no list of rising numbers"),
        ({"command": 'nas-harness run "demo'}, "which is no command"),
        ({"data": {"train_images": "many"}}, "data.train_images is 'many'"),
        ({"data": {"classes": 0}}, "data.classes is 0, which is no whole number from 1 on"),
        ({"data": []}, "data is [], which is no object"),
        ({"data": [{"name": "digits"}, {"name": 5}]}, "data[1].name is 5, which is no text"),
        ({"table": {"name": 5}}, "table.name is 5, which is no text"),
        ({"scale": {"digits": {"best": 90}}}, "scale.digits.uniform is missing"),
        ({"chance": 10**400}, "which is no percentage"),
        ({"alpha_labels": {"pairs": {"rows": [1]}}}, "alpha_labels.pairs.columns is missing"),
        ({"search": {"snapshots": ["x"]}}, "search.snapshots[0] is 'x'"),
        ({"recipe": {"scheduler": 5}}, "recipe.scheduler is 5, which is no object"),
        ({"rows": [{"method": None}]}, "rows[0].method is None, which is no text"),
        ({"plan": [{"key": "a"}]}, "plan[0].kind is missing"),
        ({"methods": 5}, "methods is 5, which is no list"),
    ],
)
def test_of_a_study(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    folder = factory.write(tmp_path / "made-up", {**factory.study(seeds=1), **change}, [])
    with pytest.raises(BadInput, match=re.escape(says)):
        read_study(folder)


@pytest.mark.parametrize(
    ("event", "content", "says"),
    [
        ("fixed", {"rows": [5]}, "content.rows[0] is 5, which is no object"),
        ("fixed", {"alpha": "small"}, "content.alpha is 'small'"),
        ("fixed", {"primary": {}}, "content.primary.method is missing"),
        ("changed", {"looks": [2, 3]}, "content.looks[0] is 2, which is no list of rising"),
        ("changed", {"task": 5}, "content.task is 5, which is no pair"),
        ("changed", {"rows": [None, [{"method": 1}]]}, "content.rows[1][0].method is 1"),
        ("reused", {"from": "there"}, "content.from is 'there', which is no list"),
        ("looked", {"looks": -1}, "content.looks is -1"),
    ],
)
def test_of_a_protocol(event: str, content: dict[str, Any], says: str, tmp_path: Path) -> None:
    """Though its hash is right."""
    protocol.append(tmp_path, protocol.Event.FIXED, {"looks": []}, 0, 1)
    protocol.append(tmp_path, protocol.Event(event), content, 0, 1)
    with pytest.raises(BadInput, match=rf"line 2 is no entry of a protocol \({re.escape(says)}"):
        protocol.read(tmp_path)


@pytest.mark.parametrize("value", [[], [[]], [1, [2]], [[1], [2, 3]], ["1"], 5, None, [[[[[1]]]]], [float("inf")]])
def test_what_is_no_array(value: Any) -> None:
    assert not is_array(value)


@pytest.mark.parametrize("value", [[1], [[1, None], [2, 3.5]], [[[1]], [[2]]]])
def test_what_is_an_array(value: Any) -> None:
    assert is_array(value)


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), float("inf"), 10**400, -(10**400), 1e300])
def test_what_is_no_number(value: Any) -> None:
    assert not is_number(value)
    assert not is_count(value)


@pytest.mark.parametrize("row", [json.dumps([1]), json.dumps({"n": 1})[:-1]])
def test_a_line_without_an_object_is_named(row: str, tmp_path: Path) -> None:
    (tmp_path / "trials.jsonl").write_text(f"{row}\n")
    with pytest.raises(BadInput, match="line 1 is no"):
        complete_rows(tmp_path)
