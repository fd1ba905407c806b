"""What supernets reach and what is read from them, against values taken from the rows by hand."""

import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.findings.collect import findings
from analysis.findings.readings import Reading, readings
from analysis.report import formats
from analysis.report.tables.readings import readings as table
from analysis.results.rows import load
from analysis.results.table import lines
from tests import rows_factory

KEPT = Path(__file__).parents[2] / "results" / "nasbench201-darts-mini"


def found(path: Path, study: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Reading]:
    results = load(rows_factory.write(path, study, rows))
    return {one.line.method: one for one in readings(results, lines(results), 0.95)}


def test_a_snapshot_is_set_beside_the_supernet_of_its_own_epoch(tmp_path):
    study = rows_factory.study(snapshots=(5, 10))
    rows = rows_factory.rows(study)
    said = found(tmp_path, study, rows)
    points = [row["curve"][4] for row in rows if row["kind"] == "search"]
    assert said.keys() == {"darts-A@5", "darts-A@10", "darts-B@5", "darts-B@10"}  # not the baseline
    assert said["darts-A@5"].supernet.mean == pytest.approx(np.mean([point["val_accuracy"] for point in points]))
    assert (said["darts-A@5"].read.mean, said["darts-B@10"].read.mean) == (44, 47)
    assert said["darts-A@5"].gap.value == pytest.approx(said["darts-A@5"].supernet.mean - 44)


def test_epochs_that_warm_up_come_before_the_snapshot(tmp_path):
    study = rows_factory.study(snapshots=(5,))
    rows = rows_factory.rows(study)
    for row in rows:
        if row["kind"] == "search":
            cold = {"epoch": 0, "train_loss": 2.3, "seconds": 1.0, "lr": 0.1, "val_accuracy": 12.0}
            row["curve"] = [cold, cold, *row["curve"]]
            row["settings"] |= {"search": {"warmup_epochs": 2, "epochs": 5}}
    assert found(tmp_path, study, rows)["darts-A@5"].read.mean == 44


def test_a_search_that_stopped_early_is_read_where_it_went_back_to(tmp_path):
    study = rows_factory.study(snapshots=(5, 10))
    rows = rows_factory.rows(study)
    for row in rows:
        if row["kind"] == "search":
            row |= {"curve": row["curve"][:7], "stopped_at": 7, "returned_to": 4}
    said = found(tmp_path, study, rows)
    assert [said[name].read.mean for name in ("darts-A@5", "darts-A@10")] == [43, 43]  # of epoch 4


def test_a_search_that_ended_before_the_snapshot_is_left_out(tmp_path):
    study = rows_factory.study(snapshots=(5, 10))
    rows = rows_factory.rows(study)
    rows[0]["curve"] = rows[0]["curve"][:7]
    said = found(tmp_path, study, rows)
    assert (said["darts-A@5"].gap.n, said["darts-A@10"].gap.n) == (3, 2)


def decided(study: dict[str, Any], kind: str, count: int, score: str = "supernet") -> list[dict[str, Any]]:
    """Rows whose trainings come by `count` jobs of `kind`, of which the last has the training's network."""
    rows = rows_factory.rows(study)
    for row in [row for row in rows if row["kind"] == "train" and row["needs"]]:
        jobs = [{"key": rows_factory.key(kind, row["key"], n), "kind": kind, "method": row["method"], "role": kind,
                 "seed": row["seed"], "needs": row["needs"]} for n in range(count)]  # fmt: skip
        row["needs"] = [job["key"] for job in jobs]
        for n, job in enumerate(jobs):
            network = row["architecture"] if n == count - 1 else "vgg19"
            settings = {"data": study["data"], "search": {"score": score}}
            rows.append(rows_factory.row(job, study, architecture=network, val_accuracy=20.0 + n, settings=settings))
        study["plan"] += jobs
    return rows


def test_of_scores_in_the_supernet_the_chosen_one_counts(tmp_path):
    study = rows_factory.study(snapshots=(5,))
    assert found(tmp_path, study, decided(study, "score", 3))["darts-A@5"].read.mean == 22


def test_a_candidate_that_was_trained_says_nothing_of_the_supernet(tmp_path):
    study = rows_factory.study(snapshots=(5,))
    one = found(tmp_path, study, decided(study, "score", 3, score="train"))["darts-A@5"]
    assert one.read.mean == 44  # by α


def test_a_reading_by_perturbation_counts_as_it_ended(tmp_path):
    study = rows_factory.study(snapshots=(5,))
    one = found(tmp_path, study, decided(study, "perturbation", 1))["darts-B@5"]
    assert (one.read.mean, one.supernet.mean > 50) == (20, True)


def test_a_network_without_a_supernet_has_no_row(tmp_path):
    study = rows_factory.study(snapshots=(5,))
    rows = [row | {"needs": []} for row in rows_factory.rows(study)]
    assert not found(tmp_path, study, rows)


def test_the_kept_study_gives_the_numbers_of_its_rows():
    rows = [json.loads(line) for line in lzma.open(KEPT / "trials.jsonl.xz")]
    by_key = {row["key"]: row for row in rows}
    wanted = [by_key[row["needs"][0]]["curve"][9] for row in rows
              if row["kind"] == "train" and "darts-second-order@10" in row["methods"]]  # fmt: skip
    gaps = [point["val_accuracy"] - point["discretised_accuracy"]["edge-wise"] for point in wanted]
    one = next(one for one in findings(KEPT).readings if one.line.method == "darts-second-order@10")
    assert one.gap.n == len(gaps) == 10
    assert one.gap.value == pytest.approx(np.mean(gaps), abs=1e-4)
    assert "| darts-second-order | 10 " in formats.markdown([table([one], 0.95)])
