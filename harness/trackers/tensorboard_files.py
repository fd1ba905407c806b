"""Files for TensorBoard in `tensorboard/` of the results folder: METHOD/seed N KEY, so that methods are groups."""

import json
import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.storage.files import write_atomically
from harness.trackers.values import Point, Trial, ended, facts, finals
from harness.vocabulary.rows import Row

ROW = "row.txt"  # holds the digest of the row that a run has whole


class TensorBoard:
    """Raises OSError where the disk does not take them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "tensorboard"
        self._open: dict[str, Any] = {}

    def known(self) -> dict[str, str]:
        return {path.parent.name.rpartition(" ")[2]: path.read_text() for path in self._folder.glob(f"*/*/{ROW}")}

    def start(self, trial: Trial) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._closed(trial)
        for before in self._folder.glob(f"*/seed * {trial.key}"):
            shutil.rmtree(before)
        self._open[trial.key] = EventFileWriter(str(self._run(trial)))

    def _run(self, trial: Trial) -> Path:
        return self._folder / re.sub(r"^\.+|[^\w.@+\- ]", "_", trial.method) / f"seed {trial.seed} {trial.key}"

    def log(self, trial: Trial, points: Sequence[Point]) -> None:
        writer = self._open[trial.key]
        for point in points:
            writer.add_event(_scalars(point))
        writer.flush()

    def end(self, trial: Trial, points: Sequence[Point], row: Row, digest: str) -> None:
        at = ended(row) or time.time()
        self.log(trial, [*points, Point(row.get("epochs") or 0, finals(row), at)])
        for name, values in {"settings": row["settings"], "row": {"row": trial.link, **facts(row)}}.items():
            self._open[trial.key].add_event(_text(name, json.dumps(values, indent=1), at))
        self._closed(trial)
        write_atomically(self._run(trial) / ROW, digest.encode(), durable=False)

    def leave(self, trial: Trial) -> None:
        self._closed(trial)

    def _closed(self, trial: Trial) -> None:
        if writer := self._open.pop(trial.key, None):
            writer.close()


def _scalars(point: Point) -> Any:
    """An event with the numbers of a point."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    values = [Summary.Value(tag=name, simple_value=value) for name, value in point.numbers.items()]
    return Event(wall_time=point.at, step=point.step, summary=Summary(value=values))


def _text(name: str, text: str, at: float) -> Any:
    """An event with a text that TensorBoard shows as it stands."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    shown = "\n".join(f"    {line}" for line in text.splitlines())  # as Markdown's code
    one = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    plugin = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    tensor = TensorProto(dtype=DT_STRING, tensor_shape=one, string_val=[shown.encode()])
    value = Summary.Value(tag=f"{name}/text_summary", metadata=plugin, tensor=tensor)
    return Event(wall_time=at, summary=Summary(value=[value]))
