"""Folders of images as people have them: damaged files, hidden ones, other types, sizes and parts."""

import os
import re
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from harness.data import datasets, external, images, pixels
from harness.data.images import DataSet, Images
from harness.errors import BadInput
from harness.run.prepare import prepare
from tests.studies import TINY, tiny

SIDE = 8
Spoil = Callable[[Path], object]


def picture(path: Path, value: int = 100, side: int = SIDE, mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((side, side, 3), value, np.uint8)).convert(mode).save(path)
    return path


def pets(root: Path, count: int = 3, parts: tuple[str, ...] = ("train", "test"), side: int = SIDE) -> Path:
    """Cats are dark, dogs bright."""
    for part in parts:
        for label, name in enumerate(("cat", "dog")):
            for number in range(count):
                picture(root / part / name / f"{number}.png", 50 + 150 * label, side)
    return root


def loaded(root: Path, name: str = "folder", **more: object) -> DataSet:
    datasets._whole.cache_clear()
    return datasets.load({"name": name, **more}, root)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


DAMAGED: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("empty", lambda whole: b""),
    ("text", lambda whole: b"this is no image\n"),
    ("cut", lambda whole: whole[: len(whole) // 2]),
    ("head alone", lambda whole: whole[:8]),
    ("zeroes", lambda whole: bytes(len(whole))),
    ("page", lambda whole: b"<!DOCTYPE html><html>404</html>"),
    ("huge", lambda whole: whole[:8] + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 40000, 40000, 8, 2, 0, 0, 0))),
]


@pytest.mark.parametrize(("what", "damage"), DAMAGED, ids=[what for what, _ in DAMAGED])
@pytest.mark.parametrize("part", ["train", "test"])
def test_a_damaged_file_is_named(tmp_path: Path, part: str, what: str, damage: Callable[[bytes], bytes]) -> None:
    path = pets(tmp_path) / part / "dog" / "1.png"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BadInput, match=re.escape(str(path))) as error:
        loaded(tmp_path)
    assert len(str(error.value).splitlines()) == 1


HIDDEN: list[Spoil] = [
    lambda root: (root / "train" / "cat" / "._0.png").write_bytes(b"resource fork"),
    lambda root: picture(root / "train" / ".ipynb_checkpoints" / "0-checkpoint.png"),
    lambda root: [picture(root / part / ".ipynb_checkpoints" / "0.png") for part in ("train", "test")],
    lambda root: picture(root / "train" / "cat" / ".ipynb_checkpoints" / "0-checkpoint.png"),
    lambda root: [(root / part / ".git").mkdir() for part in ("train", "test")],
    lambda root: (root / "train" / ".DS_Store").write_bytes(b"\0"),
    lambda root: (root / "test" / "dog" / "Thumbs.db").write_bytes(b"\0"),
    lambda root: (root / "train" / "labels.csv").write_text("0.png,cat"),
]


@pytest.mark.parametrize("hide", HIDDEN)
def test_what_is_hidden_is_no_image_and_no_class(tmp_path: Path, hide: Spoil) -> None:
    hide(pets(tmp_path))
    found = loaded(tmp_path)
    assert (found.classes, len(found.train), len(found.test)) == (2, 6, 6)
    assert sorted(found.train.images.unique().tolist()) == [50, 200]


RAMP = np.linspace(0, 1, SIDE * SIDE).reshape(SIDE, SIDE)


@pytest.mark.parametrize(
    ("suffix", "array"),
    [
        ("png", (RAMP * 65535).astype(np.uint16)),
        ("tif", (RAMP * 65535).astype(np.uint16)),
        ("tiff", (RAMP * 65535).astype(">u2")),
        ("pgm", (RAMP * 65535).astype(np.uint16)),
        ("png", (RAMP * 255).astype(np.uint8)),
        ("png", (RAMP[..., None] * [255, 255, 255]).astype(np.uint8)),
    ],
)
def test_images_are_scaled_by_their_type(tmp_path: Path, suffix: str, array: np.ndarray) -> None:
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            (tmp_path / part / name).mkdir(parents=True)
            Image.fromarray(array).save(tmp_path / part / name / f"0.{suffix}")
    found = loaded(tmp_path)
    assert found.channels == (3 if array.ndim == 3 else 1)
    assert torch.allclose(found.train.images[0, 0].double(), torch.from_numpy(RAMP * 255), atol=1)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("0.tif", RAMP.astype(np.float32)),
        ("0.tiff", (RAMP * 1000).astype(np.float32)),
        ("0.tif", (RAMP * 100 - 50).astype(np.float32)),
        ("0.tif", (RAMP * 2**30).astype(np.int32)),
        ("0.TIFF", (RAMP * 10).astype(np.int32)),
    ],
)
def test_numbers_of_unknown_range_are_refused_by_name(tmp_path: Path, name: str, array: np.ndarray) -> None:
    path = pets(tmp_path) / "train" / "cat" / name
    Image.fromarray(array).save(path, format="TIFF")
    with pytest.raises(BadInput, match=rf"{re.escape(str(path))} holds .* save it with 8 or 16 bits"):
        loaded(tmp_path)


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "CMYK"])
def test_one_image_of_another_mode_among_colours(tmp_path: Path, mode: str) -> None:
    """A single grey image makes no data set grey, and does not differ in size."""
    suffix = "tif" if mode == "CMYK" else "png"
    picture(pets(tmp_path) / "train" / "cat" / f"other.{suffix}", 50, mode=mode)
    found = loaded(tmp_path)
    assert found.train.images.shape == (7, 3, SIDE, SIDE)


