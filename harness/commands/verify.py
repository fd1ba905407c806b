"""Whether a results folder holds together: keys, architectures and recipes against settings, and rows trained again."""

import argparse
import json
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import numpy as np

from analysis.results import outcomes
from harness.commands import (
    context,
    report_pages,
    verify_kept,
    verify_labels,
    verify_networks,
    verify_predictions,
    verify_study,
)
from harness.commands.verify_history import unlike_its_history
from harness.data import datasets
from harness.errors import ODD, BadInput, first_line, visible
from harness.plan import resolve
from harness.plan.jobs import Job
from harness.plan.keys import content_key
from harness.plan.settings import RESOLVED, Settings, weights_read
from harness.storage import protocol
from harness.storage.checks import short
from harness.storage.folder import read_study
from harness.storage.row_fields import faults, unreadable
from harness.storage.rows import latest_rows, read_objects, read_rows
from harness.training import run_job
from harness.training.epochs import returned
from harness.training.place import Place
from harness.vocabulary.kinds import Kind
from harness.vocabulary.rows import Status
from spaces import registry as spaces
from spaces.plugins import untrusted
from spaces.space import Space


def command(options: argparse.Namespace) -> int:
    """Exit status 1 where anything does not hold."""
    if options.seed is not None and not options.rerun:
        raise BadInput("--seed draws the rows of an earlier --rerun; give --rerun, too")
    with nullcontext() if options.trust else untrusted():
        found = [_verified(folder, options) for folder in context.folders(options)]
    if options.json:
        print(json.dumps({"folders": found}))
    wrong = any(one["problems"] or any(row["differences"] for row in one["trained_again"]) for one in found)
    return 1 if wrong else 0


