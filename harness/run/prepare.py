"""From a study to what can be run: checked, with its data, precisions and plan."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.data import datasets, external
from harness.data.images import DataSet
from harness.engine.device import auto_precision, device_named
from harness.errors import BadInput
from harness.plan.jobs import Job, Plan, as_json
from harness.plan.keys import SCHEMA
from harness.plan.make import make
from harness.plan.methods import StudySettings, leaves_precision_open, merged, needs_images, with_precision
from harness.plan.strategies import STRATEGIES, strategy
from harness.run.checks.names import check_names, check_primary, check_task
from harness.run.checks.scores import check_scores
from harness.run.checks.study import (
    check_cutout,
    check_labels,
    check_methods,
    check_pretrained,
    check_size,
    check_table,
    check_tunings,
    example,
)
from harness.run.further_training import check_starts, with_starts
from harness.run.weight_files import with_digests
from harness.storage.folder import SCHEMAS, claim
from harness.storage.rows import complete_rows, read_rows
from harness.study.data import Data
from harness.study.schema import Study
from harness.tables.opened import scale, with_table_digest
from harness.vocabulary.kinds import SUPERNETS
from spaces import registry as spaces
from spaces.labels import labels_of
from spaces.space import Space

ALPHA = 0.05
AUTO = "auto_precision"  # in study.json, of what is TRAINED
TRAINED = ("networks", "supernets")
Elsewhere = Callable[[], str]  # the precision of a recipe that names none
FREE = ("seeds", "looks", "smallest_effect", "equivalence_margin", "primary")  # fields that the protocol names itself
HARMLESS = ("keep_weights",)  # fields that decide no result


@dataclass(frozen=True)
class Prepared:
    """A study with its space, data and plan; its settings have every `auto` resolved."""

    settings: StudySettings
    space: Space
    sets: tuple[DataSet, ...]  # as the study lists them; without images where nothing is trained
    plan: Plan
    folder: Path
    home: Path | None = None  # where the study file lies
    auto: Mapping[str, str] = field(default_factory=dict)  # what "auto" became, where a recipe ever said so

    @property
    def study(self) -> Study:
        return self.settings.study

    @property
    def data(self) -> DataSet:
        """The first of the study's data sets."""
        return self.sets[0]

    def set_of(self, job: Job) -> int:
        """Which of the study's data sets the job is of."""
        if len(self.sets) == 1:
            return 0
        own = {name: value for name, value in job.settings["data"].items() if name in Data.model_fields}
        return [data.model_dump() for data in self.study.data_sets].index(own)

    def data_of(self, job: Job) -> DataSet:
        return self.sets[self.set_of(job)]

    @property
    def classes(self) -> dict[str, int]:
        """Data set → its number of classes, where its images were read: a failed training counts as guessing."""
        sets = zip(self.study.data_sets, self.sets, strict=True)
        return {data.name: one.classes for data, one in sets if one is not datasets.NOTHING}

    @property
    def notes(self) -> list[str]:
        """What reports say of the study's data."""
        return [note for data in self.study.data_sets for note in external.notes(data.name, data.test_part)]

    def as_json(self, command: str) -> dict[str, Any]:
        """What `study.json` holds: the study as resolved, and its plan."""
        values = self.study.model_dump(mode="json")
        methods = [{**one.method.model_dump(mode="json"), "strategy": one.search.strategy}
                   for one in self.settings.methods]  # fmt: skip
        rows = [as_json(row) for row in self.plan.rows.values()]
        values |= {"scale": scale(self.study, self.home)} if self.study.table else {}
        values |= {"notes": self.notes} if self.notes else {}
        values |= {"classes": self.classes}
        values |= {AUTO: dict(self.auto)} if self.auto else {}
        return {"schema": self.plan.schema, **values, "methods": methods, "rows": rows, "alpha": ALPHA,
                "alpha_labels": labels_of(self.space), "command": command, "plan": self.plan.summary()}  # fmt: skip


def protocol_of(settings: StudySettings, plan: Plan) -> dict[str, Any]:
    """What the study fixes before its first row, as far as verdicts rest on it; twins by number, where above 1."""
    study = settings.study
    twins = {one.name: one.method.twins.count for one in settings.methods if one.method.twins.count > 1}
    return {
        "primary": study.primary.model_dump() if study.primary else None,
        "alpha": ALPHA,
        "smallest_effect": study.smallest_effect,
        "equivalence_margin": study.equivalence_margin,
        "looks": list(study.looks),
        "seeds": study.seeds.model_dump(),
        "failures": "chance",  # a failed training counts with the accuracy of guessing
        "rows": [as_json(row) for row in plan.rows.values()],
        "settings": decisive_digest(study.model_dump(mode="json")),
        **({"twins": twins} if twins else {}),
    }


def decisive_digest(values: Mapping[str, Any]) -> str:
    """Of the fields of a study, or of its study.json, that decide results and have no place of their own there."""
    decisive = {name: values[name] for name in {*Study.model_fields} - {*FREE, *HARMLESS} if name in values}
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