@pytest.mark.parametrize("mode", ["1", "LA", "L"])
def test_images_without_colour_are_one_channel(mode: str) -> None:
    image = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert(mode)
    assert pixels.as_uint8(image, "x").tolist() == [[[0, 255], [255, 0]]]


@pytest.mark.parametrize(("mode", "shown"), [("LA", [[255, 0]]), ("RGBA", [[255, 0]] * 3), ("P", [[255, 0]] * 3)])
def test_what_is_transparent_lies_on_white(mode: str, shown: list[list[int]]) -> None:
    """Black on nothing: alpha alone holds the drawing."""
    grey = Image.fromarray(np.array([[0, 7]], np.uint8))
    grey.info["transparency"] = 0
    assert pixels.as_uint8(grey, "x").tolist() == [[[255, 7]]]
    image = Image.fromarray(np.array([[[0, 0, 0, 0], [0, 0, 0, 255]]], np.uint8))
    if mode == "P":
        image = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
        image.putpalette([0, 0, 0, 0, 0, 0])
        image.info["transparency"] = 0
    assert pixels.as_uint8(image if mode == "P" else image.convert(mode), "x").flatten(1).tolist() == shown


def test_grey_training_images_and_colours_to_test_on_are_all_colours(tmp_path: Path) -> None:
    for path in (pets(tmp_path) / "train").rglob("*.png"):
        picture(path, 50, mode="L")
    assert loaded(tmp_path).train.images.shape == (6, 3, SIDE, SIDE)


def shutil_remove(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


MISFITS: list[tuple[str, Spoil, str]] = [
    ("test size", lambda root: [picture(path, side=16) for path in (root / "test").rglob("*.png")], "8×8 and 3×16×16"),
    ("one test image", lambda root: picture(root / "test" / "cat" / "0.png", side=9), "differ in size"),
    ("one class", lambda root: [(root / part / "dog").rename(root / f"{part}-dog") for part in ("train", "test")],
     "only the class cat"),
    ("no class", lambda root: [(root / part / name).rename(root / f"{part}-{name}") for part in ("train", "test")
                               for name in ("cat", "dog")], "no folder of a class"),
    ("a class more", lambda root: picture(root / "test" / "cow" / "0.png"), "only one has cow"),
    ("an empty class", lambda root: shutil_remove(root / "test" / "dog"), "holds no image of its class"),
    ("no part", lambda root: (root / "train").rename(root / "training"), "has no train/"),
    ("a broken link", lambda root: (root / "train" / "cow").symlink_to("nowhere"), "cow is a link that leads nowhere"),
    ("parts in classes", lambda root: picture(root / "train" / "cat" / "test" / "0.png"), "put the part first, as"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "spoil", "says"), MISFITS, ids=[what for what, _, _ in MISFITS])
def test_parts_that_do_not_fit_are_refused(tmp_path: Path, what: str, spoil: Spoil, says: str) -> None:
    spoil(pets(tmp_path))
    with pytest.raises(BadInput, match=re.escape(says)):
        loaded(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda root: os.mkfifo(root / "train" / "cat" / "pipe.png"), r"pipe\.png is no regular file"),
        (lambda root: os.symlink("..", root / "train" / "cat" / "up"), "is read already; remove the link"),
        (lambda root: os.symlink(root, root / "test" / "dog" / "all"), "is read already; remove the link"),
        (lambda root: linked(root / "test", root / "train"), "is read already; remove the link"),
        (lambda root: linked(root / "test" / "cat", root / "train" / "cat"), "is read already; remove the link"),
        (lambda root: os.symlink(root / "train" / "cat", root / "train" / "dog" / "more"), "is read already; remove"),
        (lambda root: linked(root / "test" / "cat" / "0.png", root / "train" / "cat" / "0.png"), "is read already"),
        (lambda root: linked(root / "train" / "cat" / "0.png", root / "train" / "cat" / "1.png"), "is read already"),
    ],
    ids=[
        "pipe",
        "link to a folder that holds it",
        "link to all",
        "test is train",
        "a class of both",
        "two classes",
        "a training image",
        "an image twice",
    ],
)
def test_what_cannot_be_read_to_its_end_is_refused(tmp_path: Path, spoil: Spoil, says: str) -> None:
    spoil(pets(tmp_path))
    with pytest.raises(BadInput, match=says):
        loaded(tmp_path)


