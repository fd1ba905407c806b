"""What a report makes of predictions of single images: its tables, its sentences, and files that do not fit."""

import csv
import io
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rows_factory as factory
from judging import made

from analysis.findings.collect import Findings, findings
from analysis.report import write
from analysis.statistics.crossed import crossed
from harness.storage import predictions

pytestmark = pytest.mark.long

IMAGES, SEEDS = 400, 4
LABELS = np.random.default_rng(5).integers(0, 10, IMAGES)


def said(rng: np.random.Generator, share: float) -> np.ndarray:
    """Classes, of which about `share` are right."""
    return np.where(rng.random(IMAGES) < share, LABELS, (LABELS + 1) % 10)


def place(folder: Path, classes: int = 10, **changes: Any) -> tuple[Path, dict[str, np.ndarray]]:
    """A study whose every training has predictions, and these by key."""
    study, rng = factory.study(seeds=SEEDS, rules=["A"], snapshots=[5, 10], **changes), np.random.default_rng(1)
    home, rows, kept = made(folder, study, []), factory.rows(study), {}
    for number, row in enumerate(rows):
        if row["kind"] == "train":
            kept[row["key"]] = said(rng, 0.8 if row["role"] == "method" else 0.6)
            fields = predictions.keep(home, row["key"], classes, kept[row["key"]], LABELS)
            rows[number] = {**row, **fields, "test_accuracy": 100 * float((kept[row["key"]] == LABELS).mean())}
    return factory.write(home, study, rows), kept


def keys(found: Findings, method: str) -> dict[int, str]:
    trials = found.results.trainings(method)
    return dict(zip(trials["seed"].astype(int), trials["key"], strict=True))


def records(folder: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(write.numbers(findings(folder))[name])))


@pytest.mark.parametrize(("classes", "size"), [(10, 1), (255, 1), (256, 2)])
def test_a_prediction_takes_a_byte_up_to_255_classes(classes: int, size: int, tmp_path: Path) -> None:
    row = predictions.keep(tmp_path, "a" * 16, classes, LABELS, LABELS)
    found = np.load(tmp_path / "predictions" / f"{'a' * 16}.npy", allow_pickle=False)
    assert (found.itemsize, found.tolist()) == (size, LABELS.tolist())
    assert row["predictions"] == row["test_labels"]


def test_differences_are_those_of_the_images(tmp_path: Path) -> None:
    folder, kept = place(tmp_path)
    found = findings(folder)
    own, twins = keys(found, "darts-A@5"), keys(found, "random-A@5")
    right = {key: 100.0 * (classes == LABELS) for key, classes in kept.items()}
    expected = crossed([right[own[seed]] - right[twins[seed]] for seed in range(SEEDS)])
    one = next(one for one in found.images if (one.method, one.against) == ("darts-A@5", "random-A@5"))
    assert one.difference == expected
    assert expected.value == pytest.approx(found.twins["darts-A@5"].difference.value)
    assert [(one.method, one.against) for one in found.images] == [
        ("darts-A@5", "random-A@5"), ("darts-A@10", "random-A@10"), ("darts-A@5", "baseline"),
        ("darts-A@10", "baseline")]  # fmt: skip


def test_the_primary_comparison_is_averaged_over_snapshots_within_a_seed(tmp_path: Path) -> None:
    primary = {"method": "darts-A", "against": "twins", "at": "mean"}
    found = findings(place(tmp_path, primary=primary)[0])
    assert found.compared.primary is not None
    assert found.images[0].method == "darts-A, mean over snapshots"
    assert found.images[0].difference.value == pytest.approx(found.compared.primary.difference.value)


def test_networks_of_one_seed_stand_side_by_side(tmp_path: Path) -> None:
    folder, kept = place(tmp_path)
    lines = records(folder, "agreement.csv")
    assert len(lines) == 4 * SEEDS
    for line in lines:
        one, other = kept[line["key"]], kept[line["key_against"]]
        assert float(line["equal"]) == pytest.approx((one == other).mean(), rel=1e-3)
        assert int(line["first_only"]) == ((one == LABELS) & (other != LABELS)).sum()
    text = write.tables(findings(folder))["table.txt"]
    assert "Differences that count the test images as a sample" in text
    assert "Networks of one seed, image by image" in text


def test_without_predictions_a_report_says_so_and_has_no_such_tables(tmp_path: Path) -> None:
    folder, _ = place(tmp_path)
    shutil.rmtree(folder / "predictions")
    found = findings(folder)
    assert (found.images, found.networks) == ([], [])
    assert not {"images.csv", "agreement.csv"} & write.tables(found).keys()
    assert "Predictions of single images are not there" in "\n".join(found.caveats)


def test_a_lost_file_leaves_its_seed_out(tmp_path: Path) -> None:
    folder, _ = place(tmp_path)
    (folder / "predictions" / f"{keys(findings(folder), 'random-A@5')[2]}.npy").unlink()
    found = findings(folder)
    assert [(one.difference.seeds, one.without) for one in found.images] == [(3, 1), (4, 0), (4, 0), (4, 0)]
    assert "are there for 19 of 20 final trainings" in "\n".join(found.caveats)


def npy(values: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


HUGE = npy(np.zeros(IMAGES, np.uint8)).replace(f"({IMAGES},)".encode(), b"(99999999999,)")
ODD = {
    "empty": (b"", "no list of classes"),
    "text": (b"[1, 2]", "no list of classes"),
    "pickle": (npy(np.array([os.getcwd], dtype=object)), "no list of classes"),
    "zip": (b"PK\x03\x04" + bytes(100), "no list of classes"),
    "floats": (npy(LABELS.astype(float)), "no list of classes"),
    "two axes": (npy(LABELS.astype(np.uint8)[None]), "no list of classes"),
    "torn": (npy(LABELS.astype(np.uint8))[:-1], "no list of classes"),
    "huge": (HUGE, "no list of classes"),
    "another's": (npy(LABELS.astype(np.uint8)), "its digest differs"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_file_is_named_and_left_out(name: str, tmp_path: Path) -> None:
    folder, _ = place(tmp_path)
    content, says = ODD[name]
    key = keys(findings(folder), "random-A@5")[2]
    (folder / "predictions" / f"{key}.npy").write_bytes(content)
    found = findings(folder)
    assert found.images[0].difference.seeds == SEEDS - 1
    said = next(caveat for caveat in found.caveats if f"{key}.npy" in caveat)
    assert says in said


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    folder, _ = place(tmp_path)
    key = keys(findings(folder), "random-A@5")[2]
    path = folder / "predictions" / f"{key}.npy"
    path.rename(tmp_path / "elsewhere.npy")
    path.symlink_to(tmp_path / "elsewhere.npy")
    assert [one.difference.seeds for one in findings(folder).images] == [3, 4, 4, 4]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"name": "cifar10", "train_images": 800}, "one fixed part of their set"),
        ({"name": "cifar10"}, "one fixed set for all seeds"),
        ({"name": "cifar10", "train_images": 800, "resample": True}, "a sample of their own"),
    ],
)
def test_a_report_says_which_images_are_fixed(data: dict[str, Any], says: str, tmp_path: Path) -> None:
    caveats = "\n".join(findings(place(tmp_path, data=data)[0]).caveats)
    assert "The test images are the same for all trainings" in caveats
    assert says in caveats
