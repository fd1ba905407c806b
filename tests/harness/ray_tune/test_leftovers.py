"""What a run leaves behind is removed where it is this user's, whatever a file system calls that user."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.ray_tune import leftovers


@pytest.mark.parametrize(("others", "mine"), [(False, True), (True, False)], ids=["a squashing disk", "another user"])
def test_a_folder_of_this_user_is_one_that_has_the_owner_of_new_files(
    others: bool, mine: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = tmp_path / "storage"
    storage.mkdir()
    monkeypatch.setattr(leftovers.os, "getuid", lambda: storage.stat().st_uid + 1)
    if others:
        monkeypatch.setattr(leftovers, "_owner_of_new", lambda _: os.getuid())
    leftovers.clear(storage)
    assert storage.exists() is not mine


def test_a_results_folder_from_elsewhere_names_no_session(tmp_path: Path) -> None:
    """Its `.tune` may hold anything; this user's sessions are named in the folder for temporary files."""
    storage, session = tmp_path / "study" / ".tune", tmp_path / "session_of_mine"
    storage.mkdir(parents=True)
    session.mkdir()
    leftovers.note(storage, str(session))
    leftovers.clear(storage)
    assert session.is_dir()
    assert not storage.exists()


def test_what_is_rays_is_told_by_where_ray_is_installed() -> None:
    """A path that has `ray` in it is anybody's; and what watches is none of those that it ends."""
    home = b"/opt/python/site-packages/ray"
    sleeping = [sys.executable, "-c", "import time; time.sleep(60)"]
    agent, other = (subprocess.Popen([*sleeping, name]) for name in (f"{home.decode()}/agent.py", "/home/me/ray/it.py"))
    try:
        found = leftovers._rays_below(os.getpid(), home)
    finally:
        for one in (agent, other):
            one.kill()
            one.wait()
    assert agent.pid in found
    assert other.pid not in found


def test_what_watches_ends_with_its_run_and_not_with_the_process(tmp_path: Path) -> None:
    leftovers.watched(tmp_path / "gone", Path("/opt/ray"))
    (watcher,) = leftovers._watchers
    leftovers.let_go()
    watcher.wait(60)
    leftovers.let_go()
    assert leftovers._watchers == []
