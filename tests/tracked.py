"""What trackers hold of a study, read back in one form; a real MLflow server on this machine."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from harness.storage.rows import latest_rows
from harness.trackers.values import finals, points

BLOCK = 1 << 15  # bytes


@dataclass
class Shown:
    """Of one trial. `curve`: name → (step, value)."""

    group: str
    link: str
    curve: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    finals: dict[str, float] = field(default_factory=dict)
    status: str = ""
    epochs: str = ""  # of the recipe, among the settings


def of_rows(folder: Path) -> dict[str, Shown]:
    """Key → what any tracker must show of the row."""
    found = {}
    for key, row in latest_rows(folder).items():
        curve: dict[str, list[tuple[int, float]]] = {}
        for point in points(row):
            for name, value in point.numbers.items():
                curve.setdefault(name, []).append((point.step, rounded(value)))
        last = {name: rounded(value) for name, value in finals(row).items()}
        epochs = str(row["settings"].get("recipe", {}).get("epochs", ""))
        found[key] = Shown(row["method"], f"{folder.resolve()}#{key}", curve, last, row["status"], epochs)
    return found


def rounded(value: float) -> float:
    """TensorBoard holds 32 bits."""
    return float(np.float32(value))


def in_tensorboard(folder: Path) -> dict[str, Shown]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = {}
    for run in (folder / "tensorboard").glob("*/*"):
        events = EventAccumulator(str(run)).Reload()
        scalars = {name: [(point.step, rounded(point.value)) for point in events.Scalars(name)]
                   for name in events.Tags()["scalars"]}  # fmt: skip
        said = {name.split("/")[0]: json.loads(events.Tensors(name)[0].tensor_proto.string_val[0])
                for name in events.Tags()["tensors"]}  # fmt: skip
        key = run.name.split()[-1]
        assert key not in found
        found[key] = _shown(run.parent.name, said.get("row", {}), said.get("settings", {}), scalars)
    return found


def in_wandb(folder: Path) -> dict[str, Shown]:
    from wandb.proto.wandb_internal_pb2 import Record

    found = {}
    for file in (folder / "wandb").glob("*/*.wandb"):
        config, scalars, group = dict[str, Any](), dict[str, list[tuple[int, float]]](), ""
        for record in map(Record.FromString, _records(file.read_bytes())):
            group = record.run.run_group or group
            config |= {one.key: json.loads(one.value_json)
                       for part in (record.run.config, record.config) for one in part.update}  # fmt: skip
            numbers = {(one.key or ".".join(one.nested_key)): json.loads(one.value_json) for one in record.history.item}
            for name, value in numbers.items():
                if not name.startswith("_"):
                    scalars.setdefault(name, []).append((record.history.step.num, rounded(value)))
            for one in record.summary.update:
                name = one.key or one.nested_key[0]
                if name.startswith("final/"):
                    scalars[name] = [(0, rounded(json.loads(one.value_json)))]
        assert config["trial"]["key"] not in found
        found[config["trial"]["key"]] = _shown(group, config["trial"], config.get("settings", {}), scalars)
    return found


def _records(data: bytes) -> Iterator[bytes]:
    """Of LevelDB's log format: blocks, in which each part has a checksum, its length and whether more follow."""
    at, parts = 7, b""  # after the file's own header
    while at + 7 <= len(data):
        if (left := BLOCK - at % BLOCK) < 7:
            at += left
            continue
        length, last = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6] in (1, 4)
        parts, at = parts + data[at + 7 : at + 7 + length], at + 7 + length
        if last:
            yield parts
            parts = b""


def in_mlflow(uri: str, study: str) -> dict[str, Shown]:
    from mlflow import MlflowClient

    client, found = MlflowClient(uri), {}
    experiment = client.get_experiment_by_name(study)
    runs = client.search_runs([experiment.experiment_id]) if experiment else []
    names = {run.info.run_id: run.info.run_name for run in runs}
    for run in runs:
        if not (key := run.data.tags.get("nas_harness.key")):
            continue
        scalars = {name: sorted((point.step, rounded(point.value))
                                for point in client.get_metric_history(run.info.run_id, name))
                   for name in run.data.metrics}  # fmt: skip
        assert key not in found
        assert run.info.status in ("FINISHED", "FAILED", "KILLED")
        epochs = {"recipe": {"epochs": run.data.params.get("recipe.epochs", "")}}
        found[key] = _shown(names[run.data.tags["mlflow.parentRunId"]], run.data.tags, epochs, scalars)
    return found


def _shown(group: str, said: Any, settings: Any, scalars: dict[str, list[tuple[int, float]]]) -> Shown:
    last = {name: values[-1][1] for name, values in scalars.items() if name.startswith("final/")}
    curve = {name: values for name, values in scalars.items() if name not in last}
    epochs = str(settings.get("recipe", {}).get("epochs", ""))
    return Shown(group, said.get("row", ""), curve, last, said.get("status", ""), epochs)


class Server:
    """`mlflow server` with its data in a folder; it may be killed, and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._process = folder, None
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port),
                   "--workers", "1", "--backend-store-uri", f"sqlite:///{self._folder}/mlflow.db",
                   "--artifacts-destination", str(self._folder / "artifacts")]  # fmt: skip
        more = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with open(self._folder / "server.log", "a") as log:
            self._process = subprocess.Popen(command, env={**os.environ, **more}, stdout=log, stderr=log,
                                             start_new_session=True)  # fmt: skip
        until = time.monotonic() + 500
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "server.log").read_text()
            assert time.monotonic() < until
            time.sleep(0.2)

    def _answers(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self.uri}/health", timeout=5) as answer:
            return answer.read() == b"OK"
        return False

    def kill(self) -> None:
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextmanager
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as found:
        yield f"http://127.0.0.1:{found.getsockname()[1]}"


def nobody() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return f"http://127.0.0.1:{found.getsockname()[1]}"
