"""Every path that a command takes or makes: where it cannot be read or written, one line names it."""

import json
import sys
from pathlib import Path

import pytest
from odd import answers
from odd.odd_inputs import STUDY, Case

pytestmark = pytest.mark.long

SHUT = "/sys/no"  # not even root may write there
PATHS = {
    "--results": ["run", "study.toml", "--executor", "in-process", "--results"],
    "--recipe": ["run", "study.toml", "--executor", "in-process", "--recipe"],
    "--reuse": ["run", "study.toml", "--executor", "in-process", "--reuse"],
    "--export": ["tune", "study.toml", "--executor", "in-process", "--export"],
    "--export-sqlite": ["tune", "study.toml", "--executor", "in-process", "--export-sqlite"],
    "--out": ["report", "results/driven", "--out"],
    "--published": ["report", "results/driven", "--published"],
    "--svg": ["decode", "vgg11 1-3", "--space", "shortcut-vgg11", "--svg"],
    "a report's folder": ["report"],
    "a folder to verify": ["verify"],
    "a folder's status": ["status"],
    "a study": ["plan"],
}
MADE = ("--results", "--export", "--export-sqlite", "--out", "--svg")  # which a command writes


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = answers.base(tmp_path_factory.mktemp("base"))
    (made / "study.toml").write_text(STUDY)
    (made / "a folder").mkdir()
    (made / "a file").write_bytes(b"\xff\xfe\0")
    return made


def refused(place: Path, *words: str) -> str:
    status, out, err = answers.answer(Case(list(words)), place)
    assert status == 2, (out, err)
    assert not answers.fault(status, out, err), err
    return err


@pytest.mark.parametrize("given", PATHS)
def test_what_is_no_place_is_named(given: str, place: Path) -> None:
    file, folder = place / "a file", place / "a folder"
    bad = {
        "--out": [file, file / "inside"],
        "--results": [file, file / "inside"],
        "--export": [folder, folder / "no" / "out"],
        "--export-sqlite": [folder, folder / "no" / "out"],
        "--svg": [folder, folder / "no" / "out"],
    }.get(given, [file, folder, place / "no", file / "inside"])
    for path in bad:
        assert path.name in refused(place, *PATHS[given], str(path))
    assert file.read_bytes() == b"\xff\xfe\0"
    assert not list(folder.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere root may write everywhere")
@pytest.mark.parametrize("given", MADE)
def test_what_may_not_be_written_is_named(given: str, place: Path) -> None:
    assert SHUT in refused(place, *PATHS[given], SHUT)


@pytest.mark.parametrize("content", ["[]", "5", "{}", "null", '"x"', '{"name": "driven"}', "[" * 100_000, "\0", "{"])
@pytest.mark.parametrize("command", ["status", "report", "verify"])
def test_a_study_that_is_none_is_said(command: str, content: str, tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text(content)
    assert "study.json" in refused(tmp_path, command, ".")


@pytest.mark.parametrize("name", ["name", "space", "space_options", "plan"])
def test_a_study_that_lacks_a_field_is_said(name: str, place: Path, tmp_path: Path) -> None:
    study = json.loads((place / "results" / "driven" / "study.json").read_text())
    del study[name]
    (tmp_path / "study.json").write_text(json.dumps(study))
    assert f"{name} is missing" in refused(tmp_path, "status", ".")


@pytest.mark.parametrize("changes", [("method=[1]", "method.a.b=1"), ("method=1",), ("method.a.b=1", "method=[]")])
def test_changes_that_do_not_fit_together_are_refused(changes: tuple[str, ...], place: Path) -> None:
    refused(place, "plan", "study.toml", *(word for change in changes for word in ("--set", change)))
