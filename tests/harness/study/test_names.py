"""Names cannot leave the results folder; what is read from it executes nothing; Ray's secrets stay out of it."""

from pathlib import Path
from typing import Any

import pytest

from harness.errors import BadInput
from harness.storage.folder import claim, opened_study, read_study
from harness.study.schema import Study
from harness.study.validation import validated

BASE = {"space": "shortcut-vgg11", "data": {"name": "digits"}, "method": [{"name": "baseline"}]}


@pytest.mark.parametrize(
    "name", ["../elsewhere", "/etc/cron.d/x", "a/b", "..", ".", "", "a\nb", "-rf", "a b", "a\\b", "~"]
)
def test_names_are_no_paths(name: str) -> None:
    faulty: list[dict[str, Any]] = [
        {**BASE, "name": name},
        {**BASE, "name": "fine", "method": [{"name": name}]},
        {**BASE, "name": "fine", "tuning": [{"name": name, "ranges": {"lr": {"low": 0.1, "high": 1}}}]},
    ]
    for values in faulty:
        with pytest.raises(BadInput, match="is no name"):
            validated(Study, values, "study")


@pytest.mark.parametrize("content", ["", "{", '{"name": "a"', "\0" * 40, '{"name": "\udcff'])
def test_a_torn_study_is_written_anew_by_a_run_and_reported_to_readers(content: str, tmp_path: Path) -> None:
    (tmp_path / "study.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert claim(tmp_path, "a") == {}
    with pytest.raises(BadInput, match="damaged"):
        read_study(tmp_path)


@pytest.mark.parametrize("name", ["study.json", "study.json.xz"])
def test_what_cannot_be_read_is_no_study_and_nothing_that_a_run_replaces(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    for read in (read_study, opened_study, lambda folder: claim(folder, "a")):
        with pytest.raises(BadInput, match=rf"{name} cannot be read \(Is a directory\)"):
            read(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="is no folder"):
        claim(tmp_path / "file", "a")


def test_a_damaged_compressed_study_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "study.json.xz").write_bytes(b"torn")
    with pytest.raises(BadInput, match=r"study\.json\.xz is damaged .* take it from where it was kept"):
        claim(tmp_path, "a")


def test_a_folder_is_one_studys(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text('{"name": "theirs"}')
    with pytest.raises(BadInput, match="belongs to the study 'theirs'"):
        claim(tmp_path, "mine")
