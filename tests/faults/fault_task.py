"""A formula in place of training that writes down every epoch it executes, and fails where its study says so."""

import hashlib
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import torch

from harness.seeding import stream

LOG = "NAS_HARNESS_FAULT_LOG"  # environment variable: the folder of the log
HASTE = "haste"  # a file beside the log: where it lies, epochs take no time
HOLD = "hold"  # a file beside the log, "COUNT EPOCH": once COUNT epochs have begun, those from number EPOCH on wait
RAISES, DIVERGES, HANGS, GREEDY = "vgg11 1-3", "vgg11 1-4", "vgg11 1-5", "vgg11 1-6"  # architectures that do


def logged(settings: dict[str, Any], epoch: int) -> dict[str, float]:
    """A number from the seeds and the architecture alone; takes `recipe.lr` seconds."""
    trial = identity(settings)
    write(trial, epoch)
    while _held(epoch):
        time.sleep(0.05)
    time.sleep(0 if (Path(os.environ[LOG]) / HASTE).exists() else settings["recipe"]["lr"])
    if epoch == 2:
        _misbehave(settings.get("architecture"), trial)
    seed = stream(settings["study_seed"], settings["seed"], str(settings.get("architecture")), epoch)
    return {"value": 50 + seed % 5000 / 100}


def identity(settings: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def write(trial: str, epoch: int) -> None:
    """One line, appended in one write: several processes and hosts share the folder."""
    line = f"{trial} {epoch} {time.time():.3f} {os.getpid()} {socket.gethostname()}\n"
    with open(Path(os.environ[LOG]) / "epochs.log", "a") as log:
        log.write(line)


def _held(epoch: int) -> bool:
    folder = Path(os.environ[LOG])
    try:
        count, first = map(int, (folder / HOLD).read_text().split())
    except FileNotFoundError:
        return False
    return epoch >= first and len((folder / "epochs.log").read_text().splitlines()) >= count


def _misbehave(architecture: str | None, trial: str) -> None:
    from harness.training.train import Diverged

    if architecture == RAISES:
        raise KeyError("a space with a mistake in it")
    if architecture == DIVERGES:
        raise Diverged("the training loss became nan")
    if architecture == HANGS:
        time.sleep(10_000)
    marker = Path(os.environ[LOG]) / f"fitted-{trial}"
    if architecture == GREEDY and not marker.exists():
        marker.touch()
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
