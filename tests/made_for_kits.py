"""A small CIFAR-10 in torchvision's layout, and results of studies that never ran."""

import json
import pickle
from pathlib import Path

import numpy as np

PROTOCOL = 4  # pixels in one block, as in the published files


def images(count: int, seed: int = 0) -> np.ndarray:
    """uint8 [N, 3072]: smooth, as photographs are, with a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:32, 0:32]
    slopes = rng.uniform(-3, 3, (count, 3, 2, 1, 1))
    planes = 128 + slopes[:, :, 0] * (x - 16) + slopes[:, :, 1] * (y - 16) + rng.normal(0, 1, (count, 3, 32, 32))
    return planes.clip(0, 255).astype(np.uint8).reshape(count, -1)


def batch(count: int, seed: int = 0) -> bytes:
    labels = [number % 10 for number in range(count)]
    return pickle.dumps({"labels": labels, "data": images(count, seed), "filenames": ["a.png"] * count}, PROTOCOL)


def data_root(root: Path, count: int = 40) -> Path:
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for number, name in enumerate(["data_batch_1", "data_batch_2", "test_batch"]):
        (folder / name).write_bytes(batch(count, number))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}, PROTOCOL))
    (folder / "readme.html").write_text("not packed")
    return root


def results(root: Path, name: str, rows: int, checkpoints: dict[str, tuple[int, int]]) -> Path:
    """A results folder with so many rows, and checkpoints: trial → (epoch, bytes)."""
    study = root / name
    study.mkdir(parents=True)
    (study / "study.json").write_text(json.dumps({"name": name}))
    (study / "trials.jsonl").write_text("".join(f"{json.dumps({'key': number})}\n" for number in range(rows)))
    (study / "predictions").mkdir()
    (study / "predictions" / "0.bin").write_bytes(b"0123")
    (study / "running.json").write_text("{}")
    for trial, (epoch, size) in checkpoints.items():
        (study / "checkpoints" / trial).mkdir(parents=True)
        (study / "checkpoints" / trial / "owner").write_text("me")
        for number in (epoch - 1, epoch):
            (study / "checkpoints" / trial / f"{number:06d}.pt").write_bytes(bytes([number]) * size)
    return study