def linked(path: Path, target: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.symlink_to(target)


def test_parts_within_classes_are_not_mixed(tmp_path: Path) -> None:
    """Test images would be trained on."""
    for name in ("cat", "dog"):
        for part in ("train", "test"):
            picture(tmp_path / name / part / "0.png")
    with pytest.raises(BadInput, match=r"cat holds test, train, which sounds like a part of the images; put the part"):
        loaded(tmp_path, test_part=0.2)


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = pets(tmp_path)
    picture(root / "train" / "cat" / "more" / "9.png")
    scandir = os.scandir

    def forbidden(place: Any) -> Any:
        if str(place).endswith("more"):
            raise PermissionError(13, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", forbidden)
    with pytest.raises(BadInput, match=r"cat/more cannot be read: Permission denied"):
        loaded(tmp_path)


def test_images_are_scaled_alike_however_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    part = Images(torch.randint(0, 256, (7, 3, 8, 8), dtype=torch.uint8, generator=generator), torch.zeros(7))
    whole = images.scaled(part, 13).images
    monkeypatch.setattr(images, "AT_A_TIME", 2 * 3 * 13**2)
    assert torch.equal(images.scaled(part, 13).images, whole)
    assert whole.shape == (7, 3, 13, 13)


def test_images_larger_than_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    part = Images(torch.zeros((7, 3, 8, 8), dtype=torch.uint8), torch.zeros(7))
    monkeypatch.setattr(images, "memory_bytes", lambda: 7 * 3 * 64**2 - 1)
    assert len(images.scaled(part, 63)) == 7
    with pytest.raises(BadInput, match=r"data\.image_size = 64: 7 images of that size take 0\.0 GB"):
        images.scaled(part, 64)


def test_a_folder_larger_than_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pets(tmp_path)
    monkeypatch.setattr(external, "memory_bytes", lambda: 6 * 3 * SIDE**2)
    assert len(loaded(tmp_path).train) == 6
    monkeypatch.setattr(external, "memory_bytes", lambda: 6 * 3 * SIDE**2 - 1)
    with pytest.raises(BadInput, match=r"its images take more than the 0\.0 GB .* set a smaller data\.image_size"):
        loaded(tmp_path)


@pytest.mark.parametrize("channels", [1, 3])
def test_mean_and_deviation_are_those_of_the_pixels(channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(channels)
    drawn = torch.randint(0, 200, (9, channels, 5, 5), dtype=torch.uint8, generator=generator)
    values = drawn.double() / 255
    monkeypatch.setattr(external, "AT_A_TIME", 2 * channels * 5 * 5)
    mean, std = external._spread(drawn)
    assert mean == pytest.approx(values.mean((0, 2, 3)).tolist(), rel=1e-14)
    assert std == pytest.approx(values.std((0, 2, 3)).tolist(), rel=1e-14)


@pytest.mark.parametrize("names", [("Training", "Testing"), ("Train", "Validation"), ("train_", "test")])
def test_parts_are_not_taken_for_classes(tmp_path: Path, names: tuple[str, str]) -> None:
    root = pets(tmp_path)
    for before, after in zip(("train", "test"), names, strict=True):
        (root / before).rename(root / after)
    with pytest.raises(BadInput, match=r"sounds like a part of the images and no class|has a test/ already"):
        loaded(tmp_path, test_part=0.2)


def test_images_of_another_size_fit_once_they_are_scaled(tmp_path: Path) -> None:
    for path in (pets(tmp_path) / "test").rglob("*.png"):
        picture(path, side=16)
    assert loaded(tmp_path, image_size=12).test.images.shape == (6, 3, 12, 12)


@pytest.mark.parametrize(("side", "cutout", "fits"), [
    (8, 16, False), (8, 8, False), (16, 16, False), (32, 33, False), (32, 16, True), (16, 8, True), (8, 0, True),
])  # fmt: skip
def test_a_square_that_blanks_whole_images_is_refused(tmp_path: Path, side: int, cutout: int, fits: bool) -> None:
    study = tiny(space="cell-study1", space_options={"cells": 1, "channels": 2, "nodes": 1, "concat": 1},
                 data={**TINY["data"], "image_size": side}, recipe={**TINY["recipe"], "cutout": cutout},
                 method=[{"name": "random", "strategy": "random"}])  # fmt: skip
    if fits:
        assert prepare(study, tmp_path, None, False, "cpu").data.size == side
        return
    with pytest.raises(BadInput, match=rf"cutout = {cutout} blanks whole images of {side}×{side}"):
        prepare(study, tmp_path, None, False, "cpu")


def test_a_tuned_square_that_blanks_whole_images_is_refused(tmp_path: Path) -> None:
    tuning = {"name": "t", "ranges": {"cutout": {"low": 0, "high": 40}}, "trials": 2}
    with pytest.raises(BadInput, match="cutout = 40 blanks whole images of 32×32"):
        prepare(tiny(tuning=[tuning]), tmp_path, None, False, "cpu")


@pytest.mark.parametrize(
    ("layout", "held_out", "trained", "tested"),
    [
        (("train",), 0.2, 16, 4),
        (("train",), 0.5, 10, 10),
        (("train",), 0.01, 18, 2),
        (("train",), 0.99, 2, 18),
        ((".",), 0.3, 14, 6),
    ],
)
def test_a_folder_of_one_part_is_divided(tmp_path: Path, layout: tuple[str, ...], held_out: float, trained: int,
                                         tested: int) -> None:  # fmt: skip
    pets(tmp_path, 10, layout)
    found = loaded(tmp_path, test_part=held_out)
    assert (len(found.train), len(found.test)) == (trained, tested)
    assert [part.labels.bincount().tolist() for part in (found.train, found.test)] == [
        [trained // 2] * 2, [tested // 2] * 2]  # fmt: skip
    bright = found.test.images.float().mean((1, 2, 3)) > 100
    assert torch.equal(bright.long(), found.test.labels)


def test_the_images_that_are_held_out_are_none_that_are_trained_on_and_always_the_same(tmp_path: Path) -> None:
    for number in range(20):
        picture(tmp_path / "train" / ("cat", "dog")[number % 2] / f"{number}.png", 10 * number)
    first, second = (loaded(tmp_path, test_part=0.3) for _ in range(2))
    assert torch.equal(first.test.images, second.test.images)
    values = [set(part.images.unique().tolist()) for part in (first.train, first.test)]
    assert not values[0] & values[1]
    assert len(values[0] | values[1]) == 20


@pytest.mark.parametrize(
    ("parts", "name", "held_out", "says"),
    [
        (("train",), "folder", None, "has no test/; .* data.test_part = 0.2 holds out"),
        (("train", "test"), "folder", 0.2, "has a test/ already"),
        ((), "digits", 0.2, "digits has test images of its own"),
        ((), "cifar10", 0.2, "cifar10 has test images of its own"),
        ((), "torchvision:MNIST", 0.2, "MNIST has a part of its own to test on"),
        ((), "folder", 0.2, "no folder of a class"),
    ],
)
def test_a_part_is_held_out_only_where_there_is_one_part(tmp_path: Path, parts: tuple[str, ...], name: str,
                                                         held_out: float | None, says: str) -> None:  # fmt: skip
    pets(tmp_path, parts=parts)
    with pytest.raises(BadInput, match=says):
        loaded(tmp_path, name, test_part=held_out)


def test_a_class_of_one_image_cannot_be_divided(tmp_path: Path) -> None:
    picture(pets(tmp_path, parts=("train",)) / "train" / "cow" / "0.png")
    with pytest.raises(BadInput, match="has one image alone"):
        loaded(tmp_path, test_part=0.2)


def test_what_was_held_out_is_said_in_the_study(tmp_path: Path) -> None:
    pets(tmp_path, 10, ("train",), 32)
    study = tiny(data={"name": "folder", "test_part": 0.2}, method=[{"name": "baseline"}])
    (note,) = prepare(study, tmp_path / "results", tmp_path, False, "cpu").as_json("")["notes"]
    assert note.startswith("folder comes in one part: 20 % of each class")


def odd(root: Path | None, download: bool) -> DataSet:
    """As a loader from outside may give it: floating-point pixels."""
    part = Images(torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 0, 1]))
    return DataSet(part, part, 2, (0.5,), (0.5,))


def single(root: Path | None, download: bool) -> DataSet:
    part = Images(torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64))
    return DataSet(part, part, 2, (0.5,), (0.5,))


def unlike(root: Path | None, download: bool) -> DataSet:
    first, second = (Images(torch.zeros(4, 1, side, side, dtype=torch.uint8), torch.tensor([0, 1, 0, 1]))
                     for side in (8, 9))  # fmt: skip
    return DataSet(first, second, 2, (0.5,), (0.5,))


@pytest.mark.parametrize(("name", "says"), [
    ("odd", "no uint8"), ("single", "all of one class"), ("unlike", "differ in shape (1×8×8 and 1×9×9)"),
])  # fmt: skip
def test_what_a_loader_from_outside_gives_is_looked_at(name: str, says: str) -> None:
    with pytest.raises(BadInput, match=re.escape(says)):
        loaded(Path(), f"{__name__}:{name}")
