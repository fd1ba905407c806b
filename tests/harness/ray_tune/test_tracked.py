"""The real command with Ray and a tracker: every trial is shown with its curve."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.driven import JOBS, STUDY
from tests.tracked import in_tensorboard, nobody, of_rows

ROOT = Path(__file__).parents[3]


@pytest.mark.ray
@pytest.mark.slow
def test_the_command_with_ray_shows_every_trial(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    command = [sys.executable, "-m", "harness", "run", str(tmp_path / "study.toml"), "--results", str(tmp_path),
               "--cpus", "1", "--tensorboard", "--track", f"mlflow:{nobody()}"]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    folder = tmp_path / "driven"
    assert done.returncode == 0, done.stderr
    assert len([line for line in done.stderr.splitlines() if "nas-harness: mlflow:" in line]) == 1
    again = [sys.executable, "-m", "harness", "track", str(folder), "--to", "tensorboard"]
    assert subprocess.run(again, cwd=ROOT, capture_output=True, check=False).returncode == 0
    assert len(in_tensorboard(folder)) == JOBS
    assert in_tensorboard(folder) == of_rows(folder)
