"""What `--track` and `--to` name: what is wrong is said in one line, before anything starts, and no password is."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.cli import main
from harness.commands.context import portable
from harness.errors import BadInput
from harness.trackers import targets as module
from harness.trackers.targets import Target, targets


def test_each_is_taken_once() -> None:
    found = targets("--track", ["tensorboard", "mlflow:http://lab:5000", "wandb", "tensorboard"])
    assert [target.shown for target in found] == ["tensorboard", "mlflow:http://lab:5000", "wandb"]


WRONG = [
    ("foo", "foo is no tracker; write mlflow:URI, wandb or tensorboard"),
    ("http://user:pa55@lab", "http… is no tracker"),
    ("mlflow", "mlflow lacks its server; write"),
    ("mlflow:", "mlflow lacks its server; write"),
    ("mlflow:ftp://user:pa55@lab", "mlflow: an address begins with http:// or https://"),
    ("mlflow:user:pa55@lab:5000", "mlflow: an address begins with http:// or https://"),
    ("mlflow:http://", "mlflow: the address names no host"),
    ("mlflow:http://user:pa55@", "mlflow: the address names no host"),
    ("mlflow:http://user:pa55@lab:port", "mlflow: the address is not valid"),
    ("mlflow:http://user:pa55@lab:99999", "mlflow: the address is not valid"),
    ("mlflow:http://[user:pa55@lab", "mlflow: the address is not valid"),
    ("wandb:pa55", "wandb takes no address; write"),
    ("tensorboard:somewhere", "tensorboard takes no address; write"),
]


@pytest.mark.parametrize(("text", "says"), WRONG)
@pytest.mark.parametrize("command", ["run", "tune", "track"])
def test_a_wrong_one_is_refused_in_one_line(command: str, text: str, says: str, tmp_path: Path,
                                            capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    option = "--to" if command == "track" else "--track"
    more = ["--results", str(tmp_path / "out"), "--executor", "in-process"] * (command != "track")
    with pytest.raises(SystemExit) as end:
        main([command, "demo", option, "tensorboard", option, text, *more])
    said = capsys.readouterr().err
    assert (end.value.code, said.count("\n")) == (2, 1)
    assert f"nas-harness: {option} {says}" in said
    assert "pa55" not in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["mlflow:http://lab", "wandb", "tensorboard"])
def test_a_missing_package_is_named(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = text.partition(":")[0]
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == kind else find_spec(name))
    with pytest.raises(BadInput) as refused:
        targets("--track", [text])
    assert str(refused.value) == f"--track {kind} needs the package {kind}: pip install 'nas-harness[{kind}]'"


def test_a_folder_of_the_packages_name_is_not_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wandb").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    with pytest.raises(BadInput, match="needs the package wandb"):
        targets("--track", ["wandb"])


SECRET = Target("mlflow", "https://user:pa%2055@lab:5000/a?token=t0k3n")


def test_nothing_that_is_shown_holds_a_password() -> None:
    assert SECRET.login == ("user", "pa 55")
    assert SECRET.shown == "mlflow:https://lab:5000/a"
    assert "pa" not in repr(SECRET)
    said = SECRET.reason(ValueError(f"cannot read {SECRET.uri} with 'pa 55'\nand t0k3n"))
    assert said == "cannot read … with '…'"
    assert "t0k3n" not in SECRET.reason(ValueError("GET /a?token=t0k3n"))


def test_a_reason_is_the_innermost() -> None:
    error = ValueError("HTTPConnectionPool(host=…")
    error.__cause__ = RuntimeError("Max retries exceeded")
    error.__cause__.__context__ = ConnectionRefusedError(111, "Connection refused")
    assert SECRET.reason(error) == "Connection refused"
    error.__cause__.__context__ = TimeoutError()
    assert SECRET.reason(error) == SECRET.reason(TimeoutError()) == "no answer in time"


@pytest.mark.parametrize("option", ["--track", "--trac", "--tr"])
def test_the_command_that_is_stored_names_no_tracker(option: str) -> None:
    line = ["run", "demo", option, SECRET.uri, f"{option}=mlflow:{SECRET.uri}", "--cpus", "2"]
    assert portable(line) == "nas-harness run demo --cpus 2"
    assert "--trust" in portable(["verify", "--trust"])


@pytest.mark.parametrize(
    ("words", "full"),
    [
        (("--trac", "mlflow:SECRET"), "--track"),
        (("--tr=mlflow:SECRET",), "--track"),
        (("--data-r", "SECRET"), "--data-root"),
        (("--res=SECRET",), "--results"),
        (("--reu", "SECRET"), "--reuse"),
    ],
)
def test_an_option_is_written_in_full_so_that_the_stored_command_names_nothing_private(
    words: tuple[str, ...], full: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["run", "demo", *words])
    assert end.value.code == 2
    said = f"{words[0].partition('=')[0]}: write the option in full, as in {full}; see nas-harness run --help"
    assert capsys.readouterr().err == f"nas-harness: {said}\n"


def test_what_begins_as_an_option_may_be_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--results", "nowhere", "--", "--res"])
    assert "study '--res' is neither" in capsys.readouterr().err


def test_a_password_comes_into_no_file(tmp_path: Path) -> None:
    from harness.trackers.feed import Trackers
    from tests.driven import ran
    from tests.tracked import nobody

    uri = nobody().replace("http://", "http://user:pa55@")
    ran(tmp_path, trackers=Trackers([Target("mlflow", uri)], patience=0), command=portable(["run", "--track", uri]))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert json.loads((tmp_path / "driven" / "study.json").read_text())["command"] == "nas-harness run"
    assert not [path for path in files if b"pa55" in path.read_bytes()]
