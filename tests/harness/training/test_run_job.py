"""Whatever a trial does, it ends with an outcome that says what happened, and a failed one never with a number."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.errors import BadInput
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.strategies import strategy
from harness.storage.checkpoint import Checkpoints, Superseded
from harness.storage.checks import short
from harness.storage.folder import checkpoint_folder
from harness.study.schema import Study
from harness.study.validation import validated
from harness.training import run_job
from harness.training.epochs import returned
from harness.training.place import Place
from harness.training.train import Diverged
from harness.vocabulary.rows import Outcome, Trouble
from spaces import registry as spaces

KEY = "0123456789abcdef"
RAISED: list[BaseException] = []
VALUES: list[float] = []


def task(settings: dict[str, Any], epoch: int) -> dict[str, float]:
    if epoch == 2 and RAISED:
        raise RAISED[0]
    return {"value": VALUES[epoch - 1]}


def settings() -> dict[str, Any]:
    study = validated(Study, {
        "name": "tried", "space": "shortcut-vgg11", "task": f"{__name__}:task", "data": {"name": "digits"},
        "recipe": {"epochs": 3}, "method": [{"name": "baseline"}],
    }, "tried")  # fmt: skip
    plan = make(merged(study), spaces.load(study.space, study.space_options).rules, strategy)
    return {**next(iter(plan.jobs.values())).settings, "architecture": "vgg11"}


def ended(folder: Path, *raised: BaseException, values: tuple[float, ...] = (1.0, 2.0, 3.0), **more: Any) -> Outcome:
    RAISED[:], VALUES[:] = raised, values
    found = returned(run_job.run(KEY, {**settings(), **more}, Place(str(folder), "cpu", 1, 0, None)))
    json.dumps(found, allow_nan=False)
    return found


def test_a_trial_that_works_has_its_numbers(tmp_path: Path) -> None:
    found = ended(tmp_path)
    assert (found["status"], found["error"], found["test_accuracy"], found["epochs"]) == ("done", None, 3.0, 3)
    assert found["peak_memory_bytes"] > 0


@pytest.mark.parametrize("value", [500.0, -1, "5", True, None])
def test_what_is_no_percentage_is_a_failure_and_no_row_that_locks_the_folder(tmp_path: Path, value: Any) -> None:
    found = ended(tmp_path, values=(1.0, 2.0, value))
    assert (found["status"], found["test_accuracy"]) == ("failed", None)
    assert f"gives {short(value)} as value, which is no percentage" in str(found["error"])


def test_code_that_ends_the_process_is_a_failure(tmp_path: Path) -> None:
    assert ended(tmp_path, SystemExit(0))["error"] == "SystemExit: 0"


@pytest.mark.parametrize(
    ("place", "bound", "part"),
    [({"gpus": 0.28, "pack": 2, "pack_gpus": 0.78}, 0.78, 0.28 / 0.78), ({"gpus": 0.25, "pack": 4}, 1.0, 0.25),
     ({"gpus": 0.5}, 0.5, 1.0), ({"gpus": 0.0, "pack": 2, "pack_gpus": 0.0}, 0.0, 0.5)],
)  # fmt: skip
def test_a_trial_of_a_pack_bounds_the_whole_process_and_is_measured_by_its_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: dict[str, Any], bound: float, part: float
) -> None:
    asked: list[float] = []
    monkeypatch.setattr(run_job.memory, "start", lambda _, share: asked.append(share))
    monkeypatch.setattr(run_job.memory, "part", lambda _: 0.6)
    VALUES[:], RAISED[:] = (1.0, 2.0, 3.0), []
    said = list(run_job.run(KEY, settings(), Place(str(tmp_path), "cpu", 1, data_root=None, **place)))
    assert asked == [pytest.approx(bound)]
    assert [one.memory for one in said] == [pytest.approx(0.6 * part)] * 3


def test_a_number_that_is_none_never_reaches_a_row(tmp_path: Path) -> None:
    """Whether the trial ends by itself or is ended."""
    found = ended(tmp_path, Diverged("the training loss became nan"), values=(float("nan"), 2.0, 3.0))
    assert (found["status"], found["curve"][0]["val_accuracy"]) == ("diverged", None)
    Checkpoints(checkpoint_folder(tmp_path, KEY)).remove()
    found = ended(tmp_path, values=(1.0, 2.0, float("inf")))
    assert (found["status"], found["error"]) == ("diverged", "test_accuracy became inf")
    Checkpoints(checkpoint_folder(tmp_path, KEY)).remove()
    found = ended(tmp_path, values=(float("-inf"), 2.0, 3.0), thresholds={"1": 0.0})  # it would be pruned
    assert (found["status"], found["epochs"], found["error"]) == ("diverged", 1, "test_accuracy became -inf")


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (Diverged("the training loss became nan"), "diverged", "the training loss became nan"),
        (KeyError("edge"), "failed", "KeyError: 'edge'"),
        (AttributeError("a space with a mistake"), "failed", "AttributeError: a space with a mistake"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried\nmore"), Trouble.NO_MEMORY, "OutOfMemoryError: CUDA out"),
        (RuntimeError("CUDA error: out of memory"), Trouble.NO_MEMORY, "RuntimeError: CUDA error"),
        (OSError(errno.ENOSPC, "No space left on device"), Trouble.NO_SPACE, "No space left"),
        (OSError(errno.ESTALE, "Stale file handle"), Trouble.LOST, "Stale file handle"),
    ],
)  # fmt: skip
def test_a_trial_that_raises_says_why_and_has_no_number(
    raised: Exception, status: str, said: str, tmp_path: Path
) -> None:
    found = ended(tmp_path, raised)
    assert found["status"] == status
    assert said in found["error"]
    assert "\n" not in found["error"]
    assert found["epochs"] == 1
    assert [found[name] for name in ("train_loss", "val_accuracy", "test_accuracy", "test_loss")] == [None] * 4


def test_a_number_that_is_none_is_no_result(tmp_path: Path) -> None:
    found = ended(tmp_path, values=(1.0, 2.0, float("nan")))
    assert (found["status"], found["error"]) == ("diverged", "test_accuracy became nan")
    assert found["test_accuracy"] is None
    assert found["curve"][-1]["val_accuracy"] is None


def test_a_failed_trial_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    assert ended(tmp_path, KeyError("edge"))["epochs"] == 1
    assert ended(tmp_path, values=(float("nan"), 5.0, 6.0))["test_accuracy"] == 6.0  # epoch 1 was not done again


def test_a_trial_that_goes_on_elsewhere_says_where_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_job, "hardware", lambda _: "Abacus (avx2)")
    ended(tmp_path, KeyError("edge"))
    assert ended(tmp_path, KeyError("edge"))["warnings"] == [], "on the same kind"
    monkeypatch.setattr(run_job, "hardware", lambda _: "Slide rule (amx_bf16)")
    found = ended(tmp_path)
    assert found["hardware"] == "Slide rule (amx_bf16)"
    assert found["warnings"] == ["a part of its epochs ran on Abacus (avx2), the last ones on Slide rule (amx_bf16)"]


def test_who_was_superseded_has_no_outcome(tmp_path: Path) -> None:
    VALUES[:], RAISED[:] = (1.0, 2.0, 3.0), ()
    trial = run_job.run(KEY, settings(), Place(str(tmp_path), "cpu", 1, 0, None))
    next(trial)
    Checkpoints(checkpoint_folder(tmp_path, KEY)).claim()
    with pytest.raises(Superseded):
        next(trial)


def test_results_that_are_not_there_are_the_machines_trouble(tmp_path: Path) -> None:
    found = ended(tmp_path / "unmounted")
    assert found["status"] == Trouble.LOST
    assert "is not there on" in found["error"]
    assert not (tmp_path / "unmounted").exists()


@pytest.mark.parametrize(("number", "status"), [
    (errno.EIO, Trouble.LOST), (errno.ENOENT, Trouble.LOST), (errno.ENOSPC, Trouble.NO_SPACE),
])  # fmt: skip
def test_a_disk_that_fails_while_data_are_read_is_no_fault_of_the_trial(
    number: int, status: str, tmp_path: Path
) -> None:
    try:
        try:
            raise OSError(number, "the disk")
        except OSError as error:
            raise BadInput(f"the data cannot be read: {error}") from None
    except BadInput as said:
        found = ended(tmp_path, said)
    assert found["status"] == status
    assert "the data cannot be read" in str(found["error"])
    assert ended(tmp_path, BadInput("no such field"))["status"] == "failed"
