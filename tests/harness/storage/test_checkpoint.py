"""Checkpoints are whole or not there, execute nothing, and a resumed training is the undisturbed one, bit for bit."""

import io
import os
import pickle
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.plan.jobs import Job, Plan
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.resolve import resolve
from harness.plan.strategies import strategy
from harness.storage import checkpoint
from harness.storage.checkpoint import Checkpoints, Superseded
from harness.storage.files import write_atomically
from harness.storage.folder import checkpoint_folder, weights_file
from harness.study.schema import Study
from harness.study.validation import validated
from harness.training import run_job
from harness.training.epochs import returned
from harness.training.place import Place
from harness.vocabulary.rows import Outcome, Trouble
from spaces import registry as spaces

STATE = {"weights": {"a": torch.arange(5.0), "b": torch.ones(2, 2)}, "step": 3, "text": "{}"}


def saved(folder: Path, epochs: int) -> Checkpoints:
    checkpoints = Checkpoints(folder / "job")
    checkpoints.claim()
    for epoch in range(1, epochs + 1):
        checkpoints.save(epoch, {**STATE, "step": epoch})
    return checkpoints


def test_the_newest_comes_back_and_old_ones_go(tmp_path: Path) -> None:
    found = saved(tmp_path, 5).load()
    assert found is not None
    assert found[0] == found[1]["step"] == 5
    assert torch.equal(found[1]["weights"]["a"], STATE["weights"]["a"])  # type: ignore[index]
    assert len(list((tmp_path / "job").glob("*.pt"))) == checkpoint.KEPT


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_damaged_newest_one_gives_way_to_the_one_before(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
):
    folder = tmp_path_factory.mktemp("damaged")
    checkpoints = saved(folder, 3)
    newest = folder / "job" / "000003.pt"
    content = newest.read_bytes()
    if data.draw(st.booleans()):
        newest.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    else:
        at = data.draw(st.integers(0, len(content) - 1))
        newest.write_bytes(content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :])
    found = checkpoints.load()
    assert found is not None
    assert found[1]["step"] == 2


def test_damaged_ones_do_not_crowd_out_those_of_a_trial_that_began_anew(tmp_path: Path) -> None:
    saved(tmp_path, 5)
    for path in (tmp_path / "job").glob("*.pt"):
        path.write_bytes(b"")
    assert Checkpoints(tmp_path / "job").load() is None
    anew = saved(tmp_path, 3)
    found = anew.load()
    assert found is not None
    assert found[0] == 3
    kept = sorted(path.name for path in (tmp_path / "job").glob("0*"))
    assert kept == ["000002.pt", "000003.pt", "000004.pt.unfit", "000005.pt.unfit"]


def test_sizes_can_be_asked_while_somebody_writes(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1)
    writing = threading.Thread(target=lambda: [checkpoints.save(epoch, STATE) for epoch in range(2, 300)])
    writing.start()
    while writing.is_alive():
        assert checkpoints.bytes() > 0
    writing.join()


def test_one_is_found_though_all_that_were_listed_are_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = saved(tmp_path, 2)
    later = [3, 4, 5, 6]
    list_folder = os.listdir

    def listed_late(folder: Path) -> list[str]:
        names = list_folder(folder)
        for epoch in (later.pop(0), later.pop(0)) if later and len(names) > 1 else ():
            write_atomically(folder / f"{epoch:06d}.pt", b"a newer one")
            (folder / f"{epoch - 2:06d}.pt").unlink()
        return names

    monkeypatch.setattr(os, "listdir", listed_late)
    assert checkpoints.bytes() == len(b"a newer one")
    assert not later


def test_nothing_whole_is_nothing(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 2)
    for path in (tmp_path / "job").glob("*.pt"):
        path.write_bytes(b"")
    assert checkpoints.load() is None
    assert Checkpoints(tmp_path / "other").load() is None


class Attack:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("executed",)


def test_what_is_loaded_executes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoints = Checkpoints(tmp_path / "job")
    checkpoints.claim()
    checkpoints.save(1, {"weights": Attack()})
    with pytest.raises(pickle.UnpicklingError):
        torch.load(io.BytesIO((tmp_path / "job" / "000001.pt").read_bytes()[32:]), weights_only=True)
    assert checkpoints.load() is None
    assert not (tmp_path / "executed").exists()


def test_who_lost_the_job_cannot_save(tmp_path: Path) -> None:
    before, after = saved(tmp_path, 1), Checkpoints(tmp_path / "job")
    after.claim()
    with pytest.raises(Superseded):
        before.save(2, STATE)
    after.save(2, STATE)
    assert after.load()[0] == 2  # type: ignore[index]


