"""Whether a results folder holds together: keys, architectures and recipes against settings, and rows trained again."""

import argparse
import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import Any

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
from harness.commands.verify_again import chosen, job_of, planned, rerun, space_of
from harness.commands.verify_curve import unlike_its_curve
from harness.commands.verify_history import unlike_its_history
from harness.data import datasets
from harness.errors import ODD, BadInput, first_line, visible
from harness.plan import resolve
from harness.plan.facts import facts
from harness.plan.keys import content_key
from harness.plan.settings import Settings
from harness.storage import protocol
from harness.storage.checks import short
from harness.storage.folder import read_study
from harness.storage.row_fields import faults, unreadable
from harness.storage.rows import latest_rows, read_objects, read_rows
from harness.vocabulary.kinds import Kind
from harness.vocabulary.rows import Status
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
    if options.keys and not strange:
        chosen(latest_rows(folder), folder, options.keys)
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
    space, entries = space_of(study), protocol.read(folder)
    wrong = list(protocol.faults(entries, [row.get("protocol") for row in read_rows(folder)]))
    wrong += [*verify_kept.problems(folder), *verify_study.problems(folder, rows, space)]
    wrong += [f"two finished rows of one key differ: {line}" for line in outcomes.conflicts(read_rows(folder))]
    wrong += [*verify_labels.other_images(rows.values())]
    wrong += [*verify_predictions.problems(folder, rows), *verify_networks.problems(folder, rows)]
    return wrong + [line for row in rows.values() for line in _row_problems(row, rows, space)]


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
        yield f"{where}: its settings {f'give the key {key}' if key else 'match no job of the plan'}"
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
        yield f"{where}: its settings match no job of the plan ({first_line(error)})"
        return
    if row["status"] in (Status.DISCONNECTED, Status.UNMATCHED) or (row["status"] == Status.PRUNED
                                                                    and row["kind"] == Kind.TRAIN):  # fmt: skip
        yield f"{where}: is {row['status']}, which does not follow from the rows it needed"
    if row["settings"].get("continues") != settings.get("continues"):
        yield f"{where}: which training it goes on from does not follow from the rows it needed"
    said = (*verify_labels.misplaced(row, job_of(row)), *_miscounted(row, space), *unlike_its_history(row),
            *unlike_its_curve(row, space))  # fmt: skip
    yield from (f"{where}: {line}" for line in said)
    for name in ("recipe",) if settings["kind"] == Kind.BLACK_BOX else ("architecture", "recipe"):
        if row["status"] == Status.DONE and row[name] is not None and not _same(row[name], _expected(settings, name)):
            yield f"{where}: its {name} does not follow from the rows it needed"


def _miscounted(row: Mapping[str, Any], space: Space) -> Iterator[str]:
    """Counts of a row that are not those of its architecture."""
    if row["architecture"] is None:
        return
    try:
        counts = facts(space.parse(row["architecture"]))
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
