"""What a trial's row holds, and how a trial ended; as text these words stand in rows."""

from enum import StrEnum
from typing import Any, TypedDict


class Status(StrEnum):
    """How a trial ended. All but FAILED are final: a failed trial runs again with the next command."""

    DONE = "done"
    FAILED = "failed"
    DIVERGED = "diverged"
    DISCONNECTED = "disconnected"
    PRUNED = "pruned"
    UNMATCHED = "unmatched"  # a twin where no architecture but the searched one matches


MOVED = "a part of its epochs ran on"  # begins a warning of a trial that went on on another kind of hardware
FINAL = (Status.DONE, Status.DIVERGED, Status.DISCONNECTED, Status.PRUNED, Status.UNMATCHED)


class Trouble(StrEnum):
    """What an outcome's status may be beside a row's: the trial's place is in trouble, not the trial."""

    NO_MEMORY = "no memory"
    NO_SPACE = "no space"
    LOST = "lost"
    UNFIT = "unfit"
    STOPPED = "stopped"  # the whole run ends, and was asked to leave its trials time for it


class Outcome(TypedDict, total=False):
    """The part of a row that the trial knows itself. Accuracies in percent, losses as mean cross entropy."""

    status: str
    error: str | None
    architecture: str | None
    recipe: dict[str, Any] | None
    split: str | None
    val_accuracy: float | None
    test_accuracy: float | None
    train_loss: float | None
    test_loss: float | None
    parameters: int | None
    macs: int | None
    shortcuts: int | None
    long_shortcuts: int | None
    epochs: int
    seconds: float
    device_seconds: float
    device: str | None
    threads: int | None
    path: str | None
    precision: str | None
    host: str | None
    hardware: str | None
    started: str | None
    finished: str | None
    curve: list[dict[str, Any]]
    snapshots: dict[str, Any]  # null in rows of other kinds than searches
    stopped_at: int
    returned_to: int
    warnings: list[str]
    peak_memory_bytes: int | None
    predictions: str  # digests of what the network says of each test image, and of the right answers
    test_labels: str
    weights: str  # SHA-256 of the file of the trained network's weights, where the study keeps them
    history: dict[str, Any]  # of a black-box search (docs/rows.md)
    latency: float  # seconds, where a table has it
    score: float | None  # zero-cost, of an untrained network; settings.search.score names it
    ended: bool  # in checkpoints alone: pruned or stopped before the last epoch


class Row(Outcome, total=False):
    """A line of trials.jsonl (docs/rows.md)."""

    schema: int
    key: str
    kind: str
    method: str
    methods: list[str]
    role: str
    twin_of: str | None
    pair: str | None
    needs: list[str]
    seed: int
    train_seed: int
    twin: int
    settings: dict[str, Any]
    versions: dict[str, str]
    commit: str | None
    protocol: str | None  # hash of the entry of protocol.jsonl under which it ran
    dirty: bool | None


EMPTY: dict[str, Any] = dict.fromkeys(
    ("architecture", "recipe", "split", "error", "val_accuracy", "test_accuracy", "train_loss", "test_loss",
     "parameters", "macs", "shortcuts", "long_shortcuts", "device", "hardware", "threads", "path", "precision",
     "started", "finished", "snapshots", "peak_memory_bytes")
) | {"epochs": 0, "seconds": 0.0, "device_seconds": 0.0, "curve": [], "warnings": []}  # fmt: skip
