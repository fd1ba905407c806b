"""The command on a Ray that counts made-up GPUs: trials compute on the CPU, and are placed as if they needed them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.storage.rows import latest_rows

pytestmark = [pytest.mark.ray, pytest.mark.slow]
STUDY = """
name = "made-up"
space = "shortcut-vgg11"
task = "harness.training.formula:stand_in"
data = { name = "digits", image_size = 32 }
seeds = { search = 10 }
recipe = { epochs = 2, lr = 1e-6 }
space_options = { width = 0.125 }
method = [{ name = "baseline" }]
"""


def run(folder: Path, gpus: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "study.toml").write_text(STUDY)
    study = ["run", str(folder / "study.toml"), "--results", str(folder), "--device", "cpu"]
    words = [sys.executable, "-m", "harness", *study, *arguments]
    environment = {**os.environ, "RAY_OVERRIDE_RESOURCES": json.dumps({"GPU": gpus})}
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=500, check=False)


@pytest.mark.parametrize(("gpus", "arguments"), [
    (1, ["--pack", "4", "--gpus-per-trial", "0.25"]),  # three packs for one GPU
    (2, ["--gpus-per-trial", "0.25"]),
    (8, ["--pack", "3", "--gpus-per-trial", "0.33"]),
])  # fmt: skip
def test_every_trial_ends(tmp_path: Path, gpus: int, arguments: list[str]) -> None:
    done = run(tmp_path, gpus, *arguments)
    assert done.returncode == 0, done.stderr
    assert [row["status"] for row in latest_rows(tmp_path / "made-up").values()] == ["done"] * 10


def test_a_share_that_no_machine_has_is_refused_before_anything_runs(tmp_path: Path) -> None:
    done = run(tmp_path, 1, "--gpus-per-trial", "2")
    assert done.returncode == 2
    assert "a train trial asks for 1 cores and 2 GPUs, which no machine here has" in done.stderr
    assert not latest_rows(tmp_path / "made-up")
