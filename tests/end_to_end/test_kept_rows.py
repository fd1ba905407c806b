"""A folder whose rows are kept compressed is read, verified and gone on with like any other."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

from harness.cli import main
from harness.commands import status, verify
from harness.storage.folder import rows_file
from harness.storage.kept import kept_file
from harness.storage.rows import latest_rows

KEPT = Path(__file__).parents[1] / "data" / "schema-1"


@pytest.mark.training
def test_a_run_adds_what_is_missing_and_leaves_the_compressed_rows(tmp_path: Path) -> None:
    folder = tmp_path / "schema-1"
    shutil.copytree(KEPT, folder)
    before = latest_rows(folder)
    gone = next(key for key, row in before.items() if row["role"] == "twin")
    lines = [line for line in rows_file(folder).read_text().splitlines() if json.loads(line)["key"] != gone]
    kept = gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)
    kept_file(folder).write_bytes(kept)
    rows_file(folder).unlink()
    assert sorted(latest_rows(folder)) == sorted(before.keys() - {gone})
    with pytest.raises(SystemExit) as end:
        main(["run", str(folder / "study.toml"), "--executor", "in-process", "--results", str(tmp_path)])
    assert not end.value.code
    assert kept_file(folder).read_bytes() == kept
    assert [json.loads(line)["key"] for line in rows_file(folder).read_text().splitlines()] == [gone]
    assert sorted(latest_rows(folder)) == sorted(before)
    assert verify.problems(folder) == []
    assert f"{len(before)} done of {len(before)}" in status.text(status.look(folder))


@pytest.mark.parametrize("command", ["report", "verify", "status"])
def test_a_damaged_file_is_named_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    folder = tmp_path / "schema-1"
    shutil.copytree(KEPT, folder)
    kept_file(folder).write_bytes(gzip.compress(rows_file(folder).read_bytes())[:-20])
    with pytest.raises(SystemExit) as end:
        main([command, str(folder)])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "trials.jsonl.gz is damaged" in line
