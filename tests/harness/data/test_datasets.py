"""Data sets, splits and augmentation."""

import hashlib
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data import cifar_files, datasets
from harness.data.images import DataSet, Images, augmented
from harness.data.splits import split as split_
from harness.errors import BadInput

BLACK = torch.zeros(3, 1, 1)


def test_digits_are_real_and_scaled():
    loaded = datasets.load({"name": "digits", "image_size": 32, "train_images": 200}, None)
    assert loaded.train.images.shape == (200, 1, 32, 32)
    assert loaded.train.images.dtype == torch.uint8
    assert len(loaded.test) == 500
    assert set(loaded.train.labels.tolist()) == set(range(10))
    mean = loaded.train.images.float().mean() / 255
    assert mean == pytest.approx(loaded.mean[0], abs=0.02)


def test_the_part_of_the_training_images_is_the_same_for_every_seed():
    first, second = (datasets.load({"name": "digits", "train_images": 50}, None) for _ in range(2))
    assert torch.equal(first.train.images, second.train.images)
    larger = datasets.load({"name": "digits"}, None)
    assert len(larger.train) == 1297


@given(st.integers(2, 300), st.integers(0, 5), st.floats(0.05, 0.95))
def test_a_split_uses_every_image_once(images, seed, portion):
    split = split_(images, 0, seed, portion)
    assert len(split.weights)
    assert len(split.alpha)
    assert sorted([*split.weights.tolist(), *split.alpha.tolist()]) == list(range(images))
    assert split.digest() == split_(images, 0, seed, portion).digest()


def test_splits_differ_between_seeds_and_final_training_has_no_validation_split():
    assert split_(100, 0, 0, 0.5).digest() != split_(100, 0, 1, 0.5).digest()
    assert len(split_(100, 0, 0, None).alpha) == 0


@given(st.integers(0, 2**31), st.sampled_from(["crop", "crop-flip"]))
@settings(max_examples=30)
def test_augmentation_draws_a_crop_and_a_flip_for_each_image(seed, kind):
    images = torch.randint(0, 256, (16, 3, 12, 12), dtype=torch.uint8)
    out = augmented(images, kind, 0, seed, BLACK)
    assert out.shape == images.shape
    assert out.dtype == torch.uint8
    padded = torch.nn.functional.pad(images, (4,) * 4)
    for before, after in zip(padded, out, strict=True):
        crops = [before[:, y : y + 12, x : x + 12] for y in range(9) for x in range(9)]
        crops += [crop.flip(-1) for crop in crops] if kind == "crop-flip" else []
        assert any(torch.equal(after, crop) for crop in crops)


def test_augmentation_differs_between_images_and_not_between_runs():
    images = torch.arange(144, dtype=torch.uint8).reshape(1, 1, 12, 12).repeat(64, 1, 1, 1)
    out = augmented(images, "crop-flip", 0, 1, BLACK)
    assert len({image.numpy().tobytes() for image in out}) > 40
    assert torch.equal(out, augmented(images, "crop-flip", 0, 1, BLACK))


def test_cutout_blanks_a_square_of_each_image():
    images = torch.full((200, 2, 16, 16), 255, dtype=torch.uint8)
    out = augmented(images, "none", 4, 0, torch.tensor([99.6, 7.2])[:, None, None])
    blanked = (out != 255).flatten(2).sum(2)
    assert blanked.max() == 16
    assert blanked.min() >= 4
    assert out[:, 0].unique().tolist() == [100, 255]
    assert out[:, 1].unique().tolist() == [7, 255]


@pytest.fixture
def small_cifar(tmp_path, monkeypatch):
    """Files in torchvision's layout with checksums of their own."""
    from torchvision.datasets import CIFAR10

    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()
    rng = np.random.default_rng(0)

    def written(name, content):
        (folder / name).write_bytes(pickle.dumps(content))
        return [name, hashlib.md5((folder / name).read_bytes()).hexdigest()]

    def batch(count):
        return {"data": rng.integers(0, 256, (count, 3072), dtype=np.uint8), "labels": list(range(count))}

    monkeypatch.setattr(CIFAR10, "train_list", [written(f"data_batch_{i}", batch(10)) for i in range(1, 6)])
    monkeypatch.setattr(CIFAR10, "test_list", [written("test_batch", batch(7))])
    meta = dict(zip(["filename", "md5"], written("batches.meta", {"label_names": list("abcdefghij")}), strict=True))
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, **meta})
    datasets._whole.cache_clear()
    yield tmp_path
    datasets._whole.cache_clear()


def test_cifar10_is_read_from_torchvisions_layout(small_cifar):
    loaded = datasets.load({"name": "cifar10"}, small_cifar)
    assert loaded.train.images.shape == (50, 3, 32, 32)
    assert len(loaded.test) == 7


def test_a_corrupt_file_is_told_by_its_checksum(small_cifar):
    path = small_cifar / "cifar-10-batches-py" / "data_batch_3"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(BadInput, match="--download"):
        datasets.load({"name": "cifar10"}, small_cifar)


