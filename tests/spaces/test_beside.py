"""A module beside the user's own study file is found, by the installed command too; nothing else there is executed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.storage.rows import latest_rows
from spaces import registry
from spaces.plugins import beside, untrusted
from tests.studies import TINY, as_toml

OWN = """
from dataclasses import dataclass
from own_helper import REACH
from spaces.shortcuts.space import ShortcutSpace

@dataclass(frozen=True)
class Far(ShortcutSpace):
    vgg: str = "vgg11"

    @property
    def pairs(self):
        return [(i, k) for i, k in super().pairs if k - i >= REACH]

def formula(settings, epoch):
    return {"value": 50.0 + epoch}
"""
DECOY = "import os, pathlib\npathlib.Path(os.environ['MARK']).write_text(__name__)\n"
STUDY = {**TINY, "space": "own_space:Far", "task": "own_space:formula", "seeds": {"search": 1},
         "method": [{"name": "darts-A", "rule": "A"}]}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A user's folder: a study, its module and what that imports, and files named like modules that others ask for."""
    place = tmp_path / "mine"
    place.mkdir()
    (place / "own_space.py").write_text(OWN)
    (place / "own_helper.py").write_text("REACH = 4\n")
    for name in ("json", "torch", "cupy", "sitecustomize", "unasked"):
        (place / f"{name}.py").write_text(DECOY)
    (place / "study.toml").write_text(as_toml(STUDY))
    yield place
    for name in ("own_space", "own_helper"):
        sys.modules.pop(name, None)


def test_a_module_and_what_it_imports_are_found_beside_the_study_alone(folder: Path) -> None:
    before = list(sys.path)
    with pytest.raises(ValueError, match="No module named 'own_space'"):
        registry.load("own_space:Far")
    with beside(folder):
        assert find_spec("unasked") is None
        assert all(k - i >= 4 for i, k in registry.load("own_space:Far").pairs)  # type: ignore[attr-defined]
        with untrusted(), pytest.raises(ValueError, match="code from outside"):
            registry.load("own_space:Far")
    assert sys.path == before


def test_a_module_that_is_named_like_an_installed_one_is_named(folder: Path) -> None:
    (folder / "analysis.py").write_text(OWN)
    with beside(folder), pytest.raises(ValueError, match=r"analysis\.py beside the study has the name of an installed"):
        registry.load("analysis:Far")


def test_what_a_module_of_another_study_brought_along_is_not_taken_for_this_one_s(folder: Path) -> None:
    other = folder.parent / "other"
    other.mkdir()
    (other / "their_space.py").write_text(OWN)
    (other / "own_helper.py").write_text("REACH = 2\n")
    with beside(folder):
        registry.load("own_space:Far")
    for name in ("their_space:Far", "own_space:Far"):
        with beside(other), pytest.raises(ValueError, match=rf"has imported own_\w+ of {folder} already"):
            registry.load(name)
    with beside(folder):
        registry.load("own_space:Far")


def command(folder: Path, *arguments: object, code: int = 0) -> str:
    """As the installed command runs, which does not look into the current folder; says whether a decoy ran."""
    mark = folder.parent / "mark"
    done = subprocess.run([sys.executable, "-P", "-m", "harness", *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, "MARK": str(mark)}, cwd=folder, timeout=300)  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    assert not mark.exists(), mark.read_text()
    return done.stdout + done.stderr


@pytest.mark.ray
def test_run_finds_it_in_every_process(folder: Path) -> None:
    results = folder.parent / "results"
    command(folder.parent, "run", folder / "study.toml", "--results", results, "--cpus", 1)
    assert {row["status"] for row in latest_rows(results / "tiny").values()} == {"done"}
    assert "code from outside" in command(folder, "verify", results / "tiny", code=2)


@pytest.mark.long
def test_check_finds_it_in_the_current_folder(folder: Path) -> None:
    assert "module 'own_space' has no attribute 'Fra'" in command(folder, "check", "own_space:Fra", code=2)
