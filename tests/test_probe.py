"""The probe trains for real, side by side, and recommends what did most."""

from pathlib import Path

import pytest

from harness import probe
from harness.prepare import load, prepare
from harness.probe import Measured, levels, recommended, table

STUDY = """
name = "probed"
space = "shortcut-vgg11"
data = { name = "digits", image_size = 32 }
recipe = { epochs = 3, batch_size = 16 }
space_options = { width = 0.0625 }
method = [{ name = "baseline" }]
"""


def test_levels_share_a_machine_out() -> None:
    assert list(levels("cpu", 4)) == [(1, 4, 0), (2, 2, 0), (4, 1, 0)]
    assert list(levels("cpu", 1)) == [(1, 1, 0)]
    assert list(levels("cuda", 16)) == [(1, 16, 1), (2, 8, 0.5), (4, 4, 0.25), (8, 2, 0.125)]


def test_most_images_win_and_about_equal_means_fewer_at_once() -> None:
    found = [Measured("train", 1, 8, 1.0, 1000, 10), Measured("train", 2, 4, 0.5, 1500, 10),
             Measured("train", 4, 2, 0.25, 1510, 10), Measured("train", 8, 1, 0.125, None, 10),
             Measured("search", 1, 8, 1.0, 50, 10), Measured("search", 2, 4, 0.5, None, 10)]  # fmt: skip
    assert [(m.kind, m.gpus) for m in recommended(found)] == [("train", 0.5), ("search", 1.0)]
    said = table(found).splitlines()[-1]
    assert said == "recommended: --cpus-per-trial train=4 search=8 --gpus-per-trial train=0.5 search=1"
    assert "too large" in table(found)


def test_where_nothing_fits_it_says_so() -> None:
    assert "nothing fitted" in table([Measured("train", 1, 8, 1.0, None, 10)])


def test_it_trains_this_studys_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "levels", lambda device, cores: [(1, 1.0, 0.0)])
    (tmp_path / "study.toml").write_text(STUDY)
    prepared = prepare(load(str(tmp_path / "study.toml"), []), tmp_path, None, False, "cpu")
    (found,) = probe.probe(prepared, "cpu", None, 0.2)
    assert found.kind == "train"
    assert found.images is not None
    assert found.images > 0
    assert found.memory > 2**20
    assert not (tmp_path / "probed").exists()