def test_missing_data_say_how_to_get_them(tmp_path):
    with pytest.raises(BadInput, match="--data-root"):
        datasets.load({"name": "cifar10"}, None)
    with pytest.raises(BadInput, match="--download"):
        datasets.load({"name": "cifar10"}, tmp_path)
    with pytest.raises(BadInput, match="'mnist' is unknown"):
        datasets.load({"name": "mnist"}, None)
    with pytest.raises(BadInput, match="train_images"):
        datasets.load({"name": "digits", "train_images": 5000}, None)
    with pytest.raises(BadInput, match="train_images = 1: all that are sampled are of one class; take more"):
        datasets.load({"name": "digits", "train_images": 1}, None)


@pytest.fixture
def without_torchvision(small_cifar, monkeypatch):
    from torchvision.datasets import CIFAR10

    monkeypatch.setattr(cifar_files, "TRAIN", dict(CIFAR10.train_list))
    monkeypatch.setattr(cifar_files, "TEST", dict(CIFAR10.test_list))
    monkeypatch.setattr(datasets, "find_spec", lambda name: None)
    return small_cifar


def test_cifar10_is_the_same_without_torchvision(without_torchvision):
    alone = datasets.cifar10(without_torchvision, False)
    train, test = datasets._cifar10(without_torchvision, False)
    for ours, theirs in ((alone.train, train), (alone.test, test)):
        assert torch.equal(ours.images, theirs.images)
        assert torch.equal(ours.labels, theirs.labels)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: path.write_bytes(b"x"), "is not the published file"),
    ],
)
def test_without_torchvision_other_files_are_refused(without_torchvision, change, said):
    change(without_torchvision / "cifar-10-batches-py" / "data_batch_3")
    with pytest.raises(BadInput, match=rf"data_batch_3 {said}.*install torchvision"):
        datasets.cifar10(without_torchvision, False)


def test_the_sums_of_cifar10_are_torchvisions():
    from torchvision.datasets import CIFAR10

    assert dict(CIFAR10.train_list + CIFAR10.test_list) == {**cifar_files.TRAIN, **cifar_files.TEST}


def brought(root, download):
    """What `BROUGHT` says, as a loader of one's own."""
    return BROUGHT["found"]


BROUGHT: dict = {}


def made(channels=3, shape=(8, 8), mean=(0.5,), std=(0.2,), labels=torch.int64):
    images = torch.zeros(4, channels, *shape, dtype=torch.uint8)
    part = Images(images, torch.tensor([0, 1, 0, 1], dtype=labels))
    return DataSet(part, part, 2, mean, std)


def loaded(found, monkeypatch, **more):
    datasets.forget()
    monkeypatch.setitem(BROUGHT, "found", found)
    monkeypatch.setattr(datasets, "loader", lambda *_: brought)
    try:
        return datasets.load({"name": "mine:brought", **more}, None)
    finally:
        datasets.forget()


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (made(channels=1, mean=(0.1, 0.2, 0.3)), "its mean must be a tuple of 1 numbers, one of each channel"),
        (made(std=(0.2, 0.2)), "its std must be a tuple of 3 numbers, one of each channel"),
        (made(mean=0.5), "its mean must be a tuple of 3 numbers, one of each channel, and is 0.5"),
        (made(mean=(float("nan"),)), "its mean has values that are not finite numbers"),
        (made(std=("0.2",)), "its std has values that are not finite numbers"),
        (made(std=(0.2, 0.2, 0.0)), "each must be above 0"),
        (made(mean=(127.5,), std=(50.0,)), "as pixels do; divide mean and std by 255"),
        (replace(made(), labels=("cat", "dog", "bird")), "its classes have 3 names, and there are "),
        (made(std=(70.0,)), "each must be above 0 and at most 1"),
        (replace(made(), classes="2"), "its classes is '2'; it must be a whole number from 2 on"),
        (replace(made(), classes=2.0), "its classes is 2.0; it must be"),
        (replace(made(), train=None), "its training images are a NoneType, and no harness.extend.Images"),
        (replace(made(), train=(made().train.images, made().train.labels)), "its training images are a tuple, and no"),
        (
            replace(made(), train=Images(made().train.images, made().train.labels[:, None])),
            "[N, C, H, W] with N labels",
        ),
        (replace(made(), train=Images(made().train.images, made().train.labels[0])), "[N, C, H, W] with N labels"),
        (made(shape=(8, 9)), "its images of 8×9 are not square; set data.image_size"),
        (made(labels=torch.uint8), "its training labels are torch.uint8; make them torch.int64"),
        (replace(made(), test=Images(np.zeros((4, 3, 8, 8), np.uint8), np.zeros(4))), "are no tensors"),
        (None, "it gives no harness.extend.DataSet"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_loader_of_ones_own_gives_is_seen_to_fit(found, says, monkeypatch):
    with pytest.raises(BadInput, match="^data.name = 'mine:brought': .*" + re.escape(says)):
        loaded(found, monkeypatch)


def test_one_mean_is_that_of_every_channel_and_image_size_makes_images_square(monkeypatch):
    found = loaded(made(shape=(8, 9), std=(1, 0.5, 0.25)), monkeypatch, image_size=8)
    assert (found.mean, found.std) == ((0.5, 0.5, 0.5), (1.0, 0.5, 0.25))
    assert found.train.images.shape == (4, 3, 8, 8)
