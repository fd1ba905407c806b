"""Jobs of every kind on a made-up GPU, as an executor runs them: data, split, network, checkpoints, outcome."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from torch._subclasses.fake_tensor import unset_fake_temporarily

from harness.data import datasets
from harness.storage import checkpoint
from harness.study.schema import Search
from harness.training import run_job
from harness.training.place import Place
from spaces.registry import load
from tests.gpu.card import Card
from tests.gpu.pretended import PROPERTIES, pretended
from tests.gpu.works import BATCH, GRAPHS, RECIPE, SMALL, made_up, on_cpu

pytestmark = [
    pytest.mark.training,
    pytest.mark.filterwarnings("ignore:.*capturable=True"),
    pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor"),
]
SPACE = load("shortcut-vgg11", SMALL)
NETWORK = {"architecture": str(SPACE.draw("A", Random(0), 5))}
SEARCH = {**Search(epochs=2, snapshots=(2,), early_stop=False).model_dump(), "supernet": "s"}
BASE: dict[str, Any] = {
    "schema": 5, "study_seed": 0, "seed": 0, "train_seed": 0,
    "recipe": RECIPE.model_copy(update={"epochs": 2}).model_dump(), "search": SEARCH,
    "data": {"name": "x"}, "space": "shortcut-vgg11", "space_options": SMALL, "test_curve": True,
}  # fmt: skip
JOBS: list[tuple[str, dict[str, Any]]] = [
    ("search", {}), ("train", NETWORK), ("tune", {**NETWORK, "alpha_portion": 0.5}),
    ("score", {**NETWORK, "search": {**SEARCH, "score": "train", "score_epochs": 1}}),
    ("score", {**NETWORK, "search": {**SEARCH, "score": "supernet"}}),
    ("perturbation", {"search": {**SEARCH, "rule": "A", "group": 11}}),
]  # fmt: skip


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Iterator[Card]:
    """Files hold real tensors."""
    packed, unpacked = checkpoint.packed, checkpoint.unpacked

    def real(path: Path) -> Any:
        with unset_fake_temporarily():
            return unpacked(path)

    monkeypatch.setattr(checkpoint, "packed", lambda state: packed(on_cpu(state)))
    monkeypatch.setattr(checkpoint, "unpacked", real)
    monkeypatch.setattr(datasets, "load", lambda *_, **__: made_up(6 * BATCH))
    with pretended() as card:
        yield card


def ended(key: str, settings: dict[str, Any], folder: Path) -> Any:
    trial = run_job.run(key, settings, Place(str(folder), "cuda", 1, 1.0, None, keep_weights=True, engine_path=GRAPHS))
    try:
        while True:
            assert 0 < next(trial).memory < 1
    except StopIteration as end:
        return end.value


def check(card: Card, folder: Path, jobs: list[tuple[str, dict[str, Any]]]) -> None:
    for kind, more in jobs:
        outcome = ended("s" if kind == "search" else kind, {**BASE, **more, "kind": kind}, folder)
        assert outcome["status"] == "done", (kind, outcome["error"])
        assert outcome["hardware"] == PROPERTIES.name
    card.check()


@pytest.mark.slow
def test_jobs_of_every_kind(card: Card, tmp_path: Path) -> None:
    check(card, tmp_path, JOBS)