def scale_if_there(study: Study) -> Mapping[str, Mapping[str, float]] | None:
    """That of the study's table; None where a folder from elsewhere does not say where it lies."""
    try:
        return scale(study, None)
    except BadInput:
        return None


def prepare(loaded: Study, results: Path, root: Path | None, download: bool, device: str,
            seeds: Mapping[str, int] | None = None, home: Path | None = None,
            reuse: Sequence[Path] = (), elsewhere: Elsewhere | None = None) -> Prepared:  # fmt: skip
    """`home`: where the relative paths of a study start that remembers no file; `reuse`: folders whose rows a new
    folder is to take over; `elsewhere`: asks the machines that run the study, where this one may lack the device.

    Raises BadInput naming the field or the path; writes nothing.
    """
    home = loaded.home or home
    merged(loaded)  # parts of recipes and searches stand in a study as they were written: seen to be such before use
    loaded = with_table_digest(with_digests(with_starts(loaded, home), home), home)
    space, settings = open_space(loaded), merged(loaded)
    _check_apart(settings, space, home)
    folder = results / loaded.name
    before = claim(folder, loaded.name)
    complete_rows(folder)
    sets = _loaded(settings, space, root, download)
    is_open = leaves_precision_open(settings)
    elsewhere = elsewhere if is_open else elsewhere and (lambda: "fp32")  # nobody reads it
    auto = precisions(space, sets[0], device, before, elsewhere)
    settings = with_precision(settings, *auto)
    _check_together(settings, space, sets, root, home)
    plan = make(settings, space.rules, strategy, seeds, schema_of((folder, *reuse), before))
    if not before:  # what began under such names goes on
        check_names(plan)
    check_primary(loaded, plan)
    kept = dict(zip(TRAINED, auto, strict=True)) if is_open or AUTO in before else {}
    return Prepared(settings, space, sets, plan, folder, home, kept)


def _check_apart(settings: StudySettings, space: Space, home: Path | None) -> None:
    """What needs no data set. Raises BadInput."""
    check_labels(settings.study, space)
    check_tunings(settings, space)
    check_methods(settings, space)
    check_task(settings.study)
    check_table(settings, space, home)


def _check_together(settings: StudySettings, space: Space, sets: Sequence[DataSet], root: Path | None,
                    home: Path | None) -> None:  # fmt: skip
    """The study with each of its data sets. Raises BadInput."""
    for data in sets:
        check_size(settings.study, space, data)
        check_scores(settings, space, data)
        check_cutout(settings, data)
        check_pretrained(settings, space, data, root, home)
        check_starts(settings.study, space, data, home)


def _loaded(settings: StudySettings, space: Space, root: Path | None, download: bool) -> tuple[DataSet, ...]:
    """Every data set; without images where all is looked up."""
    sets = settings.study.data_sets
    if not (needs_images(settings) or _trains_supernets(settings, space)):
        return (datasets.NOTHING,) * len(sets)
    return tuple(datasets.load(data.model_dump(), root, download) for data in sets)


def _trains_supernets(settings: StudySettings, space: Space) -> bool:
    """Whether a strategy from outside does, which only its plan says."""
    if all(own.search.strategy in STRATEGIES for own in settings.methods):
        return False
    return any(job.kind in SUPERNETS for job in make(settings, space.rules, strategy).jobs.values())


def schema_of(folders: Sequence[Path], before: Mapping[str, Any]) -> int:
    """Of the keys: schemas never mix, so what was begun under an older one goes on under it, and so does a new folder
    that takes rows over: their keys are of that schema."""
    if before:
        return int(before["schema"])
    known = (row.get("schema") for folder in folders for row in read_rows(folder))
    return next((schema for schema in known if schema in SCHEMAS), SCHEMA)


def open_space(loaded: Study) -> Space:
    try:
        return spaces.load(loaded.space, loaded.space_options)
    except ValueError as error:
        raise BadInput(str(error)) from None


def precisions(space: Space, data: DataSet, device: str, before: Mapping[str, Any],
               elsewhere: Elsewhere | None = None) -> tuple[str, str]:  # fmt: skip
    """`precision = "auto"` for networks and for supernets: as the folder's study.json has it, else by device."""
    if AUTO in before:
        networks, supernets = (before[AUTO][one] for one in TRAINED)
        return networks, supernets
    with suppress(KeyError):  # a folder of before, or of somebody else, may say nothing of them
        return before["recipe"]["precision"], before["search"]["recipe"]["precision"]
    if elsewhere and device.startswith("cuda"):
        found = elsewhere()
        return found, found
    chosen = device_named(device)
    build: Callable[[], Any] = lambda: space.supernet(data.classes, data.channels, space.gates[0])  # noqa: E731
    network = space.build(example(space), data.classes, data.channels)
    return auto_precision(chosen, network), auto_precision(chosen, build())
