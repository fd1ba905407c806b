"""How a hostile reviewer moved verdicts past the protocol, each with the smallest input and the right answer."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rows_factory as factory
from judging import PRIMARY, fixed, judged, made, with_accuracies

from analysis.findings.collect import findings
from analysis.findings.comparisons import Compared
from analysis.findings.rules import rules
from analysis.report.tables.listed import report_tables
from analysis.results.rows import load
from harness.cli import main
from harness.storage import protocol
from harness.storage.protocol import Event

pytestmark = pytest.mark.long


def registered(folder: Path, **changes: Any) -> tuple[Path, dict[str, Any]]:
    """A study that fixed its protocol first, of five seeds, whose methods beat their twins clearly."""
    study = factory.study(**{"seeds": 5, "snapshots": [5, 10], "primary": PRIMARY, **changes})
    place = made(folder, study, factory.rows(study, effect=2.0))
    protocol.settle(place, fixed(study), 0, len(study["plan"]))
    return place, study


def statuses(found: Compared) -> set[str]:
    return {c.status for c in found.every}


def test_as_planned_its_findings_confirm(tmp_path: Path) -> None:
    assert statuses(judged(registered(tmp_path)[0])[1]) == {"primary", "confirmatory"}


def test_a_snapshot_that_was_added_does_not_move_the_mean_that_was_fixed(tmp_path: Path) -> None:
    """The snapshot that was added shows a difference that those before do not have."""
    more = factory.study(seeds=5, snapshots=[5, 10, 20], primary=PRIMARY)
    level = [70.0, 70.2, 70.1, 70.3, 70.4]
    own = {
        "darts-A@5": [70.1, 70.1, 70.2, 70.2, 70.5],
        "darts-A@10": level,
        "darts-A@20": [79.0, 79.1, 79.3, 79.2, 79.1],
    }
    rows = with_accuracies(factory.rows(more), {**own, "random-A@5": level, "random-A@10": level})
    before = factory.study(seeds=5, snapshots=[5, 10], primary=PRIMARY)
    place = made(tmp_path, before, [row for row in rows if "@20" not in row["method"]])
    protocol.settle(place, fixed(before), 0, len(before["plan"]))
    asked = judged(place)[1].primary
    made(tmp_path, more, rows)
    protocol.settle(place, fixed(more), len(before["plan"]), len(more["plan"]))
    _, found, _ = judged(place)
    assert found.primary is not None
    assert asked is not None
    assert found.primary.difference == asked.difference
    assert not found.primary.significant
    primary = next(one for one in findings(place).several if one.primary)
    assert primary.ways[0].value == pytest.approx(asked.difference.value)


@pytest.mark.parametrize("lost", ["settings", "seeds"])
def test_what_stands_in_place_of_trainings_that_were_seen_is_exploratory(lost: str, tmp_path: Path) -> None:
    """Settings were changed under the same names, or seeds left out: their rows are of no job any more."""
    place, study = registered(tmp_path)
    gone = [job["key"] for job in study["plan"] if job["seed"] == 4 and job["kind"] == "train"]
    study["plan"] = [job for job in study["plan"] if job["key"] not in gone]
    (place / "study.json").write_text(json.dumps(study))
    protocol.append(place, Event.CHANGED, {lost: ["before", "after"]} if lost == "settings" else
                    {"seeds": [{"search": 5}, {"search": 4}]}, 50, 40)  # fmt: skip
    results, found, said = judged(place)
    assert statuses(found) == {"exploratory"}
    assert set(results.replaced) == {job["method"] for job in registered(tmp_path / "again")[1]["plan"]} - {"darts"}
    assert "were changed, or seeds left out, after they were there" in said
    assert "at most 0.05" not in findings(place).methods
    assert "Finished trainings were replaced" in findings(place).methods


def test_a_method_that_was_taken_out_replaces_nothing(tmp_path: Path) -> None:
    place, study = registered(tmp_path)
    study["rows"] = [row for row in study["rows"] if row["rule"] != "B"]
    study["plan"] = [job for job in study["plan"] if "-B@" not in job["method"]]
    (place / "study.json").write_text(json.dumps(study))
    results, found, _ = judged(place)
    assert results.replaced == ()
    assert statuses(found) == {"primary", "confirmatory"}


def test_each_change_of_the_plan_makes_the_same_number_of_rows_another_look(tmp_path: Path) -> None:
    place, _ = registered(tmp_path)
    protocol.append(place, Event.REPORTED, {}, 12, 55)
    protocol.append(place, Event.CHANGED, {"settings": ["a", "b"]}, 12, 55)
    protocol.append(place, Event.REPORTED, {}, 12, 55)
    assert rules(load(place)).unplanned == 2
    for number in range(2):  # which random numbers: drawn anew twice
        protocol.append(place, Event.CHANGED, {"seeds": [{"study": number}, {"study": number + 1}]}, 20, 55)
    assert rules(load(place)).unplanned == 4
    protocol.append(place, Event.REPORTED, {}, 20, 55)
    protocol.append(place, Event.REPORTED, {}, 20, 55)
    assert rules(load(place)).unplanned == 5


def test_comparisons_with_rows_that_were_taken_over_are_exploratory(tmp_path: Path) -> None:
    place, study = registered(tmp_path)
    keys = [job["key"] for job in study["plan"] if job["method"] == "darts-B@10"]
    protocol.append(place, Event.REUSED, {"rows": 5, "from": ["other"], "keys": keys}, 0, 55)
    _, found, said = judged(place)
    assert found.primary is not None
    assert found.primary.status == "primary"
    assert {c.status for c in found.secondary if "darts-B@10" in c.methods} == {"exploratory"}
    assert {c.status for c in found.secondary if "darts-B@10" not in c.methods} == {"confirmatory"}
    assert "5 rows were taken over from other: comparisons with them are exploratory" in said
    assert "taken over from other studies are exploratory" in findings(place).methods


@pytest.mark.parametrize("named", [True, False])
def test_a_primary_comparison_of_rows_that_were_taken_over_lets_nothing_confirm(named: bool, tmp_path: Path) -> None:
    place, study = registered(tmp_path)
    keys = [job["key"] for job in study["plan"] if job["method"] == "darts-A@5"]
    content = {"rows": 5, "from": ["other"], **({"keys": keys} if named else {})}
    protocol.append(place, Event.REUSED, content, 0, 55)
    assert statuses(judged(place)[1]) == {"exploratory"}


def test_planned_looks_that_were_taken_count_whatever_study_json_says(tmp_path: Path) -> None:
    place, study = registered(tmp_path, looks=[3, 5], sequential=True)
    protocol.append(place, Event.LOOKED, {"looks": 1}, 33, 55)
    before = judged(place)[1].primary
    (place / "study.json").write_text(json.dumps({**study, "sequential": False}))
    after = judged(place)[1].primary
    assert before is not None
    assert after is not None
    assert after.adjusted == before.adjusted
    assert rules(load(place)).times == 2


def test_no_change_is_from_before_the_first_row_once_rows_were_there(tmp_path: Path) -> None:
    """Rows were seen, then removed, and the question replaced as if nothing had run."""
    place, study = registered(tmp_path)
    protocol.append(place, Event.REPORTED, {}, 12, 55)
    other = {"method": "darts-B", "against": "twins", "at": "mean"}
    (place / "study.json").write_text(json.dumps({**study, "primary": other}))
    protocol.settle(place, fixed({**study, "primary": other}), 0, 55)
    _, found, said = judged(place)
    assert found.primary is not None
    assert found.primary.method == "darts-A"
    assert "Changed after rows were there: primary" in said
    table = next(table for table in report_tables(findings(place)) if table.name == "deviations")
    assert any(row[1].text.startswith("primary: ") for row in table.rows)


def test_the_rows_say_which_entries_are_from_before_them(tmp_path: Path) -> None:
    """Rows were set aside, the question replaced as if nothing had run, and the rows put back."""
    place, study = registered(tmp_path)
    (first,) = protocol.read(place)
    other = {"method": "darts-B", "against": "twins", "at": "mean"}
    (place / "study.json").write_text(json.dumps({**study, "primary": other}))
    protocol.settle(place, fixed({**study, "primary": other}), 0, 55)
    rows = [json.loads(line) for line in (place / "trials.jsonl").read_text().splitlines()]
    (place / "trials.jsonl").write_text("".join(f"{json.dumps({**row, 'protocol': first.hash})}\n" for row in rows))
    _, found, said = judged(place)
    assert found.primary is not None
    assert found.primary.method == "darts-A"
    assert "Changed after rows were there: primary" in said
    (said,) = protocol.faults(protocol.read(place), [first.hash] * len(rows))
    assert said.endswith("entry 2: says that there was no row yet, but rows name an entry before it")


@pytest.mark.parametrize(
    ("change", "looks"),
    [
        ({"twins": [None, {"darts-A": 2}], "settings": ["a", "b"]}, 1),
        ({"twins": [None, {"darts-A": 2}]}, 0),  # which a newer version writes down
        ({"settings": ["a", "b"]}, 0),
        ({"looks": [[], [5, 8]]}, 1),
        ({"seeds": [{"search": 5}, {"search": 8}]}, 1),
    ],
    ids=["twins", "a newer version", "another method", "looks", "seeds"],
)
def test_trainings_that_were_planned_once_all_was_seen_are_a_look(
    change: dict[str, Any], looks: int, tmp_path: Path
) -> None:
    place, _ = registered(tmp_path)
    before = judged(place)[1].primary
    protocol.append(place, Event.CHANGED, change, 55, 60)
    _, found, said = judged(place)
    assert before is not None
    assert found.primary is not None
    assert found.primary.adjusted == pytest.approx((1 + looks) * before.adjusted)
    assert ("Adjusted p is multiplied by 2" in said) == bool(looks)


def test_a_method_that_was_added_after_rows_were_there_confirms_nothing(tmp_path: Path) -> None:
    place, study = registered(tmp_path)
    rows = [row for row in study["rows"] if row["rule"] != "B"]
    (place / "protocol.jsonl").unlink()
    protocol.settle(place, fixed({**study, "rows": rows}), 0, 55)
    protocol.append(place, Event.CHANGED, {"rows": [rows, study["rows"]]}, 55, 60)
    _, found, said = judged(place)
    added = {one.status for one in found.every if "-B@" in f"{one.method} {one.against}"}
    assert added == {"exploratory"}
    assert "confirmatory" in statuses(found)
    assert "Added after rows were there: darts-B@10, darts-B@5, random-B@10, random-B@5; comparisons" in said


def test_the_table_of_what_was_fixed_names_the_entry_that_fixed_it(tmp_path: Path) -> None:
    place, study = registered(tmp_path)
    other = {"method": "darts-B", "against": "twins", "at": "mean"}
    protocol.settle(place, fixed({**study, "primary": other}), 0, 55)
    entries = protocol.read(place)
    table = next(table for table in report_tables(findings(place)) if table.name == "protocol")
    named = {row[0].text: row[3].text for row in table.rows}
    assert (named["primary"], named["alpha"]) == (entries[1].hash[:16], entries[0].hash[:16])


def test_two_folders_of_one_study_have_no_order_and_a_key_no_two_ends(tmp_path: Path) -> None:
    """In one folder a training diverged that is done in the other."""
    study = factory.study(seeds=3, rules=["A"], snapshots=[5], chance=10.0)
    rows = factory.rows(study)
    key = next(row["key"] for row in rows if row["method"] == "darts-A@5" and row["seed"] == 2)
    ended = {"status": "diverged", "test_accuracy": None}
    one = made(tmp_path / "x", study, [{**row, **ended} if row["key"] == key else row for row in rows])
    two = made(tmp_path / "y", study, rows)
    first, second = (judged(folders) for folders in ([one, two], [two, one]))
    assert first[1].twins["darts-A@5"].difference == second[1].twins["darts-A@5"].difference
    assert [conflict.split()[0] for conflict in first[0].conflicts] == [key]
    assert "diverged" in first[0].conflicts[0]


@pytest.mark.parametrize(("data", "counted"), [({"name": "cifar10"}, 10.0), ({"name": "mine"}, 25.0)])
def test_guessing_is_by_the_number_of_classes_wherever_it_is_known(
    data: dict[str, str], counted: float, tmp_path: Path
) -> None:
    """`chance` that somebody added moves nothing; without it a failed training still counts."""
    for added in ({}, {"chance": 71.5}):
        study = factory.study(seeds=3, rules=["A"], snapshots=[5], data=data, classes={"mine": 4}, **added)
        rows = factory.rows(study)
        lost = next(row for row in rows if row["method"] == "darts-A@5")
        lost |= {"status": "diverged", "test_accuracy": None}
        one = judged(made(tmp_path / str(len(added)), study, rows))[1].twins["darts-A@5"]
        assert one.failures == 1
        assert np.min(one.pairs.frame["own"]) == counted


@pytest.mark.parametrize("out", ["a file", "a file/below/it"])
def test_a_report_that_cannot_be_written_is_no_look(
    out: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody has seen anything then."""
    place, _ = registered(tmp_path)
    rows = place / "trials.jsonl"
    rows.write_text("".join(rows.read_text().splitlines(keepends=True)[:-3]))  # unfinished: a report would be a look
    before = protocol.read(place)
    (tmp_path / "a file").write_text("mine")
    with pytest.raises(SystemExit) as end:
        main(["report", str(place), "--out", str(tmp_path / out)])
    assert end.value.code == 2
    assert "can hold no report, since" in capsys.readouterr().err
    assert protocol.read(place) == before
    assert (tmp_path / "a file").read_text() == "mine"


@pytest.mark.parametrize(("status", "confirms"), [("failed", False), ("diverged", True)])
def test_a_training_that_may_run_again_confirms_nothing(status: str, confirms: bool, tmp_path: Path) -> None:
    """Twins that fail, for whatever cause, would make any method better than its twins."""
    place, _ = registered(tmp_path)
    rows = [json.loads(line) for line in (place / "trials.jsonl").read_text().splitlines()]
    struck = [factory.failed(row, status) if row["role"] == "twin" and row["seed"] < 4 else row for row in rows]
    (place / "trials.jsonl").write_text("".join(json.dumps(row) + "\n" for row in struck))
    _, found, said = judged(place)
    assert ("primary" in statuses(found)) is confirms
    assert ("The same command runs failed trainings again" in said) is not confirms
