"""Runs on an MLflow server: the study is an experiment, a method a parent run, a trial a run below it."""

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from harness.trackers.targets import Target
from harness.trackers.values import Point, Trial, ended, facts, finals, flattened, linked
from harness.vocabulary.rows import Row, Status

KEY, ROW, GROUP = "nas_harness.key", "nas_harness.row", "nas_harness.method"  # tags
SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # the next try is the caller's
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # seconds
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
PAGE, NUMBERS, PARAMS, LETTERS = 1000, 1000, 100, 250  # of a request: runs, numbers, settings; of a text
T = TypeVar("T")


class MLflow:
    """Of the trials of one results folder: runs of another one, which may have the same keys, stay as they are.

    Raises what MLflow raises where the server does not answer or refuses.
    """

    def __init__(self, target: Target, study: str, folder: Path) -> None:
        self._folder = folder
        os.environ.update(SETTINGS)
        user, password = target.login
        if user:
            os.environ.update(MLFLOW_TRACKING_USERNAME=user, MLFLOW_TRACKING_PASSWORD=password)
        from mlflow import MlflowClient

        self._client = MlflowClient(target.address)
        found = self._client.get_experiment_by_name(study)
        self._experiment = found.experiment_id if found else self._client.create_experiment(study)
        self._runs: dict[str, str] = {}  # key → id
        self._groups: dict[str, str] = {}  # method → id

    def known(self) -> dict[str, str]:
        others: dict[str, str] = {}
        own: dict[str, str] = {}
        for run in self._pages():
            tags = run.data.tags
            if key := tags.get(KEY):
                mine = tags.get("row") == linked(self._folder, key)[:LETTERS]
                if mine:
                    self._runs[key] = run.info.run_id
                if ROW in tags:
                    (own if mine else others)[key] = tags[ROW]
            elif GROUP in tags:
                self._groups[tags[GROUP]] = run.info.run_id
        return {**others, **own}

    def _pages(self) -> Iterator[Any]:
        token = None
        while True:
            page = self._client.search_runs([self._experiment], max_results=PAGE, page_token=token)
            yield from page
            if not (token := page.token):
                return

    def start(self, trial: Trial) -> None:
        if before := self._runs.pop(trial.key, None):
            self._client.delete_run(before)
        tags = {KEY: trial.key, "mlflow.parentRunId": self._group(trial.method), "row": trial.link,
                "method": trial.method, "kind": trial.kind, "seed": str(trial.seed)}  # fmt: skip
        self._runs[trial.key] = self._created(trial.name, tags, trial.began)

    def _group(self, method: str) -> str:
        if method not in self._groups:
            self._groups[method] = self._created(method, {GROUP: method})
            self._client.set_terminated(self._groups[method])
        return self._groups[method]

    def _created(self, name: str, tags: Mapping[str, str], began: float | None = None) -> str:
        at = round((began or time.time()) * 1000)
        run = self._client.create_run(self._experiment, start_time=at, run_name=name[:LETTERS],
                                      tags={tag: text[:LETTERS] for tag, text in tags.items()})  # fmt: skip
        return str(run.info.run_id)

    def log(self, trial: Trial, points: Sequence[Point]) -> None:
        for part in chunks(_metrics(points), NUMBERS):
            self._client.log_batch(self._runs[trial.key], metrics=part)

    def end(self, trial: Trial, points: Sequence[Point], row: Row, digest: str) -> None:
        from mlflow.entities import Param, RunTag

        own = self._runs[trial.key]
        at = ended(row) or time.time()
        self.log(trial, [*points, Point(row.get("epochs") or 0, finals(row), at)])
        named = [Param(_name(name), str(value)[:LETTERS]) for name, value in flattened(row["settings"])]
        for part in chunks(named, PARAMS):
            self._client.log_batch(own, params=part)
        status = "FAILED" if row["status"] == Status.FAILED else "FINISHED"
        self._client.set_terminated(own, status, end_time=round(at * 1000))
        tags = {**{name: str(value)[:LETTERS] for name, value in facts(row).items()}, ROW: digest}
        self._client.log_batch(own, tags=[RunTag(name, value) for name, value in tags.items()])

    def leave(self, trial: Trial) -> None:
        self._client.set_terminated(self._runs[trial.key], "KILLED")


def _metrics(points: Sequence[Point]) -> list[Any]:
    from mlflow.entities import Metric

    return list(chain.from_iterable(
        (Metric(_name(name), value, round(point.at * 1000), point.step) for name, value in point.numbers.items())
        for point in points
    ))  # fmt: skip


def _name(text: str) -> str:
    """What else stands in a name MLflow refuses."""
    return re.sub(r"[^\w.\-/: ]", "_", text)


def chunks(values: Sequence[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(values), size):
        yield list(values[start : start + size])
