"""Weights stay until their last reader has its final row, and are made again where they are not there before."""

import re
from pathlib import Path
from typing import Any

import pytest

from harness.commands import status
from harness.storage.folder import weights_file
from tests.driven import STUDY, Verdict, ran, strikes

WEIGHTS = """
name = "driven"
space = "shortcut-vgg11"
data = { name = "digits", image_size = 32, train_images = 64, test_images = 64 }
seeds = { search = 1 }
search = { epochs = 1, candidates = 2, score = "supernet", recipe = { pretrained = "left-out" } }
recipe = { epochs = 1, batch_size = 32, precision = "fp32" }
space_options = { width = 0.0625 }
method = [{ name = "found", strategy = "random-search", rule = "A" }]
"""


def test_a_supernet_whose_weights_are_wanted_later_is_searched_again(tmp_path: Path) -> None:
    """A score in the supernet joins the study after the search has ended without leaving its weights."""
    more = (
        ', { name = "found", strategy = "random-search", rule = "A", search = { candidates = 1, score = "supernet" } }'
    )
    _, _, assigned = ran(tmp_path)
    search = assigned[0].job.key
    _, _, again = ran(tmp_path, study=STUDY[:-2] + more + "]\n")
    kept = [one for one in again if one.job.key == search]
    assert len(kept) == 1
    assert kept[0].place.keep_weights
    assert not weights_file(tmp_path / "driven", search).exists()  # a formula has none


def kinds(folder: Path, verdict: Verdict = lambda _: None, **more: Any) -> list[str]:
    """Of what ran."""
    return [one.job.kind for one in ran(folder, verdict, **{"study": WEIGHTS, **more})[2]]


@pytest.mark.training
@pytest.mark.parametrize("content", [b"torn", b""])
def test_weights_are_kept_for_their_readers_and_made_again_where_they_are_damaged(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pretraining, the search that starts from it, two scores in its supernet, one training."""
    folder = tmp_path / "driven" / "checkpoints" / "weights"
    assert kinds(tmp_path, strikes("score", "failed")) == ["train", "search", "score", "score"]
    (supernet,) = folder.iterdir()  # the pretraining's went with its only reader
    supernet.write_bytes(content)
    capsys.readouterr()
    assert kinds(tmp_path) == ["train", "search", "score", "score", "train"]
    said = [line for line in capsys.readouterr().err.splitlines() if "runs again" in line]
    assert sorted(line.split()[1] for line in said) == ["search", "train"]
    assert "seed 0 (" in said[0]
    assert said[0].endswith(") runs again: the weights are not there from which others start")
    assert not list(folder.iterdir())
    assert kinds(tmp_path) == []
    assert "runs again" not in capsys.readouterr().err


@pytest.mark.training
def test_weights_stay_for_a_reader_that_failed_when_the_others_are_done(tmp_path: Path) -> None:
    assert kinds(tmp_path, strikes("score", "failed", 1)) == ["train", "search", "score", "score"]
    assert kinds(tmp_path) == ["score", "train"]
    assert not list((tmp_path / "driven" / "checkpoints" / "weights").iterdir())


@pytest.mark.training
def test_a_supernet_that_fails_when_it_is_made_again_is_named(tmp_path: Path) -> None:
    kinds(tmp_path, strikes("score", "failed"))
    (supernet,) = (tmp_path / "driven" / "checkpoints" / "weights").iterdir()
    supernet.unlink()
    assert ran(tmp_path, strikes("search", "failed"), study=WEIGHTS)[0] == 4
    assert re.search(
        r"failed: darts seed 0 \(\w+\): struck; 3 wait for it", status.text(status.look(tmp_path / "driven"))
    )
    assert kinds(tmp_path) == ["search", "score", "score", "train"]


@pytest.mark.training
def test_weights_that_a_tuning_alone_has_read_stay_for_the_rest_of_the_study(tmp_path: Path) -> None:
    study = WEIGHTS.replace('score = "supernet", recipe = { pretrained = "left-out" }', "score_epochs = 1")
    study = study.replace("recipe = { epochs = 1", 'recipe = { pretrained = "left-out", epochs = 1')
    ranges = "{ lr = { low = 0.01, high = 0.1 } }"
    study += f'tuning = [{{ name = "drawn", sampler = "random", trials = 2, ranges = {ranges} }}]'
    assert kinds(tmp_path, study=study, kinds=("tune",)) == ["train", "tune", "tune"]
    assert kinds(tmp_path, study=study) == ["score", "score", "train"]
    assert not list((tmp_path / "driven" / "checkpoints" / "weights").iterdir())
