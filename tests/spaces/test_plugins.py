"""Nothing of somebody else's results folder is executed, and nothing is called that is not what it must be."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.data import datasets
from harness.errors import BadInput
from spaces import custom_rules, registry
from spaces.plugins import imported, space_fault, untrusted
from spaces.shortcuts.space import ShortcutSpace
from tests.commands import ended

KEPT = Path(__file__).parents[1] / "data" / "schema-1"
MODULE = """
import functools, os, shutil, subprocess
from pathlib import Path
Path(os.environ["MARK"]).write_text("imported")

class Half:
    def __init__(self, **options):
        Path(os.environ["MARK"]).write_text("called")
    def build(self, architecture, classes, channels): ...

def remove(path, ignore_errors=False):
    Path(os.environ["MARK"]).write_text("called")

def one(anything):
    Path(os.environ["MARK"]).write_text("called")

class Everything:
    def __init__(self, **options):
        Path(os.environ["MARK"]).write_text("called")
    def __getattr__(self, name): ...

class Answering(type):
    def __getattr__(cls, name):
        return print

class Answered(metaclass=Answering):
    def __init__(self, **options):
        Path(os.environ["MARK"]).write_text("called")

def annotated(**options) -> Half:
    Path(os.environ["MARK"]).write_text("called")

borrowed = subprocess.run
prepared = functools.partial(shutil.rmtree)
"""


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that code of the module `stranger` writes when it runs."""
    (tmp_path / "stranger.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("MARK", str(tmp_path / "mark"))
    yield tmp_path / "mark"
    sys.modules.pop("stranger", None)


def said(mark: Path) -> str:
    return mark.read_text() if mark.exists() else ""


def folder(place: Path, **changes: Any) -> Path:
    shutil.copytree(KEPT, place / "theirs")
    study = json.loads((KEPT / "study.json").read_text())
    (place / "theirs" / "study.json").write_text(json.dumps({**study, **changes}))
    return place / "theirs"


@pytest.mark.long
@pytest.mark.parametrize("space", ["stranger:Half", "subprocess:Popen", "os:system", "builtins:exec"])
@pytest.mark.parametrize("command", ["verify", "report", "status"])
def test_a_folder_that_names_code_from_outside_runs_none(
    command: str, space: str, mark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    victim = tmp_path / "victim"
    theirs = folder(tmp_path, space=space, space_options={"args": ["touch", str(victim)]})
    status = ended(command, str(theirs))
    err = capsys.readouterr().err
    assert (said(mark), victim.exists()) == ("", False)
    assert (status == 2) == (command == "verify"), err
    if command == "verify":
        assert err.count("\n") == 1
        assert ("--trust" if space.startswith("stranger") else "Python's standard library") in err


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("space", "subprocess:Popen"),
        ("space", "stranger:Half"),
        ("space", "stranger:one"),
        ("space", "stranger:Everything"),
        ("space", "stranger:Answered"),
        ("space", "stranger:annotated"),
        ("data", {"name": "shutil:rmtree"}),
        ("data", {"name": "stranger:remove"}),
        ("data", {"name": "stranger:borrowed"}),
        ("data", {"name": "stranger:prepared"}),
        ("search", {"strategy": "os:remove"}),
        ("search", {"strategy": "stranger:Half"}),
        ("rule", "os:rename"),
        ("rule", "stranger:one"),
    ],
)
def test_what_a_study_names_is_called_only_where_it_is_what_it_must_be(
    field: str, value: Any, mark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep = tmp_path / "data" / "mine.txt"
    keep.parent.mkdir()
    keep.write_text("mine")
    method = {"name": "one", **({"rule": value} if field == "rule" else {})}
    values = {"name": "s", "space": "shortcut-vgg11", "data": {"name": "digits", "image_size": 32}, "method": [method]}
    if field != "rule":
        values[field] = value
    path = tmp_path / "s.toml"
    path.write_text("\n".join(f"{name} = {_toml(value)}" for name, value in values.items()))
    assert ended("plan", str(path), "--data-root", str(keep.parent), "--results", str(tmp_path)) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert keep.read_text() == "mine"
    assert said(mark) in ("", "imported")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + " }"
    return "[" + ", ".join(map(_toml, value)) + "]" if isinstance(value, list) else json.dumps(value)


def test_trust_loads_what_the_folder_names(mark: Path, tmp_path: Path) -> None:
    theirs = folder(tmp_path, space="stranger:Half")
    assert ended("verify", str(theirs), "--trust") == 2
    assert said(mark) == "imported", "and is not called, for it is no space"


def test_trust_looks_into_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There a study's own module lies when its user verifies what it gave."""
    (tmp_path / "beside_us.py").write_text("from spaces.shortcuts.space import ShortcutSpace as Mine")
    theirs = folder(tmp_path, space="beside_us:Mine")
    monkeypatch.chdir(tmp_path)
    assert ended("verify", str(theirs)) == 2
    assert "--trust loads it" in capsys.readouterr().err
    assert ended("verify", str(theirs), "--trust") == 1
    assert "study.json, plan: " in capsys.readouterr().out, "its keys are those of our own space"


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_results_folder_is_no_study_file(command: str, mark: Path, tmp_path: Path) -> None:
    theirs = folder(tmp_path, space="stranger:Half")
    for given in (theirs, theirs / "study.json"):
        assert ended(command, str(given), "--results", str(tmp_path)) == 2
    assert said(mark) == ""


def test_without_trust_our_own_names_work(tmp_path: Path) -> None:
    with untrusted():
        assert registry.load("shortcut-vgg11").rules == ("A", "B")
        assert custom_rules.drawn_by(ShortcutSpace("vgg11"), "A") == "A"
        assert datasets.load({"name": "digits"}, None).classes == 10
        with pytest.raises(BadInput, match="--trust"):
            datasets.loader("stranger:data")


def test_a_module_that_fails_on_import_is_said_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fails.py").write_text("raise SyntaxWarning('two\\nlines')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match="cannot be imported: SyntaxWarning: two"):
        registry.load("fails:Space")
    assert os.environ


@pytest.mark.parametrize("path", ["mine:", ":Space", ":", "mine.py:Space", "my-space:Space", "mine:Space()", "a..b:C"])
def test_what_is_no_name_of_python_is_said_to_be_none(path: str) -> None:
    with pytest.raises(ValueError, match=r"is not written as package\.module:Name, as in my_method:"):
        imported(path, "", space_fault)
