"""Runs of Weights & Biases: the study is a project, a method a group, a trial a run whose id is the row's key.

Where WANDB_MODE is offline, `wandb sync` sends them from `wandb/` in the results folder; the service takes a second run
of an id in place of the first.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.storage.files import write_atomically
from harness.trackers.values import Point, Trial, facts, finals
from harness.vocabulary.rows import Row, Status

ROW = "row.txt"  # holds the digest of the row that a run has whole
QUIET = {
    **dict.fromkeys(("silent", "disable_git", "disable_code", "disable_job_creation"), True),
    **dict.fromkeys(("x_disable_meta", "x_disable_stats", "x_disable_machine_info"), True),
    "x_save_requirements": False, "console": "off", "symlink": False, "init_timeout": 20.0,
}  # fmt: skip


class WandB:
    """Raises what W&B raises, such as where nobody is logged in."""

    def __init__(self, folder: Path, study: str) -> None:
        self._folder, self._study = folder, study
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        os.environ["WANDB_CACHE_DIR"] = str(self._own / "cache")  # a link from each run leads there
        import wandb

        wandb.teardown()  # else the id of a run that could not be started stays in use
        self._open: dict[str, Any] = {}

    @property
    def _own(self) -> Path:
        return self._folder / "wandb"

    def known(self) -> dict[str, str]:
        return {path.parent.name.rpartition("-")[2]: path.read_text() for path in self._own.glob(f"*run-*/{ROW}")}

    def start(self, trial: Trial) -> None:
        import wandb

        self._finished(trial, 1)
        for before in self._own.glob(f"*run-*-{trial.key}"):
            shutil.rmtree(before)
        (self._own / "cache").mkdir(parents=True, exist_ok=True)
        about = {"row": trial.link, "key": trial.key, "method": trial.method, "kind": trial.kind, "seed": trial.seed}
        self._open[trial.key] = run = wandb.init(
            project=self._study, id=trial.key, name=trial.name, group=trial.method, job_type=trial.kind,
            config={"trial": about}, dir=str(self._folder), reinit="create_new",
            settings=wandb.Settings(**QUIET),
        )  # fmt: skip
        for link in (path for path in self._place(run).rglob("*") if path.is_symlink()):
            link.unlink()  # it would lead out of a results folder that is moved

    @staticmethod
    def _place(run: Any) -> Path:
        return Path(run.dir).parent

    def log(self, trial: Trial, points: Sequence[Point]) -> None:
        for point in points:
            self._open[trial.key].log(dict(point.numbers), step=point.step)

    def end(self, trial: Trial, points: Sequence[Point], row: Row, digest: str) -> None:
        self.log(trial, points)
        run = self._open[trial.key]
        run.config.update({"settings": row["settings"], "trial": {**run.config["trial"], **facts(row)}},
                          allow_val_change=True)  # fmt: skip
        run.summary.update(finals(row))
        place = self._place(run)
        self._finished(trial, int(row["status"] == Status.FAILED))
        write_atomically(place / ROW, digest.encode(), durable=False)

    def leave(self, trial: Trial) -> None:
        self._finished(trial, 1)

    def _finished(self, trial: Trial, status: int) -> None:
        if run := self._open.pop(trial.key, None):
            run.finish(exit_code=status)
