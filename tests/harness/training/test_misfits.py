"""A checkpoint whose digest is right and whose contents are another's is set aside, and the trial starts anew."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.plan.resolve import resolve
from harness.storage import checkpoint
from harness.storage.checkpoint import Checkpoints
from harness.storage.folder import checkpoint_folder, weights_file
from harness.training import run_job
from harness.training.epochs import returned
from harness.training.place import Place, Progress
from harness.vocabulary.rows import Outcome
from tests.harness.storage.test_checkpoint import plan

State = dict[str, Any]


def shapes(state: State) -> None:
    network = state["work"]["network"]
    network["classifier.weight"] = torch.zeros(3, 3)


def short(state: State) -> None:
    state["outcome"] = json.dumps({**json.loads(state["outcome"]), "epochs": 2})


CHANGES: dict[str, Callable[[State], Any]] = {
    "weights of other shapes": shapes,
    "no weights": lambda state: state["work"].pop("network"),
    "an optimiser of something else": lambda state: state["work"].update(optimiser={"state": 1}),
    "no outcome": lambda state: state.pop("outcome"),
    "the outcome of another epoch": short,
    "an outcome that is a number": lambda state: state.update(outcome="5"),
    "nothing": lambda state: state.clear(),
    "another format": lambda state: state.update(format=99),
    "another trial's": lambda state: state.update(key="0" * 16),
}


def heard(trial: run_job.Run, said: list[Progress]) -> run_job.Run:
    while True:
        try:
            said.append(next(trial))
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        yield said[-1]


@pytest.mark.training
@pytest.mark.parametrize("change", CHANGES)
def test_a_checkpoint_that_does_not_fit_is_set_aside_and_said(change: str, tmp_path: Path) -> None:
    planned, space = plan()
    job = list(planned.jobs.values())[-1]
    settings = {**resolve(job, {}, space)} if not job.needs else {**job.settings, "architecture": "vgg11 1-3"}
    (tmp_path / "undisturbed").mkdir()
    undisturbed = returned(run_job.run(job.key, settings, Place(str(tmp_path / "undisturbed"), "cpu", 1, 0, None)))
    place = Place(str(tmp_path), "cpu", 1, 0, None)
    next(run_job.run(job.key, settings, place))
    checkpoints = Checkpoints(checkpoint_folder(tmp_path, job.key))
    path = checkpoint_folder(tmp_path, job.key) / "000001.pt"
    _, state = checkpoints.load() or (0, {})
    CHANGES[change](state)
    path.write_bytes(checkpoint.packed(state))
    content, said = path.read_bytes(), list[Progress]()
    found = returned(heard(run_job.run(job.key, settings, place), said))
    assert (found["status"], found["epochs"]) == ("done", 3)
    assert (found["train_loss"], found["test_accuracy"]) == (undisturbed["train_loss"], undisturbed["test_accuracy"])
    assert [bool(progress.note) for progress in said] == [True, False, False]
    assert "does not fit" in said[0].note
    assert path.with_name("000001.pt.unfit").read_bytes() == content


@pytest.mark.training
def test_weights_for_others_that_do_not_fit_are_set_aside(tmp_path: Path) -> None:
    planned, _ = plan()
    job = list(planned.jobs.values())[-1]
    recipe = {**job.settings["recipe"], "pretrained": "left-out"}
    settings = {**job.settings, "architecture": "vgg11 1-3", "recipe": recipe, "start": "0" * 16}
    other = torch.nn.Linear(2, 2)
    checkpoint.keep(tmp_path, "0" * 16, other.state_dict())
    found = returned(run_job.run(job.key, settings, Place(str(tmp_path), "cpu", 1, 0, None)))
    assert found["status"] == "failed"
    assert "the same command trains them anew" in str(found["error"])
    assert not weights_file(tmp_path, "0" * 16).exists()
    assert weights_file(tmp_path, "0" * 16 + ".pt").with_name("0" * 16 + ".pt.unfit").exists()
