"""torchvision's data sets by their own words, and what is refused before anything is fetched."""

import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchvision
from PIL import Image

from harness.data import datasets
from harness.data.torchvision_sets import ANY_SIZE, WITHOUT_CLASSES, WORDS, opened
from harness.errors import BadInput
from harness.run.prepare import prepare
from tests.studies import tiny

PART = [(Image.fromarray(np.full((32, 32), 9 * label, np.uint8)), label) for label in (0, 1, 2, 0, 1, 2)]
BASE = torchvision.datasets.VisionDataset
Calls = list[dict[str, Any]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What data sets are opened with. Their signatures are torchvision's own, their files are not looked for."""
    found: Calls = []

    for name in dir(torchvision.datasets):
        kind = getattr(torchvision.datasets, name)
        if isinstance(kind, type) and issubclass(kind, BASE) and kind is not BASE:
            copy = type(name, (kind,), {"__init__": _with_signature(kind, found), "__len__": lambda _: len(PART),
                                        "__getitem__": lambda _, number: PART[number]})  # fmt: skip
            monkeypatch.setattr(torchvision.datasets, name, copy)
    datasets._whole.cache_clear()
    return found


def _with_signature(kind: Any, found: Calls) -> Any:
    def init(self: Any, root: str, **more: Any) -> None:
        found.append(more)

    init.__signature__ = inspect.signature(kind.__init__)  # type: ignore[attr-defined]
    return init


@pytest.mark.parametrize(
    ("name", "train", "test"),
    [
        ("FashionMNIST", {"train": True}, {"train": False}),
        ("CIFAR100", {"train": True}, {"train": False}),
        ("SVHN", {"split": "train"}, {"split": "test"}),
        ("STL10", {"split": "train"}, {"split": "test"}),
        ("EMNIST:letters", {"train": True, "split": "letters"}, {"train": False, "split": "letters"}),
        ("EMNIST:byclass", {"train": True, "split": "byclass"}, {"train": False, "split": "byclass"}),
        ("QMNIST", {"train": True}, {"train": False}),
        ("QMNIST:test50k", {"train": True}, {"what": "test50k"}),
        ("Places365", {"split": "train-standard"}, {"split": "val"}),
        ("Places365:train-challenge", {"split": "train-challenge"}, {"split": "val"}),
        ("OxfordIIITPet", {"split": "trainval"}, {"split": "test"}),
        ("Imagenette", {"split": "train"}, {"split": "val"}),
        ("Imagenette:160px", {"split": "train", "size": "160px"}, {"split": "val", "size": "160px"}),
        ("FGVCAircraft:family", {"split": "trainval", "annotation_level": "family"},
         {"split": "test", "annotation_level": "family"}),
        ("Flowers102", {"split": "train"}, {"split": "test"}),
        ("USPS", {"train": True}, {"train": False}),
    ],
)  # fmt: skip
def test_parts_are_opened_by_the_data_sets_own_words(calls: Calls, tmp_path: Path, name: str, train: dict[str, Any],
                                                     test: dict[str, Any]) -> None:  # fmt: skip
    found = datasets.load({"name": f"torchvision:{name}", "image_size": 32}, tmp_path, download=True)
    assert found.classes == 3
    assert calls == [{**train, "download": True}, {**test, "download": True}]


def test_imagenet_is_never_fetched(calls: Calls, tmp_path: Path) -> None:
    datasets.load({"name": "torchvision:ImageNet", "image_size": 32}, tmp_path, download=True)
    assert calls == [{"split": "train"}, {"split": "val"}]


@pytest.mark.parametrize("name", ["EuroSAT", "SEMEION", "Caltech101", "SUN397", "Omniglot"])
def test_what_comes_in_one_part_is_divided(calls: Calls, tmp_path: Path, name: str) -> None:
    asked = {"name": f"torchvision:{name}", "image_size": 32, "test_part": 0.5}
    found = datasets.load(asked, tmp_path)
    assert (len(found.train), len(found.test), len(calls)) == (3, 3, 1)


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("EMNIST", {}, "write one of torchvision:EMNIST:{balanced,byclass,"),
        ("EMNIST:train", {}, "write one of torchvision:EMNIST:{balanced,byclass,"),
        ("Imagenette:full size", {}, "write one of torchvision:Imagenette:{full,320px,160px}"),
        ("MNIST:letters", {}, "MNIST takes no third word"),
        ("Places365", {}, "set data.image_size"),
        ("OxfordIIITPet", {}, "set data.image_size"),
        ("ImageNet", {}, "set data.image_size"),
        ("Imagenette:160px", {}, "set data.image_size"),
        ("EuroSAT", {}, "comes in one part; data.test_part = 0.2"),
        ("MNIST", {"test_part": 0.2}, "has a part of its own to test on"),
        ("CocoDetection", {}, "have no class each"),
        ("CelebA", {}, "have no class each"),
        ("Kitti", {}, "have no class each"),
        ("FakeData", {"test_part": 0.2}, "its images are made up, and lie in no folder"),
        ("ImageFolder", {}, "no such data set"),
        ("mnist", {}, "no such data set"),
        ("utils", {}, "no such data set"),
        ("", {}, "no such data set"),
    ],
)
def test_what_would_be_refused_is_refused_before_a_download(calls: Calls, tmp_path: Path, name: str,
                                                            more: dict[str, Any], says: str) -> None:  # fmt: skip
    with pytest.raises(BadInput, match=re.escape(says)):
        datasets.load({"name": f"torchvision:{name}", **more}, tmp_path, download=True)
    assert not calls


