"""`nas-harness tune`: runs a study's tunings alone, and exports what they found, as TOML or SQLite."""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from optuna.storages import RDBStorage

from harness.commands import context, report_pages, sessions
from harness.errors import BadInput
from harness.plan.settings import Settings
from harness.plan.tuning import Row, studies
from harness.run.session import run as run_prepared
from harness.storage.files import write_over
from harness.storage.rows import latest_rows
from harness.study.toml import written
from harness.vocabulary.kinds import Kind
from harness.vocabulary.rows import Status

FOUND = "# Found by tuning"  # how an exported recipe begins


def command(options: argparse.Namespace) -> int:
    """Runs the tuning jobs alone; the exports read the rows that are there."""
    study, session = context.study(options), sessions.here(options)
    if not study.tuning:
        raise BadInput(f"{options.study} has no [[tuning]]")
    name = options.tuning or study.tuning[0].name
    if name not in (known := [tuning.name for tuning in study.tuning]):
        raise BadInput(f"--tuning {name}: {options.study} has {', '.join(known)}")
    prepared = context.as_there(options, study, session)
    exporting = options.export or options.export_sqlite
    if not exporting:
        context.confirm(options, prepared)
    missing = 0 if exporting else run_prepared(prepared, replace(session, kinds=("tune",)))
    rows = [row for key, row in latest_rows(prepared.folder).items() if key in prepared.plan.jobs]
    if options.export_sqlite:
        print("\n".join(export_sqlite(rows, Path(options.export_sqlite))))
    if options.export:
        write_over(Path(options.export), export_recipe(rows, name).encode(), (FOUND.encode(),))
    if not exporting:
        if any(row["status"] == Status.DONE and name in row["methods"] for row in rows):
            print(export_recipe(rows, name))
        report_pages.show([prepared.folder])
    return 1 if missing else 0


def export_sqlite(rows: Iterable[Row], path: Path) -> list[str]:
    """Writes the studies into a new SQLite file, as `optuna-dashboard sqlite:///FILE` reads it; returns their names.

    Raises BadInput where the file exists or there is no tuning among `rows`.
    """
    rows = [row for row in rows if row["kind"] == Kind.TUNE]
    if path.exists():
        raise BadInput(f"{path} exists; name a new file")
    if not rows:
        raise BadInput("no tuning trial has ended yet: there is nothing to export")
    storage = RDBStorage("sqlite://")  # in memory: of a path it raises errors of its own
    try:
        found = studies(rows, storage)
        content: Any = storage.engine.raw_connection().driver_connection
        write_over(path, content.serialize())
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
    done = [row for row in sorted(own, key=lambda row: row["settings"]["index"])
            if row["status"] == Status.DONE and row["val_accuracy"] is not None]  # fmt: skip
    if not done:
        raise BadInput(f"no trial of tuning '{name}' is done yet: there is no recipe to export")
    best = max(done, key=lambda row: row["val_accuracy"])
    cost = sum(row["device_seconds"] for row in own)
    lines = [f"{FOUND} '{name}', trial {best['settings']['index']} ({best['key']}): "
             f"{best['val_accuracy']:.2f} % validation accuracy.",
             f"# Cost of the search: {len(own)} trials, {cost:.0f} device-seconds."]  # fmt: skip
    found = {"tuned": "", **best["settings"].get("asked", {})}  # in place of a tuning that the study names
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
    """TOML lines of a table and of the tables in it."""
    own = {key: value for key, value in values.items() if not isinstance(value, dict)}
    lines = [f"[{name}]", *(f"{key} = {written(value)}" for key, value in own.items())]
    for key, value in values.items():
        lines += _table(f"{name}.{key}", value) if isinstance(value, dict) else []
    return lines
