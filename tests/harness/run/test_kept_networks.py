"""Which trained networks stay: none, the best of each row of the table, or all; never chosen by the test set."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.commands.verify import problems
from harness.errors import BadInput
from harness.plan.jobs import Plan
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.strategies import strategy
from harness.run.kept_networks import Networks
from harness.run.prepare import protocol_of
from harness.storage import networks
from tests.driven import ran
from tests.kept import STUDY, rows, trained
from tests.studies import as_toml, tiny

Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("made"))


def lowest(folder: Path) -> set[str]:
    """By training loss, of each method."""
    return {min(rows(folder, method), key=lambda row: row["train_loss"])["key"] for method in ("drawn", "baseline")}


@pytest.mark.training
def test_the_best_network_of_each_row_stays_with_its_digest(made: Path, tmp_path: Path) -> None:
    assert {path.stem for path in (made / "weights").iterdir()} == lowest(made)
    for row in rows(made):
        assert re.fullmatch("[0-9a-f]{64}", row["weights"])
    (one, *_) = [row for row in rows(made) if row["key"] in lowest(made)]
    found = torch.load(made / "weights" / f"{one['key']}.pt", weights_only=True)
    assert (found["architecture"], found["size"], found["labels"][3]) == (one["architecture"], 32, "3")
    assert networks.read(made, one)["state_dict"].keys() == found["state_dict"].keys()
    assert problems(made) == []
    folder = Path(shutil.copytree(made, tmp_path / "driven"))
    networks.file(folder, one["key"]).write_bytes(b"other")
    (line,) = problems(folder)
    assert f"{one['key']}.pt is damaged: its digest is not its row's" in line
    networks.file(folder, one["key"]).unlink()
    assert problems(folder) == [], "a lost network is no fault of the rows"


@pytest.mark.training
def test_a_run_says_which_networks_it_did_not_keep_and_brings_those_of_others(made: Path, tmp_path: Path,
                                                                             capsys: Said) -> None:  # fmt: skip
    missing, _, assigned = ran(tmp_path, study=as_toml({**STUDY, "keep_weights": "all"}), reuse=(made,))
    assert (missing, assigned) == (0, [])
    assert {path.name for path in (tmp_path / "driven" / "weights").iterdir()} == {f"{key}.pt" for key in lowest(made)}
    assert "the networks of 2 finished trainings are not there" in capsys.readouterr().err
    ran(tmp_path / "none", study=as_toml({**STUDY, "keep_weights": "none"}), reuse=(made,))
    assert not (tmp_path / "none" / "driven" / "weights").exists()


@pytest.mark.training
def test_what_a_killed_trial_left_gives_way_to_the_files_of_a_row_taken_over(made: Path, tmp_path: Path) -> None:
    folder, key = tmp_path / "driven", min(lowest(made))
    for name in (f"weights/{key}.pt", f"predictions/{key}.npy"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(b"of a trial that was killed before its row")
    ran(tmp_path, study=as_toml({**STUDY, "keep_weights": "all"}), reuse=(made,))
    for name in (f"weights/{key}.pt", f"predictions/{key}.npy"):
        assert (folder / name).read_bytes() == (made / name).read_bytes()
    assert problems(folder) == []


def planned(setting: str, folder: Path) -> tuple[Plan, Networks, dict[str, Any]]:
    """With rows that end as worse as they come later, and a file each."""
    plan = make(merged(tiny()), ("A", "B"), strategy)
    final = [job for job in plan.jobs.values() if job.kind == "train"]
    found = {job.key: {"key": job.key, "kind": "train", "role": job.role, "status": "done", "train_loss": 1.0 + place,
                       "seed": job.seed, "train_seed": 0, "test_accuracy": 10.0 + place, "weights": "0" * 64}
             for place, job in enumerate(final)}  # fmt: skip
    (folder / "weights").mkdir()
    for key in found:
        networks.file(folder, key).write_bytes(b"")
    return plan, Networks(folder, plan, setting), found


def test_best_is_the_lowest_training_loss_whatever_the_test_set_says(tmp_path: Path) -> None:
    plan, kept, found = planned("best", tmp_path)
    first: dict[str, str] = {}
    for job in plan.jobs.values():
        if job.kind == "train":
            first.setdefault(job.method, job.key)
    (note,) = kept.notes(found)
    assert note.startswith(f'keep_weights = "best": {len(found) - len(first)} networks that are not the best')
    assert {path.stem for path in (tmp_path / "weights").iterdir()} == set(first.values())
    assert kept.notes(found) == []
    gone = next(iter(first.values()))
    networks.file(tmp_path, gone).unlink()
    assert kept.lost(found)[0] == gone


def test_all_and_none_remove_nothing(tmp_path: Path) -> None:
    for setting in ("all", "none"):
        (place := tmp_path / setting).mkdir()
        plan, kept, found = planned(setting, place)
        assert kept.notes(found) == []
        assert len(list((place / "weights").iterdir())) == len(found)
        assert {kept.keeps(job) for job in plan.jobs.values() if job.kind == "train"} == {setting == "all"}
        assert not any(kept.keeps(job) for job in plan.jobs.values() if job.kind == "search")


def test_the_setting_decides_no_result() -> None:
    """Neither a key nor the protocol."""
    plain, keeping = (merged(tiny(**more)) for more in ({}, {"keep_weights": "all"}))
    plans = [make(study, ("A", "B"), strategy) for study in (plain, keeping)]
    assert plans[0].jobs.keys() == plans[1].jobs.keys()
    assert protocol_of(plain, plans[0]) == protocol_of(keeping, plans[1])


def test_where_nothing_is_trained_there_is_nothing_to_keep() -> None:
    with pytest.raises(BadInput, match="keep_weights: this study trains no networks"):
        tiny(task="harness.training.formula:stand_in", keep_weights="all")
