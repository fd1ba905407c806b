"""Predictions of real trainings lie beside their rows, and each search seed may have training images of its own."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.commands.verify import problems
from harness.data import datasets
from harness.errors import BadInput
from harness.seeding import Seeds
from harness.storage.checkpoint import sweep
from harness.storage.rows import latest_rows
from harness.study.data import Data
from harness.study.schema import LEFT_OUT
from tests.driven import ran
from tests.studies import TINY, as_toml, tiny

PART = {"name": "digits", "train_images": 96, "test_images": 64, "image_size": 32}
STUDY = {**TINY, "name": "driven", "recipe": {**TINY["recipe"], "epochs": 1},
         "search": {"epochs": 1, "snapshots": [1]}, "data": {**PART, "resample": True},
         "method": [{"name": "darts-A", "rule": "A", "twins": 1}, {"name": "baseline"}]}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    assert ran(place, study=as_toml(STUDY))[0] == 0
    return place / "driven"


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "driven"))


def trained(folder: Path) -> list[dict]:
    return [row for row in latest_rows(folder).values() if row["kind"] == "train"]


@pytest.mark.training
def test_a_trainings_predictions_have_the_accuracy_of_its_row(made: Path) -> None:
    labels = datasets.load(PART, None).test.labels.numpy()
    rows = trained(made)
    assert len(rows) == 6
    for row in rows:
        said = np.load(made / "predictions" / f"{row['key']}.npy", allow_pickle=False)
        assert (said.dtype, said.shape) == (np.uint8, (64,))
        assert 100 * (said == labels).sum() / 64 == row["test_accuracy"]
        right = np.load(made / "predictions" / f"labels-{row['test_labels']}.npy", allow_pickle=False)
        assert np.array_equal(right, labels)
    assert len(list((made / "predictions").iterdir())) == 7
    assert problems(made) == []
    assert all("predictions" not in row for row in latest_rows(made).values() if row["kind"] != "train")


@pytest.mark.training
def test_pairs_of_a_seed_share_their_training_images_and_seeds_do_not(made: Path) -> None:
    splits = {seed: {row["split"] for row in trained(made) if row["seed"] == seed} for seed in (0, 1)}
    assert [len(found) for found in splits.values()] == [1, 1]
    assert splits[0] != splits[1]


@pytest.mark.training
def test_lost_predictions_are_no_problem(folder: Path) -> None:
    shutil.rmtree(folder / "predictions")
    assert problems(folder) == []


def flipped(path: Path) -> None:
    said = np.load(path)
    said[0] = (said[0] + 1) % 10
    np.save(path, said)


def shorter(path: Path) -> None:
    np.save(path, np.load(path)[:-1])


def pickled(path: Path) -> None:
    np.save(path, np.array([io.BytesIO], dtype=object), allow_pickle=True)


@pytest.mark.training
@pytest.mark.parametrize(
    ("change", "says"),
    [(flipped, "its digest differs"), (shorter, "its digest differs"), (pickled, "is no list of classes")],
)
def test_verify_names_a_file_that_does_not_fit(change: Callable[[Path], None], says: str, folder: Path) -> None:
    path = folder / "predictions" / f"{trained(folder)[0]['key']}.npy"
    change(path)
    assert [line for line in problems(folder) if str(path) in line and says in line]
    assert len(problems(folder)) == 1


@pytest.mark.training
def test_verify_compares_with_the_rows_accuracy(folder: Path) -> None:
    row = trained(folder)[0]
    path = folder / "trials.jsonl"
    path.write_text(path.read_text().replace(f'"test_accuracy": {row["test_accuracy"]}', '"test_accuracy": 1.25'))
    assert any("gives an accuracy of" in line and "its row 1.2500 %" in line for line in problems(folder))


@pytest.mark.training
def test_rows_that_are_taken_over_bring_their_predictions(made: Path, tmp_path: Path) -> None:
    missing, _, assigned = ran(tmp_path, study=as_toml(STUDY), reuse=(made,))
    assert (missing, assigned) == (0, [])
    old, new = ({path.name: path.read_bytes() for path in (home / "predictions").iterdir()}
                for home in (made, tmp_path / "driven"))  # fmt: skip
    assert old == new


def test_half_written_files_are_swept(tmp_path: Path) -> None:
    (tmp_path / "predictions").mkdir()
    for name in (".a.npy.17.tmp", ".a.labels.tmp", "a.npy"):
        (tmp_path / "predictions" / name).write_text("")
    sweep(tmp_path, ())
    assert [path.name for path in (tmp_path / "predictions").iterdir()] == ["a.npy"]


def part(seed: int, **more: object) -> datasets.DataSet:
    return datasets.load({"name": "digits", "train_images": 96, **more}, None, seeds=Seeds(0, seed))


def test_resampling_draws_the_training_part_by_seed_and_leaves_the_test_set() -> None:
    first, again, second = part(1, resample=True), part(1, resample=True), part(2, resample=True)
    whole = datasets.load({"name": "digits"}, None).train
    assert first.drawn is not None
    assert second.drawn is not None
    assert torch.equal(first.train.images, again.train.images)
    assert torch.equal(first.train.images, whole.images[first.drawn])
    assert len(set(first.drawn.tolist())) == 96
    assert set(first.drawn.tolist()) != set(second.drawn.tolist())
    assert torch.equal(first.test.images, second.test.images)
    fixed = [part(seed) for seed in (1, 2)]
    assert torch.equal(fixed[0].train.images, fixed[1].train.images)
    assert fixed[0].drawn is None


def test_left_out_images_are_left_out_of_the_seeds_own_part() -> None:
    mine, other = (part(3, resample=True, **more).drawn for more in ({}, {LEFT_OUT: True}))
    assert mine is not None
    assert other is not None
    assert not set(mine.tolist()) & set(other.tolist())


def test_resampling_needs_images_to_draw_from() -> None:
    with pytest.raises(BadInput, match=r"data\.train_images of the set: say how many"):
        tiny(data={"name": "digits", "resample": True})
    with pytest.raises(BadInput, match="1297 are all that digits has: use fewer"):
        datasets.load({"name": "digits", "train_images": 1297, "resample": True}, None)


def test_a_study_that_does_not_resample_reads_as_before() -> None:
    assert "resample" not in Data().model_dump()
    assert Data(train_images=9, resample=True).model_dump()["resample"]
