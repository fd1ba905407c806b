"""What lies beside the code: real CIFAR-10, where it is on this machine, and the results that the README shows."""

import json
import os
from pathlib import Path

import pytest

from harness.data import datasets
from harness.run.prepare import prepare, protocol_of
from harness.study.load import load_with_recipe
from tests import started

ROOT = Path(__file__).parents[2]
KEPT = sorted({path.parent.name for path in (ROOT / "results").glob("*/study.json*")})


@pytest.mark.long
@pytest.mark.skipif(
    not os.environ.get(datasets.DATA_ROOT), reason=f"NO CIFAR-10 HERE: set {datasets.DATA_ROOT} to test on it"
)
def test_real_cifar10_loads_whole_and_in_parts():
    root = datasets.data_root(None)
    whole = datasets.load({"name": "cifar10"}, root)
    assert (len(whole.train), len(whole.test), whole.channels, whole.size) == (50_000, 10_000, 3, 32)
    assert whole.train.labels.bincount().tolist() == [5000] * 10
    pixels = whole.train.images.float() / 255
    assert pixels.mean((0, 2, 3)).tolist() == pytest.approx(whole.mean, abs=5e-4)
    assert pixels.std((0, 2, 3)).tolist() == pytest.approx(whole.std, abs=5e-4)
    assert len(datasets.load({"name": "cifar10", "train_images": 8000}, root).train) == 8000


LARGE = "nasbench201-methods"  # 4,200 searches: most of a minute
FIXED = [name for name in KEPT if (ROOT / "results" / name / "protocol.jsonl").exists()]


@pytest.mark.long
@pytest.mark.parametrize("name", FIXED)
def test_a_packaged_study_is_still_what_its_protocol_fixed(name):
    """Else whoever goes on with the folder would change its protocol without a reason."""
    root = os.environ.get(datasets.DATA_ROOT)
    study = load_with_recipe(name, [])
    if not root and name != LARGE:  # which trains nothing
        pytest.skip(f"NO CIFAR-10 HERE: set {datasets.DATA_ROOT} to test on it")
    prepared = prepare(study, ROOT / "results", datasets.data_root(None), False, "cpu")
    fixed = json.loads((ROOT / "results" / name / "protocol.jsonl").read_text().splitlines()[0])
    assert protocol_of(prepared.settings, prepared.plan)["settings"] == fixed["content"]["settings"]


@pytest.mark.long
@pytest.mark.parametrize("name", [pytest.param(one, marks=pytest.mark.slow) if one == LARGE else one for one in KEPT])
def test_kept_results_hold_together(name):
    done = started.harness("verify", ROOT / "results" / name)
    assert done.returncode == 0, done.stdout + done.stderr
