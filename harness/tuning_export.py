"""What leaves a tuning: Optuna studies for plots and for optuna-dashboard, and the recipe that was found."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import BadInput
from harness.plan import Settings
from harness.tuning import Row, history
from harness.vocabulary import Kind, Status

Studies = dict[str, dict[int, Any]]  # tuning → seed → optuna.Study


def studies(rows: Iterable[Row], storage: Any = None) -> Studies:
    """Every tuning and repetition as an Optuna study, named `tuning-seed`, in memory or in `storage`.

    `rows` are those of a study's plan; only tuning trials among them matter. Random search, the reference, comes last.
    """
    grouped: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        if row["kind"] == Kind.TUNE:
            for name in row["methods"]:
                grouped.setdefault((name, row["seed"]), []).append(row)
    out: Studies = {}
    specs = {place: own[0]["settings"]["tuning"] for place, own in grouped.items()}
    for name, seed in sorted(grouped, key=lambda place: (specs[place]["sampler"] == "random", place)):
        spec, own = specs[name, seed], grouped[name, seed]
        out.setdefault(name, {})[seed] = history(spec, own, study_name=f"{name}-{seed}", storage=storage)
    return out


def export_sqlite(rows: Iterable[Row], path: Path) -> list[str]:
    """Writes the studies into a new SQLite file, as `optuna-dashboard sqlite:///FILE` reads it; returns their names.

    Raises BadInput where the file exists or there is no tuning among `rows`.
    """
    from optuna.storages import RDBStorage

    rows = [row for row in rows if row["kind"] == Kind.TUNE]
    if path.exists():
        raise BadInput(f"{path} exists; name a new file")
    if not rows:
        raise BadInput("no tuning trial has ended yet: there is nothing to export")
    storage = RDBStorage(f"sqlite:///{path}")
    try:
        found = studies(rows, storage)
    finally:
        storage.remove_session()
        storage.engine.dispose()
    return [f"{name}-{seed}" for name, seeds in found.items() for seed in seeds]


def export_recipe(rows: Iterable[Row], name: str) -> str:
    """TOML with the fields that tuning `name` found, as a `[recipe]` table that `run --recipe` takes.

    It is the `done` trial with the highest validation accuracy of the first repetition, as studies take it that name
    the tuning. Raises BadInput where none is done.
    """
    own = [row for row in rows if row["kind"] == Kind.TUNE and name in row["methods"] and row["seed"] == 0]
    done = [row for row in sorted(own, key=lambda row: row["settings"]["index"]) if row["status"] == Status.DONE]
    if not done:
        raise BadInput(f"no trial of tuning '{name}' is done yet: there is no recipe to export")
    best = max(done, key=lambda row: row["val_accuracy"])
    cost = sum(row["device_seconds"] for row in own)
    lines = [f"# Found by tuning '{name}', trial {best['settings']['index']} ({best['key']}): "
             f"{best['val_accuracy']:.2f} % validation accuracy.",
             f"# Cost of the search: {len(own)} trials, {cost:.0f} device-seconds."]  # fmt: skip
    found = {"tuned": "", **best["settings"]["asked"]}  # in place of a tuning that the study names
    return "\n".join([*lines, *_table("recipe", _nested(found))]) + "\n"


def _nested(found: Settings) -> Settings:
    out: Settings = {}
    for name, value in found.items():
        *parents, last = name.split(".")
        here = out
        for parent in parents:
            here = here.setdefault(parent, {})
        here[last] = value
    return out


def _table(name: str, values: Mapping[str, Any]) -> list[str]:
    """TOML lines of a table and of the tables in it; JSON's numbers, booleans and texts are TOML's too."""
    own = {key: value for key, value in values.items() if not isinstance(value, dict)}
    lines = [f"[{name}]", *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in own.items())]
    for key, value in values.items():
        lines += _table(f"{name}.{key}", value) if isinstance(value, dict) else []
    return lines