@pytest.mark.parametrize("download", [False, True])
@pytest.mark.parametrize(
    ("name", "fetched"),
    [("MNIST", True), ("SVHN", True), ("EMNIST:digits", True), ("QMNIST", True), ("StanfordCars", True),
     ("ImageNet", False)],
)  # fmt: skip
def test_a_download_is_advised_only_where_it_helps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str,
                                                   fetched: bool, download: bool) -> None:  # fmt: skip
    kind = getattr(torchvision.datasets, name.partition(":")[0])

    def broken(self: Any, root: str, **more: Any) -> None:
        raise RuntimeError("Dataset not found.\nYou can use download=True")

    broken.__signature__ = inspect.signature(kind.__init__)  # type: ignore[attr-defined]
    monkeypatch.setattr(kind, "__init__", broken)
    with pytest.raises(BadInput, match="Dataset not found") as error:
        datasets.load({"name": f"torchvision:{name}", "image_size": 32}, tmp_path, download)
    said = str(error.value)
    assert ("add --download" in said) is (fetched and not download)
    assert ("put its files into" in said) is not fetched


@pytest.mark.parametrize(
    ("name", "said"),
    [("ImageNet", True), ("Imagenette", True), ("Places365", True), ("Places365:train-challenge", True),
     ("MNIST", False), ("OxfordIIITPet", False), ("EMNIST:letters", False)],
)  # fmt: skip
def test_a_validation_part_that_is_tested_on_is_said(calls: Calls, tmp_path: Path, name: str, said: bool) -> None:
    study = tiny(data={"name": f"torchvision:{name}", "image_size": 32}, method=[{"name": "baseline"}])
    found = prepare(study, tmp_path / "results", tmp_path, False, "cpu").as_json("")
    assert ("its validation part was tested on" in str(found.get("notes"))) is said


def test_the_tables_name_data_sets_that_torchvision_has() -> None:
    assert not [name for name in (*WORDS, *ANY_SIZE, *WITHOUT_CLASSES) if not hasattr(torchvision.datasets, name)]


def test_words_are_those_that_torchvision_takes() -> None:
    assert set(WORDS["EMNIST"][1]) == set(torchvision.datasets.EMNIST.splits)
    assert set(WORDS["QMNIST"][1]) < set(torchvision.datasets.QMNIST.subsets)
    assert opened("EMNIST:letters", None, False).downloads
