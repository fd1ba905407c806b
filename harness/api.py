"""What notebooks and scripts import: a study as a value, its run, its results as tables (docs/notebooks.md).

These names stay; everything else in here may move. What is wrong with a study, its data, a folder or a value raises
`BadInput` with one clear line, which names the options of the command line: these functions check as it does.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import BadInput, Stopped

if TYPE_CHECKING:
    import pandas as pd

    from analysis.results.rows import Results
    from harness.study.schema import Study

__all__ = ["BadInput", "Stopped", "load_curves", "load_results", "run", "study"]
Where = str | os.PathLike[str]


def study(source: Where | Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> "Study":
    """A study from its file, by its name in the package, or from values as a file has them.

    `changes`: dotted field → value, as in {"recipe.epochs": 3, "method.darts-A.twins": 2}. A study of a file remembers
    where that lies: its relative paths go from there, those of other studies from the current folder.
    """
    from harness.commands.options import parsed
    from harness.study.load import load_study, parsed_study

    if not isinstance(changes, Mapping | None):
        raise BadInput('changes: write field and value of each, as in {"recipe.epochs": 3}')
    edits = (changes or {}).items()
    if isinstance(source, Mapping):
        return parsed_study(source, "study", edits)
    return load_study(parsed("run", "--", _text(source)).study, edits)


def run(
    what: "Study | Where | Mapping[str, Any]",
    results: Where = "results",
    data_root: Where | None = None,
    *,
    device: str = "auto",
    executor: Literal["ray", "in-process"] = "ray",
    cpus: int | None = None,
    download: bool = False,
    change: bool = False,
) -> "pd.DataFrame":
    """Runs what a study still lacks and gives its trials, as `load_results` does; the same call again carries on.

    `what`: a study, or what `study` makes one of; a module beside its file is found as by `nas-harness run`. `results`:
    the folder in which the study has its own. `cpus`: how many cores Ray may use; null: all. `change`: go on with a
    study that leaves out rows which its folder has. A trial that failed is a line with its reason, and runs again with
    the next call; one that waits for it has no line yet.

    Raises Stopped where the run had to end before. Where Ray itself dies, this process ends with status 1.
    """
    from harness.commands import boundary, context, sessions
    from harness.commands.run import run_missing, tell
    from harness.data import datasets
    from harness.engine.device import torch_kept
    from harness.study.schema import Study
    from spaces.plugins import beside

    boundary.open_streams()
    boundary.check_here()
    loaded = what if isinstance(what, Study) else study(what)
    loaded = loaded.lying_in(home := loaded.home or Path.cwd())
    options = _options(home, {"results": results, "data-root": data_root}, device=device, executor=executor, cpus=cpus)
    options.download, options.change, options.line = download, change, "harness.api.run"
    folder = Path(options.results) / loaded.name
    datasets.forget()
    with boundary.named_paths(options), beside(home), torch_kept():
        missing = run_missing(options, context.unlinked(options, loaded), sessions.here(options))
        tell(folder, missing)
    return load_results(folder)


def load_results(*folders: Where) -> "pd.DataFrame":
    """Trials of one or several results folders, a line each; the columns are those of `data/runs.parquet`.

    Where rows are missing, that is a look at the data, which the study's protocol holds as one by `nas-harness report`.
    """
    from analysis.results import tidy

    return _table(folders, tidy.runs)


def load_curves(*folders: Where) -> "pd.DataFrame":
    """Their epochs, a line for each epoch of a trial; the columns are those of `data/curves.parquet`. A look as by
    `load_results`."""
    from analysis.results import tidy

    return _table(folders, tidy.curves)


def _table(folders: tuple[Where, ...], made: "Callable[[Results], pd.DataFrame]") -> "pd.DataFrame":
    from harness.commands import boundary, context, report_pages
    from harness.commands.options import parsed

    boundary.check_here()
    options = parsed("report", "--", *map(_text, folders))
    with boundary.named_paths(options):
        return report_pages.loaded(context.folders(options), made)


def _options(home: Path, paths: Mapping[str, Where | None], **others: Any) -> Any:
    """Of `nas-harness run`, checked as it does."""
    from harness.commands.options import parsed

    given = {**{name: None if path is None else _text(path) for name, path in paths.items()}, **others}
    return parsed("run", *(f"--{name}={value}" for name, value in given.items() if value is not None), "--", str(home))


def _text(path: Any) -> str:
    try:
        return os.fsdecode(path)
    except TypeError:
        raise BadInput(f"{path!r:.80} is no path; write a text or a Path") from None
