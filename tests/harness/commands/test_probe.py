"""The probe trains for real, side by side, and recommends what did most."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.commands import probe
from harness.commands.probe import Measured, levels, recommended, table
from harness.run.prepare import prepare
from harness.study.load import load_with_recipe
from harness.training.place import Place

STUDY = """
name = "probed"
space = "shortcut-vgg11"
data = { name = "digits", image_size = 32 }
recipe = { epochs = 3, batch_size = 16 }
space_options = { width = 0.0625 }
method = [{ name = "baseline" }]
"""


def test_levels_share_a_machine_out() -> None:
    assert list(levels("cpu", 4)) == [(1, 4, 0, False), (2, 2, 0, False), (4, 1, 0, False)]
    assert list(levels("cpu", 1)) == [(1, 1, 0, False)]
    processes = [(1, 16, 1, False), (2, 8, 0.5, False), (4, 4, 0.25, False), (8, 2, 0.125, False)]
    packed = [(2, 1, 0.5, True), (4, 1, 0.25, True), (8, 1, 0.125, True)]
    assert list(levels("cuda", 16)) == processes + packed


def test_most_images_win_and_about_equal_means_fewer_at_once() -> None:
    found = [Measured("train", 1, 8, 1.0, 1000, 10), Measured("train", 2, 4, 0.5, 1500, 10),
             Measured("train", 4, 2, 0.25, 1510, 10), Measured("train", 8, 1, 0.125, None, 10),
             Measured("search", 1, 8, 1.0, 50, 10), Measured("search", 2, 4, 0.5, None, 10)]  # fmt: skip
    assert [(m.kind, m.gpus) for m in recommended(found)] == [("train", 0.5), ("search", 1.0)]
    said = table(found).splitlines()[-1]
    assert said == "recommended: --cpus-per-trial train=4,search=8 --gpus-per-trial train=0.5,search=1"
    assert "too large" in table(found)
    said = table([*found, Measured("train", 4, 1, 0.25, 2000, 10, packed=True)]).splitlines()[-1]
    assert said == "recommended: --cpus-per-trial train=1,search=8 --gpus-per-trial train=0.25,search=1 --pack train=4"


def test_where_nothing_fits_it_says_so() -> None:
    assert "nothing fitted" in table([Measured("train", 1, 8, 1.0, None, 10)])


Asked = list[tuple[list[dict[str, Any]], Place, int]]  # the crowd, the place, processes


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Asked]:
    """What is measured of a study on a made-up GPU."""

    def probed(study: str, device: str = "cuda") -> Asked:
        found: Asked = []

        def side_by_side(crowd: Any, place: Place, at_once: int, seconds: float) -> list[tuple[float, int]]:
            found.append((list(crowd), place, at_once))
            return [(1.0, 1)] * at_once

        monkeypatch.setattr(probe, "_side_by_side", side_by_side)
        (tmp_path / "study.toml").write_text(study)
        prepared = prepare(load_with_recipe(str(tmp_path / "study.toml"), []), tmp_path, None, False, "cpu")
        list(probe.probe(prepared, device, None, 0.2, {"network": "graphs channels_last", "supernet": "eager"}))
        return found

    return probed


MANY = STUDY + "seeds = { search = 8 }\n"


def test_it_measures_the_paths_that_the_study_runs(asked: Callable[..., Asked]) -> None:
    places = [place for _, place, _ in asked(MANY)]
    assert {place.engine_path for place in places} == {"graphs channels_last"}
    assert {place.pack * place.gpus for place in places if place.pack > 1} == {1.0}
    assert [place.pack for place in places] == [1, 1, 1, 1, 2, 4, 8]


def test_a_crowd_has_the_studys_own_trials(asked: Callable[..., Asked]) -> None:
    """Twins of a sampled network are other networks, and trained as such; a baseline is one for all seeds."""
    drawn = MANY.replace('{ name = "baseline" }', '{ name = "random", strategy = "random" }')
    crowd, _, _ = asked(drawn)[0]
    assert len({one["architecture"] for one in crowd}) > 1
    assert len({one["seed"] for one in crowd}) == 8
    crowd, _, _ = asked(MANY)[0]
    assert {one["architecture"] for one in crowd} == {"vgg11"}


def test_no_more_trials_at_once_than_the_study_has(asked: Callable[..., Asked]) -> None:
    few = asked(STUDY + "seeds = { search = 3 }\n")
    assert [place.pack * processes for _, place, processes in few] == [1, 2, 2]


def test_an_epoch_is_longer_on_a_gpu(asked: Callable[..., Asked]) -> None:
    """What an epoch costs once, as the capture of a graph, would weigh too much in a short one."""
    assert asked(STUDY)[0][0][0]["data"]["train_images"] == 16 * probe.MORE
    assert asked(STUDY, "cpu")[0][0][0]["data"]["train_images"] == 16 * probe.BATCHES


@pytest.mark.training
@pytest.mark.parametrize("level", [(2, 1.0, 0.0, False), (2, 1.0, 0.0, True)], ids=["processes", "packed"])
def test_it_trains_this_studys_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: Any) -> None:
    monkeypatch.setattr(probe, "levels", lambda device, cores: [level])
    (tmp_path / "study.toml").write_text(STUDY)
    prepared = prepare(load_with_recipe(str(tmp_path / "study.toml"), []), tmp_path, None, False, "cpu")
    (found,) = probe.probe(prepared, "cpu", None, 0.2, {"network": "eager channels_last"})
    assert (found.kind, found.at_once, found.packed) == ("train", level[0], level[3])
    assert found.images is not None
    assert found.images > 0
    assert found.memory > 2**20
    assert not (tmp_path / "probed").exists()


def one_dies(settings: dict[str, Any], epoch: int) -> dict[str, float]:
    """As if the kernel took the memory of whichever process comes first."""
    try:
        Path(os.environ["ONE_DIES"]).touch(exist_ok=False)
    except FileExistsError:
        return {"value": 0.0}
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_process_that_the_kernel_kills_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "levels", lambda device, cores: [(2, 1.0, 0.0, False)])
    monkeypatch.setenv("ONE_DIES", str(tmp_path / "died"))
    (tmp_path / "study.toml").write_text('task = "tests.harness.commands.test_probe:one_dies"\n' + STUDY)
    prepared = prepare(load_with_recipe(str(tmp_path / "study.toml"), []), tmp_path, None, False, "cpu")
    (found,) = probe.probe(prepared, "cpu", None, 10_000.0, {})  # the one left waits for the other, and never ends
    assert found.images is None
    assert (tmp_path / "died").exists()
