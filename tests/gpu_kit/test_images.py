"""Coded images come back to the byte, and take less room."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from made_for_kits import PROTOCOL, batch, images

from gpu_kit.images import coded, decoded


@pytest.mark.parametrize("pixels", [
    images(7),
    np.random.default_rng(1).integers(0, 256, (5, 3072), dtype=np.uint8),
    np.random.default_rng(2).choice(np.array([0, 255], np.uint8), (5, 3072)),
    np.zeros((1, 3072), np.uint8),
], ids=["smooth", "noise", "black and white", "black"])  # fmt: skip
def test_bytes_come_back(pixels: np.ndarray) -> None:
    content = pickle.dumps({"labels": [1], "data": pixels, "more": "after the pixels"}, PROTOCOL)
    assert decoded(coded(content)) == content


@pytest.mark.parametrize("content", [
    {"label_names": ["a"]},
    {"data": np.zeros((4, 100), np.uint8)},
    {"data": np.zeros((4, 3072))},
    {"data": "text"},
    ["a list"],
], ids=["no images", "other images", "other numbers", "no array", "a list"])  # fmt: skip
def test_files_without_such_pixels_come_back_too(content: object) -> None:
    packed = pickle.dumps(content, PROTOCOL)
    assert decoded(coded(packed)) == packed


def test_pixels_that_lie_in_several_blocks_come_back() -> None:
    """Protocol 2 writes a new Python's arrays as text."""
    content = pickle.dumps({"data": images(3)}, 2)
    assert images(3).tobytes() not in content
    assert decoded(coded(content)) == content


def test_smooth_images_take_less_than_half() -> None:
    content = batch(100)
    assert len(coded(content)) < len(content) / 2


@pytest.mark.long
@pytest.mark.skipif(
    not os.environ.get("NAS_HARNESS_DATA"), reason="NO CIFAR-10 HERE: set NAS_HARNESS_DATA to test on it"
)
def test_real_images_fit_into_two_pieces() -> None:
    """Of 54 MB: the six files hold 60,000 images, and take 102 MB."""
    content = (Path(os.environ["NAS_HARNESS_DATA"]) / "cifar-10-batches-py" / "test_batch").read_bytes()
    code = coded(content)
    assert 6 * len(code) < 2 * 52e6
    assert decoded(code) == content
