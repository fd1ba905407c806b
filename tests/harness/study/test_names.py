"""Names cannot leave the results folder; what is read from it executes nothing; Ray's secrets stay out of it."""

from pathlib import Path
from typing import Any

import pytest

from harness.errors import BadInput
from harness.storage.folder import claim, read_study
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


def test_a_folder_is_one_studys(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text('{"name": "theirs"}')
    with pytest.raises(BadInput, match="belongs to the study 'theirs'"):
        claim(tmp_path, "mine")
