"""A kit from its making to rows: unpacked where Python has torch but lacks what a kit brings, and run in pieces."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import made_for_kits
import pytest

from gpu_kit import wheels
from gpu_kit.make import make
from gpu_kit.unpack import BATCHES

pytestmark = [pytest.mark.slow, pytest.mark.training]

LACKED = ("ray", "optuna", "torchvision", "shtab", "pydantic", "annotated_types", "typing_inspection", "deap",
          "moocore", "cffi", "_cffi", "pycparser", "platformdirs", "rich", "tabulate", "markdown_it", "mdurl",
          "pygments", "nas_harness", "__editable__", "distutils-precedence")  # fmt: skip
LIMIT = 2 * 10**6
PATIENCE = 900.0
LOADER = """
import pickle
import numpy as np, torch
from harness.data.images import DataSet, Images

def images(path):
    found = pickle.loads(path.read_bytes())
    pixels = torch.from_numpy(found["data"].copy()).reshape(-1, 3, 32, 32)
    return Images(pixels, torch.tensor(found["labels"]))

def load(root, download):
    folder = root / "cifar-10-batches-py"
    return DataSet(images(folder / "data_batch_1"), images(folder / "test_batch"), 10, (0.5,) * 3, (0.25,) * 3)
"""
STUDY = """
name = "toy"
space = "shortcut-vgg11"
data = { name = "toy_cifar:load" }
seeds = { search = 1, train = 1 }
search = { strategy = "darts", epochs = 2, snapshots = [2], gate = "sigmoid" }
recipe = { epochs = 6, batch_size = 8, lr = 0.01 }
space_options = { width = 0.125 }
method = [{ name = "darts-A", rule = "A", twins = 1 }, { name = "baseline" }]
"""
JOBS = 4
FROM_SITE = "import sys, sysconfig; print(sysconfig.get_path('purelib'), '%d.%d' % sys.version_info[:2])"
HAS = "import torch, pandas, scipy, sklearn, jinja2, networkx, matplotlib"


def with_torch() -> tuple[str, Path, str]:
    """Python 3.12 where it has torch, else the one that runs this: its path, its packages, its version."""
    other = shutil.which("python3.12")
    good = other and subprocess.run([other, "-c", HAS], capture_output=True).returncode == 0
    found = other if good and other else sys.executable
    said = subprocess.run([found, "-c", FROM_SITE], capture_output=True, text=True, check=True).stdout.split()
    return found, Path(said[0]), said[1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the data, a kit, and `there`: a Python that lacks what a kit brings."""
    place = tmp_path_factory.mktemp("kit")
    python, packages, version = with_torch()
    data = made_for_kits.data_root(place / "data")
    make(place / "kit", data, version, wheels.SMALL, LIMIT)
    subprocess.run([python, "-m", "venv", "--without-pip", place / "there"], check=True)
    site = next((place / "there" / "lib").glob("python*/site-packages"))
    for path in packages.iterdir():
        if not path.name.lower().startswith(LACKED) and not (site / path.name).exists() and path.suffix != ".pth":
            (site / path.name).symlink_to(path)
    (site / "toy_cifar.py").write_text(LOADER)
    (place / "toy.toml").write_text(STUDY)
    return place


def there(place: Path, *words: object) -> list[str]:
    return [str(place / "there" / "bin" / "python"), *map(str, words)]


def clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "NAS_HARNESS_DATA")}


@pytest.fixture(scope="module")
def unpacked(place: Path) -> Path:
    done = subprocess.run(there(place, place / "kit" / "unpack.py", place / "unpacked"), capture_output=True, text=True,
                          env=clean(), timeout=PATIENCE)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return place / "unpacked"


def test_the_kit_is_small_and_brings_the_data_to_the_byte(place: Path, unpacked: Path) -> None:
    assert all(path.stat().st_size <= LIMIT for path in (place / "kit").iterdir())
    packed, found = place / "data" / BATCHES, unpacked / "build" / "data" / BATCHES
    assert sorted(path.name for path in found.iterdir()) == [
        "batches.meta", "data_batch_1", "data_batch_2", "test_batch"]  # fmt: skip
    assert all(path.read_bytes() == (packed / path.name).read_bytes() for path in found.iterdir())


@pytest.mark.parametrize("name", ["ray", "optuna", "pydantic", "deap", "rich", "tabulate", "harness"])
def test_that_machine_lacks_what_a_kit_brings(place: Path, name: str) -> None:
    done = subprocess.run(there(place, "-c", f"import {name}"), capture_output=True, text=True, env=clean(), cwd=place)
    assert "ModuleNotFoundError" in done.stderr


def run(place: Path, unpacked: Path, *words: object) -> subprocess.Popen:
    command = there(place, "-m", "gpu_kit.run", place / "toy.toml", "--device", "cpu", *words,
                    "--", "--path", "eager contiguous")  # fmt: skip
    return subprocess.Popen(command, cwd=unpacked, env=clean(), stderr=subprocess.PIPE, text=True)


def rows(results: Path) -> list[dict]:
    file = results / "toy" / "trials.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_a_study_runs_in_pieces_on_one_machine_after_another(place: Path, unpacked: Path) -> None:
    short = run(place, unpacked, "--out", place / "out-0", "--minutes", 0.4)  # over before torch is imported
    assert "no epoch was kept in this piece" in short.communicate(timeout=PATIENCE)[1]
    assert short.returncode == 1

    first = run(place, unpacked, "--out", place / "out-1", "--results", place / "results-1")
    end = time.monotonic() + PATIENCE
    while not rows(place / "results-1"):
        assert first.poll() is None, first.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.05)
    first.send_signal(signal.SIGTERM)
    said = first.communicate(timeout=PATIENCE)[1]
    assert first.returncode == 75, said
    assert "the next piece goes on" in said
    kept = rows(place / "results-1")
    assert 0 < len(kept) < JOBS

    second = run(place, unpacked, "--back", place / "out-1", "--out", place / "out-2", "--results", place / "results-2")
    said = second.communicate(timeout=PATIENCE)[1]
    assert second.returncode == 0, said
    found = rows(place / "results-2")
    assert found[: len(kept)] == kept
    assert [row["status"] for row in found] == ["done"] * JOBS
    made = json.loads((place / "kit" / "manifest.json").read_text())
    assert {row["commit"] for row in found} == {made["commit"]}
    assert {row["versions"].get("ray") for row in found} == {None}
