"""What notebooks and scripts import: a study as a value, its run, its results as tables (docs/notebooks.md).

These names stay; everything else in here may move. What is wrong with a study, its data or a folder raises `BadInput`
with one clear line.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from harness.run.session import Execute
    from harness.study.schema import Study

__all__ = ["BadInput", "load_curves", "load_results", "run", "study"]
Where = str | os.PathLike[str]


def study(source: Where | Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> "Study":
    """A study from its file, by its name in the package, or from values as a file has them.

    `changes`: dotted field → value, as in {"recipe.epochs": 3, "method.darts-A.twins": 2}.
    """
    from harness.study.load import load_study, parsed_study

    edits = [f"{field}={json.dumps(value, ensure_ascii=False)}" for field, value in (changes or {}).items()]
    if isinstance(source, Mapping):
        return parsed_study(source, "study", edits)
    return load_study(os.fspath(source), edits)


def run(
    what: "Study | Where",
    results: Where = "results",
    data_root: Where | None = None,
    *,
    device: str = "auto",
    executor: Literal["ray", "in-process"] = "ray",
    cpus: int | None = None,
    download: bool = False,
) -> "pd.DataFrame":
    """Runs what a study still lacks and gives its trials, as `load_results` does; the same call again carries on.

    `what`: a study, or its file; a module beside the file is found as by `nas-harness run`. `results`: the folder in
    which the study has its own. `cpus`: how many cores Ray may use; null: all. A trial that failed is a line with its
    reason, and runs again with the next call. Raises Stopped where the run had to end before.
    """
    from harness.data import datasets
    from harness.engine.device import device_named
    from harness.run.admission import Shares
    from harness.run.changes import changes
    from harness.run.prepare import prepare
    from harness.run.session import Session
    from harness.run.session import run as run_prepared
    from spaces.plugins import beside

    home, loaded = Path.cwd(), study(what) if isinstance(what, str | os.PathLike) else what
    if isinstance(what, str | os.PathLike) and os.path.isfile(what):
        home = Path(what).resolve().parent
    root, chosen = datasets.data_root(os.fspath(data_root) if data_root else None), str(device_named(device))
    with beside(home):
        ready = prepare(loaded, Path(results), root, download, chosen, home=home)
        if (found := changes(ready)).left_out:
            raise BadInput(f"{ready.folder} holds another study of this name ({found}); give this one another name")
        shares = Shares({}, {}).checked(chosen)
        run_prepared(ready, Session(_executor(executor, cpus, root), shares, chosen, root, "harness.api.run"))
    return load_results(ready.folder)


def load_results(*folders: Where) -> "pd.DataFrame":
    """Trials of one or several results folders, a line each; the columns are those of `data/runs.parquet`."""
    from analysis.results import tidy

    return tidy.runs(_loaded(folders))


def load_curves(*folders: Where) -> "pd.DataFrame":
    """Their epochs, a line for each epoch of a trial; the columns are those of `data/curves.parquet`."""
    from analysis.results import tidy

    return tidy.curves(_loaded(folders))


def _loaded(folders: tuple[Where, ...]) -> Any:
    from analysis.results.protocol_view import Damaged
    from analysis.results.rows import load
    from harness.storage.folder import opened_study

    if not folders:
        raise BadInput("name a results folder")
    for folder in folders:
        opened_study(Path(folder))
    try:
        return load([Path(folder) for folder in folders])
    except Damaged as error:
        raise BadInput(str(error)) from None


def _executor(name: str, cpus: int | None, root: Path | None) -> "Execute":
    if name == "in-process":
        from harness.run import in_process

        return in_process.run
    from harness.ray_tune import searcher
    from harness.ray_tune.cluster import Options

    return lambda driver: searcher.run(driver, Options(None, cpus, root))