def test_large_ones_take_no_more_than_their_part_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "SMALL", 0)
    monkeypatch.setattr(checkpoint, "PART", 1e-9)
    checkpoints = saved(tmp_path, 3)
    assert checkpoints.load()[0] == 1  # type: ignore[index]
    Checkpoints(tmp_path / "job").claim()
    with pytest.raises(Superseded):  # also where nothing is written
        checkpoints.save(4, STATE)
    monkeypatch.setattr(checkpoint, "PART", 1e9)
    assert saved(tmp_path, 3).load()[0] == 3  # type: ignore[index]


def test_a_failed_write_leaves_the_old_content_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("file", b"old")]


def test_what_killed_writers_left_is_swept(tmp_path: Path) -> None:
    kept, ended = tmp_path / "checkpoints" / "kept", tmp_path / "checkpoints" / "ended"
    for folder in (kept, ended):
        folder.mkdir(parents=True)
        (folder / "000001.pt").touch()
        (folder / ".000002.pt.99.tmp").touch()
    (tmp_path / ".study.json.99.tmp").touch()
    checkpoint.sweep(tmp_path, {"ended"})
    left = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert left == ["checkpoints/kept/000001.pt"]


def plan() -> tuple[Plan, Any]:
    """A tiny study of real images: a search of each gate's kind, and what is trained after it."""
    study = validated(Study, {
        "name": "tiny", "space": "shortcut-vgg11", "space_options": {"width": 0.0625},
        "data": {"name": "digits", "train_images": 96, "test_images": 32, "image_size": 32},
        "seeds": {"search": 1}, "search": {"epochs": 3, "order": 2, "recipe": {"precision": "fp32"}},
        "recipe": {"epochs": 3, "batch_size": 32, "lr": 0.05, "weight_decay": 1e-3, "precision": "fp32", "cutout": 4,
                   "augment": "crop-flip", "scheduler": {"kind": "cosine"}},
        "method": [{"name": "darts", "rule": "B"}],
    }, "tiny")  # fmt: skip
    space = spaces.load(study.space, study.space_options)
    return make(merged(study), space.rules, strategy), space


def outcome(job: Job, resolved: dict[str, Any], folder: Path, interruptions: int) -> Outcome:
    """Of the job, whose process is lost after every epoch so often."""
    place = Place(str(folder), "cpu", 1, 0, None)
    for _ in range(interruptions):
        next(run_job.run(job.key, resolved, place)).epoch  # noqa: B018
    return returned(run_job.run(job.key, resolved, place))


def ran(folder: Path, interruptions: int) -> Iterator[Outcome]:
    folder.mkdir()
    planned, space = plan()
    rows: dict[str, Outcome] = {}
    for job in planned.jobs.values():
        found = outcome(job, resolve(job, rows, space), folder, interruptions)
        rows[job.key] = {**asdict(job), **found}
        times = ("seconds", "device_seconds", "started", "finished", "peak_memory_bytes")
        curve = [{k: v for k, v in point.items() if k != "seconds"} for point in found["curve"]]
        yield {**{k: v for k, v in found.items() if k not in times}, "curve": curve}


@pytest.mark.training
def test_a_search_and_a_training_resumed_after_every_epoch_are_the_undisturbed_ones(tmp_path: Path) -> None:
    undisturbed = list(ran(tmp_path / "undisturbed", 0))
    assert [found["status"] for found in undisturbed] == ["done", "done"]
    assert undisturbed[0]["snapshots"]["3"]
    assert undisturbed[1]["test_accuracy"] is not None
    assert list(ran(tmp_path / "interrupted", 2)) == undisturbed


@pytest.mark.training
def test_who_lost_the_job_leaves_no_weights(tmp_path: Path) -> None:
    planned, space = plan()
    job = next(iter(planned.jobs.values()))
    trial = run_job.run(job.key, resolve(job, {}, space), Place(str(tmp_path), "cpu", 1, 0, None, keep_weights=True))
    while next(trial).epoch < 3:
        pass
    Checkpoints(checkpoint_folder(tmp_path, job.key)).claim()
    with pytest.raises(Superseded):
        next(trial)
    assert not weights_file(tmp_path, job.key).exists()


@pytest.mark.training
def test_weights_that_find_no_room_stop_the_study_and_fail_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, space = plan()
    job = next(iter(planned.jobs.values()))
    trial = run_job.run(job.key, resolve(job, {}, space), Place(str(tmp_path), "cpu", 1, 0, None, keep_weights=True))
    while next(trial).epoch < 3:
        pass

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StopIteration) as end:
        next(trial)
    assert end.value.value["status"] == Trouble.NO_SPACE
    monkeypatch.undo()
    assert not list(weights_file(tmp_path, job.key).parent.iterdir())


def test_checkpoints_lie_below_the_results(tmp_path: Path) -> None:
    planned, _ = plan()
    assert all(checkpoint_folder(tmp_path, key).parent == tmp_path / "checkpoints" for key in planned.jobs)
    assert all(key.isalnum() for key in planned.jobs)
