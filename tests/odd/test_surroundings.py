"""A full disk behind the output, a folder that is gone, a home that nobody has: one line, or a path that is named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from odd import answers

from harness.cli import main
from harness.data.datasets import data_root
from tests.driven import ran


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="of Linux")
def test_output_to_a_full_disk_ends_in_one_line(tmp_path: Path) -> None:
    ran(tmp_path)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([sys.executable, "-m", "harness", "status", str(tmp_path / "driven")], cwd=tmp_path,
                              env=answers.environment({}), stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=300, check=False)  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "nas-harness: output: no space left on the disk\n"


def test_a_current_folder_that_is_gone_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SystemExit) as end:
        main(["plan", "demo"])
    assert end.value.code == 2
    assert "the current folder cannot be read: No such file or directory; change into" in capsys.readouterr().err


def test_the_home_of_nobody_is_a_path_like_another() -> None:
    assert data_root("~nobody-has-this-name/data") == Path.cwd() / "~nobody-has-this-name" / "data"
