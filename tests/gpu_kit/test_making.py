"""What goes into a kit: wheels that need nothing that is missing, and a commit that rows can name."""

import re
import subprocess
import tarfile
import tomllib
from importlib.metadata import requires
from io import BytesIO
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from benchmarks import measure
from gpu_kit import make, run, wheels
from gpu_kit.unpack import Unusable
from harness.storage import provenance
from harness.storage.archived import COMMIT

ROOT = Path(__file__).parents[2]
THERE = {"torch", *run.NOT_NEEDED}  # or not needed


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def needs(names: set[str]) -> set[str]:
    """All that they need on Linux, and they themselves."""
    found, new = set(), {normal(name) for name in names} - THERE
    while new:
        found |= new
        wanted = [Requirement(text) for name in new for text in requires(name) or []]
        on_linux = {"sys_platform": "linux", "platform_system": "Linux", "extra": ""}
        new = (
            {normal(one.name) for one in wanted if one.marker is None or one.marker.evaluate(on_linux)} - found - THERE
        )
    return found


def test_a_bare_kit_brings_whatever_is_needed_beside_torch() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert needs({Requirement(text).name for text in project["dependencies"]}) == {*wheels.SMALL, *wheels.LARGE}


def test_a_small_kit_brings_what_its_own_wheels_need() -> None:
    assert needs(set(wheels.SMALL)) - set(wheels.SMALL) == {"numpy"}


def test_wheels_have_the_versions_that_the_tests_run_with() -> None:
    found = wheels.pinned((*wheels.SMALL, *wheels.LARGE), ROOT / "constraints.txt")
    assert set(found) <= set((ROOT / "constraints.txt").read_text().splitlines())
    assert "pydantic_core==" in " ".join(found)
    with pytest.raises(Unusable, match="names no version of no-such-package"):
        wheels.pinned(("rich", "no-such-package"), ROOT / "constraints.txt")


def test_an_archive_names_its_commit_and_a_checkout_asks_git() -> None:
    git = ["git", "-C", str(ROOT)]
    archive = subprocess.run([*git, "archive", "HEAD", "harness/storage/archived.py"], capture_output=True, check=True)
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as tar:
        member = tar.extractfile("harness/storage/archived.py")
        assert member
        written: dict[str, str] = {}
        exec(member.read(), written)
    assert provenance.archived(written["COMMIT"]) == make.commit()
    assert provenance.archived(COMMIT) is None


def test_an_older_kit_goes_and_nothing_else(tmp_path: Path) -> None:
    for name in ("code.tar.xz.00", "data.tar.12", "wheels.tar.01", "manifest.json", "unpack.py"):
        (tmp_path / name).touch()
    make._clear(tmp_path)
    assert not list(tmp_path.iterdir())
    for name in ("data.tar", "codeXtar.xz.00", "mine"):
        (tmp_path / name).touch()
        with pytest.raises(Unusable, match=f"{name} is of no kit; give another --out"):
            make._clear(tmp_path)
        assert (tmp_path / name).exists()
        (tmp_path / name).unlink()


def test_what_this_python_lacks_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run.missing() == []
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["ray[tune]>=2", "torch>=2", "no-such>=1,<2"]\n'
    )
    monkeypatch.setattr(run, "ROOT", tmp_path)
    assert run.missing() == ["no-such"]


def test_benchmarks_name_versions_where_ray_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "PACKAGES", ("torch", "no-such-package"))
    assert set(measure.versions()) == {"python", "torch"}
