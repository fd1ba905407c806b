"""Whether study.json follows from its own settings, these are what the protocol fixed, and rows are of its plan."""

from collections.abc import Iterator, Mapping, Sequence
from math import isclose, nan
from pathlib import Path
from typing import Any

from harness.errors import BadInput
from harness.plan.jobs import Plan, as_json
from harness.plan.make import make
from harness.plan.methods import StudySettings, merged
from harness.plan.strategies import strategy
from harness.run.prepare import ALPHA, decisive_digest, scale_if_there
from harness.storage import protocol
from harness.storage.checks import short
from harness.storage.folder import read_study
from harness.study.schema import Study
from harness.study.validation import validated
from harness.vocabulary.kinds import Kind, Role
from spaces.labels import labels_of
from spaces.space import Space

Entry = Mapping[str, Any]  # of the plan in study.json


def study_of(values: Mapping[str, Any], where: str) -> Study:
    """The study that a study.json resolved. Raises BadInput where it holds none."""
    return validated(Study, {name: values[name] for name in Study.model_fields if name in values}, where)


def problems(folder: Path, rows: Mapping[str, Entry], space: Space) -> Iterator[str]:
    """What does not hold, a line each. `rows`: the folder's, by key."""
    values = read_study(folder)
    yield from _not_as_fixed(values, protocol.read(folder))
    if (alpha := values.get("alpha", ALPHA)) != ALPHA:
        yield f"study.json, alpha: is {short(alpha)}, but {ALPHA} in every study"
    try:
        study = study_of(values, "study.json")
        most = max([study.seeds.search, *study.looks]) if (open_ended := values.get("sequential")) else 0
        seeds = dict.fromkeys((one.name for one in study.method), most) if open_ended else None
        settings = merged(study)
        plan = make(settings, space.rules, strategy, seeds, values["schema"])
    except BadInput as error:
        yield f"study.json: its plan cannot be made again ({error})"
        return
    yield from _not_the_spaces(values, settings, space)
    yield from _not_the_tables(values, study)
    yield from _not_the_looks(values) if open_ended else ()
    yield from _other_rows(values, plan)
    yield from _other_jobs(values["plan"], plan, bool(open_ended))
    yield from _not_of_the_plan(rows, plan)


def _not_as_fixed(values: Mapping[str, Any], entries: Sequence[protocol.Entry]) -> Iterator[str]:
    """Fields of study.json that are not what the protocol says, though every run writes both."""
    fixed = protocol.fixed(entries)
    if any(entry.event == protocol.Event.LOOKED for entry in entries) and not values.get("sequential"):
        yield "study.json, sequential: is not true, but the protocol has planned looks that were taken"
    for name in ("primary", "smallest_effect", "equivalence_margin", "looks", "alpha", "seeds", "rows", "classes"):
        if name in fixed and values.get(name) != fixed[name]:
            yield f"study.json, {name}: is {values.get(name)}, but the protocol has {fixed[name]}"
    if "settings" in fixed and decisive_digest(values) != fixed["settings"]:
        yield (f"study.json: its settings have the digest {decisive_digest(values)}, but the protocol has "
               f"{fixed['settings']}")  # fmt: skip


def _not_the_spaces(values: Mapping[str, Any], settings: StudySettings, space: Space) -> Iterator[str]:
    """Names of α's entries, and of methods with their strategies, by which figures and pages speak of them."""
    try:
        labels = labels_of(space)
    except ValueError as error:
        yield f"study.json, space: {error}"
        return
    if values.get("alpha_labels", labels) != labels:
        yield "study.json, alpha_labels: are not those of the space"
    due = [(one.method.name, one.search.strategy) for one in settings.methods]
    found = [(one.get("name"), one.get("strategy")) for one in values.get("methods", ())]
    yield from (f"study.json, methods: {name} is by {short(strategy)}, which does not follow from its settings"
                for name, strategy in found if (name, strategy) not in due and strategy is not None)  # fmt: skip


def _not_the_looks(values: Mapping[str, Any]) -> Iterator[str]:
    """Rows of the table whose seeds are not the first ones, or as many as at a planned look."""
    seeds: dict[str, set[int]] = {}
    for job in values["plan"]:
        for row in job.get("methods") or [job["method"]] if job["kind"] == Kind.TRAIN else ():
            seeds.setdefault(row, set()).add(job["seed"])
    best = {row["method"] for row in values.get("rows", ()) if row.get("best_of")}  # of several seeds each
    for row in seeds.keys() - best - {Role.PRETRAINING}:
        if (many := len(seeds[row])) not in values.get("looks", ()) or seeds[row] != {*range(many)}:
            yield f"study.json, plan: {row} has {many} seeds, which are not the first ones up to a planned look"


def _not_the_tables(values: Mapping[str, Any], study: Study) -> Iterator[str]:
    """A scale that is not that of the study's table, where that is here: a study.json does not say where it lay."""
    due = scale_if_there(study) or values.get("scale", {})
    for data, ends in values.get("scale", {}).items():
        if any(not isclose(ends[name], due.get(data, {}).get(name, nan), rel_tol=1e-9) for name in ("uniform", "best")):
            yield f"study.json, scale: {data} is {short(ends)}, but {short(due.get(data))} by the table"


def _other_rows(values: Mapping[str, Any], plan: Plan) -> Iterator[str]:
    """Rows of the table that settings do not give. The first versions wrote none."""
    due = {row.method: as_json(row) for row in plan.rows.values()}
    found = {row["method"]: row for row in values.get("rows", due.values() if values["schema"] == 1 else ())}
    for name in dict.fromkeys([*due, *found]):
        if found.get(name) != due.get(name):
            yield f"study.json, rows: {name} is {found.get(name)}, but {due.get(name)} by its settings"
    if found.keys() == due.keys() and [*found] != [*due]:
        yield f"study.json, rows: their order is {', '.join(found)}, but {', '.join(due)} by its settings"


def _other_jobs(planned: Sequence[Entry], plan: Plan, open_ended: bool) -> Iterator[str]:
    """Jobs that settings do not give; `open_ended`: some methods may have fewer seeds than `plan`, and so fewer jobs.
    An entry of before may lack a field."""
    missing = {entry["key"]: entry for entry in plan.summary()}
    for entry in planned:
        if (due := missing.pop(entry["key"], None)) is None:
            yield f"study.json, plan: {entry['key']} is no job that its settings give"
            continue
        if open_ended and {*entry.get("methods", ())} <= {*due["methods"]}:
            due |= {name: entry[name] for name in ("method", "methods") if name in entry}
        yield from (f"study.json, plan: {name} of {entry['key']} is {short(entry[name])}, but {short(value)} by its "
                    "settings" for name, value in due.items() if entry.get(name, value) != value)  # fmt: skip
    if missing and not open_ended:
        yield f"study.json, plan: {len(missing)} jobs that its settings give are missing, such as {next(iter(missing))}"


def _not_of_the_plan(rows: Mapping[str, Entry], plan: Plan) -> Iterator[str]:
    """Fields by which a row is placed that are not those of its job. A row of before may lack one; names of methods
    may have been changed since it ran, and with them what it is a twin of."""
    for key, row in rows.items():
        if (job := plan.jobs.get(key)) is None:
            continue
        due: Entry = {"kind": job.kind, "role": job.role, "needs": [*job.needs]}
        due = {**due, "twin_of": job.twin_of} if row.get("method") == job.method else due
        yield from (f"{row['method']} seed {row['seed']} ({key}): its {name} is {short(row[name])}, but {short(value)} "
                    "by the plan" for name, value in due.items() if row.get(name, value) != value)  # fmt: skip
