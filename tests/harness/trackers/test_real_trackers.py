"""MLflow with a real server on this machine, W&B in its offline mode: live, from rows alone, and with a dead server."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli import main
from harness.errors import Stopped
from harness.run.driver import Assignment
from harness.trackers.feed import Trackers, catch_up
from harness.trackers.targets import Target
from tests.driven import JOBS, STUDY, ran
from tests.tracked import Server, in_mlflow, in_tensorboard, in_wandb, nobody, of_rows

LONG = 500.0  # seconds, more than any machine needs
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("server"))
    try:
        found.start()
        yield found
    finally:
        found.kill()


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")


def named(name: str) -> str:
    """The study under a name of its own: each is an experiment on the server."""
    return STUDY.replace('"driven"', f'"{name}"')


def run(place: Path, name: str, *targets: Target) -> Path:
    """Its results folder, from a run with these trackers, which get all the time they need."""
    place.mkdir(exist_ok=True)
    study = place / "study.toml"
    study.write_text(named(name))
    from harness.run import in_process
    from harness.run.admission import Shares
    from harness.run.prepare import prepare
    from harness.run.session import Session
    from harness.run.session import run as run_prepared
    from harness.study.load import load_with_recipe

    prepared = prepare(load_with_recipe(str(study), []), place, None, False, "cpu")
    session = Session(in_process.run, Shares({}, {}), "cpu", None, "", trackers=Trackers(targets, LONG))
    assert run_prepared(prepared, session) == 0
    return place / name


def test_two_folders_of_one_study_keep_their_runs(server: Server, tmp_path: Path) -> None:
    mlflow = Target("mlflow", server.uri)
    first, second = (run(tmp_path / place, "twice", mlflow) for place in ("a", "b"))
    assert [catch_up(mlflow, folder)["there"] for folder in (first, second)] == [JOBS, JOBS]
    from mlflow import MlflowClient

    client = MlflowClient(server.uri)
    found = client.search_runs([client.get_experiment_by_name("twice").experiment_id])
    places = [tags["row"].rpartition("#")[0] for one in found if "row" in (tags := one.data.tags)]
    assert sorted(places) == [str(first.resolve())] * JOBS + [str(second.resolve())] * JOBS


def rows_alone(folder: Path, place: Path) -> Path:
    copy = place / folder.name
    copy.mkdir(parents=True)
    for name in ("study.json", "trials.jsonl"):
        shutil.copy(folder / name, copy)
    return copy


def test_all_three_show_the_rows_live_and_from_rows_alone(server: Server, tmp_path: Path) -> None:
    mlflow, wandb, tensorboard = Target("mlflow", server.uri), Target("wandb"), Target("tensorboard")
    folder = run(tmp_path, "together", mlflow, wandb, tensorboard)
    for shown in (in_mlflow(server.uri, "together"), in_wandb(folder), in_tensorboard(folder)):
        assert len(shown) == JOBS
        assert shown == of_rows(folder)
    assert not [path for path in folder.rglob("*") if path.is_symlink()]
    for target in (mlflow, wandb, tensorboard):
        assert catch_up(target, folder) == {"sent": 0, "there": JOBS, "refused": 0, "why": ""}
    copy = rows_alone(folder, tmp_path / "copy")
    assert [catch_up(target, copy)["sent"] for target in (mlflow, wandb, wandb)] == [0, JOBS, 0]
    assert in_wandb(copy) == of_rows(copy)
    assert in_mlflow(server.uri, "together") == of_rows(folder)


def test_a_row_that_was_replaced_is_shown_in_place_of_the_first(server: Server, tmp_path: Path) -> None:
    mlflow = Target("mlflow", server.uri)
    folder = run(tmp_path, "replaced")
    assert catch_up(mlflow, folder)["sent"] == JOBS
    *others, last = (folder / "trials.jsonl").read_text().splitlines(keepends=True)
    changed = {**json.loads(last), "test_accuracy": 12.5, "curve": json.loads(last)["curve"][:1]}
    (folder / "trials.jsonl").write_text("".join([*others, json.dumps(changed) + "\n"]))
    for sent in (1, 0):
        assert catch_up(mlflow, folder)["sent"] == sent
    shown = in_mlflow(server.uri, "replaced")
    assert shown == of_rows(folder)
    assert shown[changed["key"]].finals["final/test_accuracy"] == 12.5


def test_a_server_that_dies_is_said_once_and_caught_up_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server, assigned = Server(tmp_path), list[Assignment]()

    def verdict(assignment: Assignment) -> None:
        assigned.append(assignment)
        if len(assigned) == JOBS // 2:
            server.kill()

    target = Target("mlflow", server.uri.replace("http://", "http://user:pa55@"))
    try:
        server.start()
        assert ran(tmp_path, verdict, trackers=Trackers([target], LONG))[0] == 0
        said = [line for line in capsys.readouterr().err.splitlines() if "mlflow" in line]
        folder = tmp_path / "driven"
        assert said == [f"nas-harness: mlflow:{server.uri}: Connection refused; the run does not wait for it, and later"
                        f" this sends what it lacks: nas-harness track {folder} --to mlflow:{server.uri}"]  # fmt: skip
        with pytest.raises(Stopped, match=f"^mlflow:{server.uri}: Connection refused; the same command again"):
            catch_up(target, folder)
        server.start()
        found = catch_up(target, folder)
        assert found["sent"] + found["there"] == JOBS
        assert in_mlflow(server.uri, "driven") == of_rows(folder)
    finally:
        server.kill()


def test_a_server_that_comes_late_is_sent_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server, assigned = Server(tmp_path), list[Assignment]()

    def verdict(assignment: Assignment) -> None:
        assigned.append(assignment)
        if len(assigned) == JOBS:
            server.start()

    try:
        assert ran(tmp_path, verdict, trackers=Trackers([Target("mlflow", server.uri)], LONG))[0] == 0
        assert len([line for line in capsys.readouterr().err.splitlines() if "mlflow" in line]) <= 1
        assert in_mlflow(server.uri, "driven") == of_rows(tmp_path / "driven")
    finally:
        server.kill()


def test_the_command_sends_and_says_how_many(server: Server, tmp_path: Path,
                                             capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    folder = run(tmp_path, "commanded")
    capsys.readouterr()
    for sent in (JOBS, 0):
        with pytest.raises(SystemExit) as end:
            main(["track", str(folder), "--to", f"mlflow:{server.uri}"])
        said = capsys.readouterr()
        assert (end.value.code, said.err) == (0, "")
        assert said.out == f"mlflow:{server.uri}: {sent} trials sent, {JOBS - sent} were there\n"
    with pytest.raises(SystemExit) as end:
        main(["track", str(folder), "--to", f"mlflow:{nobody()}"])
    assert end.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1