def _verified(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What does not hold, and what training again gave; said as it is found, but for --json."""
    say: Callable[[str], None] = (lambda _: None) if options.json else partial(print, flush=True)
    strange = malformed(folder)
    if not strange:
        _chosen(folder, options.keys)
    found = [" ".join(line.split()) for line in strange or report_pages.differences(folder) + problems(folder)]
    say(f"{folder}: " + ("tables, keys and architectures hold" if not found else f"{len(found)} problems"))
    for line in found:
        say(f"  {visible(line)}")
    seed = options.seed if options.seed is not None else SystemRandom().randrange(2**32)
    drawn = seed if options.rerun and not strange else None
    if drawn is not None:
        say(f"{folder}: rows drawn with --seed {seed}")
    root, again = datasets.data_root(options.data_root), []
    for what, differences in () if strange else rerun(folder, options.rerun, options.keys, root, seed):
        say(f"  {visible(what)} trained again: {'; '.join(differences) or 'identical'}")
        again.append({"row": what, "differences": differences})
    return {"folder": str(folder), "problems": found, "seed": drawn, "trained_again": again}


EXACT = ("test_accuracy", "val_accuracy", "test_loss", "train_loss", "snapshots", "parameters", "macs", "split",
         "score")  # fmt: skip


def malformed(folder: Path) -> list[str]:
    """What is no row, a line each; without any row there is nothing that could hold."""
    rows, study = read_objects(folder), read_study(folder)
    if not rows:
        return [f"there is no row of the {len(study['plan'])} jobs that study.json plans"]
    found = [
        f"{place} ({short(row.get('key'), quoted=False)}): {fault}"
        for place, row in rows
        for fault in dict.fromkeys([*faults(row), unreadable(row)])
        if fault
    ]
    strange = [row for _, row in rows if row.get("schema") != study["schema"]]
    return found or [f"row {row.get('key')}: schema is {row.get('schema')}, but {study['schema']} in study.json"
                     for row in strange]  # fmt: skip


def problems(folder: Path) -> list[str]:
    """What does not hold, a line each: keys are their settings' hash, and rows follow from the rows they needed."""
    rows, study = latest_rows(folder), read_study(folder)
    space, entries = _space(study), protocol.read(folder)
    wrong = list(protocol.faults(entries, [row.get("protocol") for row in read_rows(folder)]))
    wrong += [*verify_kept.problems(folder), *verify_study.problems(folder, rows, space)]
    wrong += [f"two finished rows of one key differ: {line}" for line in outcomes.conflicts(read_rows(folder))]
    wrong += [*verify_labels.other_images(rows.values())]
    wrong += [*verify_predictions.problems(folder, rows), *verify_networks.problems(folder, rows)]
    return wrong + [line for row in rows.values() for line in _row_problems(row, rows, space)]


def rerun(folder: Path, count: int, keys: Sequence[str], root: Path | None,
          seed: int | None = None) -> Iterator[tuple[str, list[str]]]:  # fmt: skip
    """Trains `count` rows, drawn with `seed`, and those of `keys` again, in this process: (what was trained, in what
    it differs). A pruned one ends where it did: what prunes it follows from the rows that it saw.

    Raises BadInput where a key has no finished row, or one that cannot be trained alone.
    """
    every, rows = latest_rows(folder), _chosen(folder, keys)
    space = _space(read_study(folder))
    for key in [*keys, *Random(seed).sample(sorted(rows), min(count, len(rows)))]:
        row = rows[key]
        try:
            settings = resolve.resolve(job_of(row), every, space)
            found = list(_differences(row, _again(key, settings, row, root)))
        except resolve.Unbuildable as none:
            found = [] if none.status == row["status"] else [f"it cannot be: {none.reason}"]
        except (BadInput, *ODD) as error:
            found = [f"it cannot be: {first_line(error)}"]
        yield f"{row['method']} seed {row['seed']} ({key})", found


def _chosen(folder: Path, keys: Sequence[str]) -> Mapping[str, Any]:
    """The rows that can be trained again, by key. Raises BadInput where one of `keys` is none of them."""
    ran = (*run_job.WORKED, Status.DIVERGED)
    rows = {key: row for key, row in latest_rows(folder).items() if row["status"] in ran and _alone(row)}
    if unknown := [key for key in keys if key not in rows]:
        raise BadInput(f"--keys {unknown[0]}: {folder} has no finished row of this key that can be trained alone")
    return rows


def job_of(row: Mapping[str, Any]) -> Job:
    """The job that a row came from."""
    return Job(row["key"], row["kind"], row["method"], row["role"], planned(row), tuple(row["needs"]),
               tuple(row["methods"]), row["twin_of"], row["pair"])  # fmt: skip


def planned(row: Mapping[str, Any]) -> Settings:
    """The settings that the key was made from."""
    return {name: value for name, value in row["settings"].items() if name not in RESOLVED}


def _space(study: Mapping[str, Any]) -> Space:
    try:
        return spaces.load(study["space"], study["space_options"])
    except ValueError as error:
        raise BadInput(f"study.json: {error}") from None


def _alone(row: Mapping[str, Any]) -> bool:
    """Whether it can be trained without another trial's weights."""
    return not weights_read(row["settings"])


def _key(row: Mapping[str, Any]) -> str:
    """Of the row's settings; '' where they have another shape than any job's."""
    try:
        return content_key(planned(row))
    except ODD:
        return ""


def _row_problems(row: Mapping[str, Any], rows: Mapping[str, Any], space: Space) -> Iterator[str]:
    where = f"{row['method']} seed {row['seed']} ({row['key']})"
    if (fault := outcomes.fault(row)) is not None:
        yield f"{where}: {fault}"
    if (key := _key(row)) != row["key"]:
        yield f"{where}: its settings {f'give the key {key}' if key else 'are those of no job'}"
        return
    if missing := [key for key in row["needs"] if key not in rows]:
        yield f"{where}: it needed {missing[0]}, which has no row"
        return
    try:
        settings = resolve.resolve(job_of(row), rows, space)
    except resolve.Unbuildable as none:
        if row["status"] != none.status:
            yield f"{where}: is {row['status']}, but {none.status} by the rows it needed: {none.reason}"
        return
    except (BadInput, *ODD) as error:
        yield f"{where}: its settings are those of no job ({first_line(error)})"
        return
    if row["status"] in (Status.DISCONNECTED, Status.UNMATCHED) or (row["status"] == Status.PRUNED
                                                                    and row["kind"] == Kind.TRAIN):  # fmt: skip
        yield f"{where}: is {row['status']}, which does not follow from the rows it needed"
    if row["settings"].get("continues") != settings.get("continues"):
        yield f"{where}: which training it goes on from does not follow from the rows it needed"
    said = (*verify_labels.misplaced(row, job_of(row)), *_miscounted(row, space), *unlike_its_history(row))
    yield from (f"{where}: {line}" for line in said)
    for name in ("recipe",) if settings["kind"] == Kind.BLACK_BOX else ("architecture", "recipe"):
        if row["status"] == Status.DONE and row[name] is not None and not _same(row[name], _expected(settings, name)):
            yield f"{where}: its {name} does not follow from the rows it needed"


def _miscounted(row: Mapping[str, Any], space: Space) -> Iterator[str]:
    """Counts of a row that are not those of its architecture."""
    if row["architecture"] is None:
        return
    try:
        counts = resolve.facts(space.parse(row["architecture"]))
    except Exception as error:  # whatever a space from outside raises
        yield f"its architecture is none of this space: {error}"
        return
    for name, value in counts.items():
        if row.get(name) != value:
            yield f"{name} is {row.get(name)}, but {value} by its architecture"


def _same(one: Any, other: Any) -> bool:
    """Equal but for rounding: processors differ in the last digit of a sampled learning rate's logarithm."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9)
    return bool(one == other)


def _expected(settings: Settings, name: str) -> Any:
    """A score's short training says so in its recipe."""
    if name == "recipe" and settings["kind"] == Kind.SCORE:
        return {**settings["recipe"], "epochs": settings["search"]["score_epochs"]}
    return settings.get(name)


def _again(key: str, settings: Settings, row: Mapping[str, Any], root: Path | None) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        gpus = 1.0 if str(row["device"]).startswith("cuda") else 0.0
        place = Place(folder, row["device"] or "cpu", float(row["threads"] or 1), gpus, str(root) if root else None,
                      engine_path=row["path"])  # fmt: skip
        return {**dict.fromkeys(EXACT), **returned(run_job.run(key, settings, place))}


def _differences(row: Mapping[str, Any], again: Mapping[str, Any]) -> Iterator[str]:
    if again["status"] != row["status"]:
        yield ": ".join(filter(None, (f"it ended as {again['status']}", again["error"])))
        return
    if row["status"] == Status.DIVERGED:  # of which nothing else counts
        return
    for name in EXACT:
        if _single(row.get(name)) != _single(again[name]):
            yield f"{name} {_short(row.get(name))} → {_short(again[name])}"


def _single(value: Any) -> Any:
    """What is nested (α, fp32) with its numbers as fp32: some rows hold them with more digits than they have."""
    if isinstance(value, Mapping):
        return {name: _single(part) for name, part in value.items()}
    return np.asarray(value, np.float32).tolist() if isinstance(value, list) else value


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, int | float) else str(value)[:40]
