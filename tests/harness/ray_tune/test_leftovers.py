"""What a run leaves behind is removed where it is this user's, whatever a file system calls that user."""

import os
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
