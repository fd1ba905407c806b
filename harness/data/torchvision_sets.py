"""Data sets of torchvision: which of their parts train and test, and what can be known before a download."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import BadInput, first_line

EMNIST = ("balanced", "byclass", "bymerge", "digits", "letters", "mnist")
WORDS: Mapping[str, tuple[str, tuple[str, ...]]] = {  # the parameter that a third word sets, and its words
    "EMNIST": ("split", EMNIST),
    "QMNIST": ("what", ("test", "test10k", "test50k")),
    "Places365": ("split", ("train-standard", "train-challenge")),
    "Imagenette": ("size", ("full", "320px", "160px")),
    "FGVCAircraft": ("annotation_level", ("variant", "family", "manufacturer")),
    "OxfordIIITPet": ("target_types", ("category", "binary-category")),
}
SPLITS: Mapping[str, tuple[str, str]] = {  # names of the two parts, where they are not train and test
    "CLEVRClassification": ("train", "val"),
    "FGVCAircraft": ("trainval", "test"),
    "ImageNet": ("train", "val"),
    "Imagenette": ("train", "val"),
    "OxfordIIITPet": ("trainval", "test"),
    "Places365": ("train-standard", "val"),
}
VALIDATION = ("val", "valid")
ANY_SIZE = (  # of images that differ in size or are not square
    "CLEVRClassification", "Caltech101", "Caltech256", "Country211", "DTD", "FGVCAircraft", "Flowers102", "Food101",
    "GTSRB", "INaturalist", "ImageNet", "Imagenette", "OxfordIIITPet", "Places365", "SUN397", "StanfordCars",
)  # fmt: skip
WITHOUT_CLASSES = (
    "CelebA", "Cityscapes", "CocoCaptions", "CocoDetection", "Flickr30k", "Flickr8k", "HMDB51", "Kinetics", "Kitti",
    "LFWPairs", "LSUN", "LSUNClass", "MovingMNIST", "PhotoTour", "SBDataset", "SBU", "UCF101", "VOCDetection",
    "VOCSegmentation", "WIDERFace", "FlyingChairs", "FlyingThings3D", "HD1K", "KittiFlow", "Sintel", "CREStereo",
    "CarlaStereo", "ETH3DStereo", "FallingThingsStereo", "InStereo2k", "Kitti2012Stereo", "Kitti2015Stereo",
    "Middlebury2014Stereo", "SceneFlowStereo", "SintelStereo",
)  # fmt: skip
ELSEWHERE = ("DatasetFolder", "ImageFolder", "VisionDataset")  # classes that need more than a name


@dataclass(frozen=True)
class Opening:
    """How a data set is opened: its class, and the arguments of the training part and of the test part, if any."""

    name: str
    kind: Any
    train: Mapping[str, Any]
    test: Mapping[str, Any] | None
    downloads: bool


def parts(name: str, size: int | None, held_out: bool, folder: Path, download: bool) -> tuple[Any, Any | None]:
    """The training and the test part of `NAME` or `NAME:WORD`, as torchvision gives them.

    Raises BadInput: before anything is fetched where it would be refused then; else in torchvision's words.
    """
    opening = opened(name, size, held_out)
    more = {"download": True} if opening.downloads and download else {}
    wanted = [part for part in (opening.train, opening.test) if part is not None]
    try:
        found = [opening.kind(str(folder), **part, **more) for part in wanted]
    except Exception as error:  # each has its own ways to say that files are missing
        raise BadInput(f"{name} in {folder}: {first_line(error)}{_advice(opening, folder, download)}") from None
    return found[0], found[1] if len(found) > 1 else None


def opened(name: str, size: int | None, held_out: bool) -> Opening:
    """Raises BadInput where torchvision has no such data set, or it does not fit, without fetching anything."""
    from torchvision import datasets

    which, _, word = name.partition(":")
    where = f"data.name = 'torchvision:{name}'"
    kind = getattr(datasets, which, None)
    if not (inspect.isclass(kind) and issubclass(kind, datasets.VisionDataset)) or which in ELSEWHERE:
        raise BadInput(f"{where}: torchvision.datasets has no such data set")
    if which in WITHOUT_CLASSES:
        raise BadInput(f"{where}: its images have no class each; take another, or write a loader of your own")
    takes = inspect.signature(kind).parameters
    if "root" not in takes:
        raise BadInput(f"{where}: its images are made up, and lie in no folder; take another")
    train, test = _arguments(which, takes)
    train, test = _worded(where, which, word, train, test)
    if test is None and not held_out:
        raise BadInput(f"{where} comes in one part; data.test_part = 0.2 holds out a fifth of it as test images")
    if test is not None and held_out:
        raise BadInput(f"data.test_part: {which} has a part of its own to test on; leave data.test_part out")
    if which in ANY_SIZE and not size:
        raise BadInput(f"{where}: its images differ in size or are not square; set data.image_size, as in "
                       "data.image_size=64")  # fmt: skip
    downloads = "download" in takes or ("train" in takes and _open_ended(takes)) or which == "EMNIST"
    return Opening(which, kind, train, test, downloads)


def note(name: str) -> str:
    """What a report should say of the test images of `NAME` or `NAME:WORD`; '' where nothing."""
    which = name.partition(":")[0]
    tested = SPLITS.get(which, ("", ""))[1] in VALIDATION
    return f"torchvision's {which} has no test part with labels: its validation part was tested on." if tested else ""


def _arguments(which: str, takes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    if which == "EMNIST" or "train" in takes:
        return {"train": True}, {"train": False}
    if "split" in takes:
        first, second = SPLITS.get(which, ("train", "test"))
        return {"split": first}, {"split": second}
    return {}, None


def _worded(where: str, which: str, word: str, train: dict[str, Any],
            test: dict[str, Any] | None) -> tuple[dict[str, Any], dict[str, Any] | None]:  # fmt: skip
    """With what the third word says. Raises BadInput where it says nothing, or one is needed."""
    parameter, words = WORDS.get(which, ("", ()))
    if not word and which != "EMNIST":
        return train, test
    if word not in words:
        takes = f"write one of torchvision:{which}:{{{','.join(words)}}}" if words else f"{which} takes no third word"
        raise BadInput(f"{where}: {takes}")
    if which == "Places365":
        return {parameter: word}, test
    if which == "QMNIST":
        return train, {"what": word}
    return {**train, parameter: word}, {**(test or {}), parameter: word}


def _open_ended(takes: Mapping[str, inspect.Parameter]) -> bool:
    """Whether it hands further arguments on to the class that it comes from."""
    return any(parameter.kind == parameter.VAR_KEYWORD for parameter in takes.values())


def _advice(opening: Opening, folder: Path, download: bool) -> str:
    if not opening.downloads:
        return f"; torchvision cannot fetch {opening.name}: put its files into {folder} yourself"
    return "" if download else "; add --download to fetch it there"


def labelled(part: Any, name: str) -> Iterator[tuple[Any, int, str]]:
    """Images with their classes, and what each is called in a message. Raises BadInput where a label is no class."""
    for number in range(len(part)):
        image, label = _item(part, number, name)
        if isinstance(label, bool) or not hasattr(label, "__index__") or int(label) < 0:
            raise BadInput(f"{name}: a label is {label!r}, no class from 0 on")
        yield image, int(label), f"{name}, image {number}"


def _item(part: Any, number: int, name: str) -> tuple[Any, Any]:
    try:
        image, label = part[number]
    except Exception as error:  # a damaged file
        raise BadInput(f"{name}, image {number} cannot be read: {first_line(error)}") from None
    return image, label
