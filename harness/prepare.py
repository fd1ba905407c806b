"""From a study's name to what can be run: what may be wrong with it is found here, before anything starts."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch

from harness import data as data_sets
from harness import engine, pretrained, records, study
from harness.errors import BadInput
from harness.folder import claim
from harness.images import DataSet
from harness.keys import SCHEMA
from harness.methods import StudySettings, merged, with_precision
from harness.plan import LEFT_OUT, Plan, as_json, make
from harness.strategies import DRAWING, strategy
from harness.study import Method, Study
from spaces import registry as spaces
from spaces import rules
from spaces.cost import cost
from spaces.space import Space

ALPHA = 0.05
FREE = ("seeds", "looks", "smallest_effect", "equivalence_margin", "primary")  # fields that the protocol names itself


@dataclass(frozen=True)
class Prepared:
    """A study with its space, data and plan; its settings have every `auto` resolved."""

    settings: StudySettings
    space: Space
    data: DataSet
    plan: Plan
    folder: Path

    @property
    def study(self) -> Study:
        return self.settings.study

    def as_json(self, command: str) -> dict[str, Any]:
        """What `study.json` holds: the study as resolved, and its plan."""
        values = self.study.model_dump(mode="json")
        methods = [{**one.method.model_dump(mode="json"), "strategy": one.search.strategy}
                   for one in self.settings.methods]  # fmt: skip
        rows = [as_json(row) for row in self.plan.rows.values()]
        labels: dict[str, Any] = getattr(self.space, "alpha_labels", dict)()
        return {"schema": self.plan.schema, **values, "methods": methods, "rows": rows, "alpha": ALPHA,
                "alpha_labels": labels, "command": command, "plan": self.plan.summary()}  # fmt: skip


def protocol_of(settings: StudySettings, plan: Plan) -> dict[str, Any]:
    """What the study fixes before its first row, as far as verdicts rest on it."""
    study = settings.study
    decisive = study.model_dump(mode="json", exclude=set(FREE))
    text = json.dumps(decisive, sort_keys=True)
    return {
        "primary": study.primary.model_dump() if study.primary else None,
        "alpha": ALPHA,
        "smallest_effect": study.smallest_effect,
        "equivalence_margin": study.equivalence_margin,
        "looks": list(study.looks),
        "seeds": study.seeds.model_dump(),
        "failures": "chance",  # a failed training counts with the accuracy of guessing
        "rows": [as_json(row) for row in plan.rows.values()],
        "settings": hashlib.sha256(text.encode()).hexdigest()[:16],
    }


def prepare(loaded: Study, results: Path, root: Path | None, download: bool, device: str,
            seeds: Mapping[str, int] | None = None) -> Prepared:  # fmt: skip
    """Raises BadInput naming the field or the path; writes nothing."""
    space, settings = open_space(loaded), merged(loaded)
    _check_methods(settings, space)
    _check_tunings(settings, space)
    folder = results / loaded.name
    before = claim(folder, loaded.name)
    data = data_sets.load(loaded.data.model_dump(), root, download)
    settings = with_precision(settings, *precisions(space, data, device, before))
    _check_size(loaded, space, data)
    _check_pretrained(settings, space, data, root)
    plan = make(settings, space.rules, strategy, seeds, schema_of(folder, before))
    return Prepared(settings, space, data, plan, folder)


def schema_of(folder: Path, before: Mapping[str, Any]) -> int:
    """Of the folder's keys: schemas never mix, so what was begun under an older one goes on under it."""
    if before:
        return int(before["schema"])
    return next((int(row["schema"]) for row in records.read(folder)), SCHEMA)


def open_space(loaded: Study) -> Space:
    try:
        return spaces.load(loaded.space, loaded.space_options)
    except ValueError as error:
        raise BadInput(str(error)) from None


def precisions(space: Space, data: DataSet, device: str, before: Mapping[str, Any]) -> tuple[str, str]:
    """`precision = "auto"` for networks and for supernets: as the folder's study.json has it, else by device."""
    if before:
        return before["recipe"]["precision"], before["search"]["recipe"]["precision"]
    chosen = engine.device_named(device)
    build: Callable[[], Any] = lambda: space.supernet(data.classes, data.channels, space.gates[0])  # noqa: E731
    network = space.build(example(space), data.classes, data.channels)
    return engine.auto_precision(chosen, network), engine.auto_precision(chosen, build())


def example(space: Space) -> Any:
    """The baseline, or a drawn architecture where there is none: for what is asked of some network of the space."""
    return space.baseline() or space.draw(space.rules[0], Random(0))


def _check_methods(settings: StudySettings, space: Space) -> None:
    loaded = settings.study
    for own in settings.methods:
        method, search = own.method, own.search
        strategy(search.strategy)
        _check_rule(method, search.strategy, space)
        if search.gate and search.gate not in space.gates:
            raise BadInput(f"search.gate = '{search.gate}': {loaded.space} has {', '.join(space.gates)}")
        if method.name == "baseline":
            _check_baseline("method", method.name, loaded, space)
        if method.architecture:
            _check_architecture(method.architecture, space)


def _check_tunings(settings: StudySettings, space: Space) -> None:
    for tuning in settings.study.tuning:
        if tuning.architecture:
            _check_architecture(tuning.architecture, space)
        else:
            _check_baseline("tuning", tuning.name, settings.study, space)


def _check_baseline(kind: str, name: str, loaded: Study, space: Space) -> None:
    if space.baseline() is None:
        raise BadInput(f"{kind} '{name}': {loaded.space} has no baseline; give the {kind} an architecture")


def _check_rule(method: Method, strategy: str, space: Space) -> None:
    if not method.rule:
        return
    try:
        if method.rule not in space.rules:
            rules.function(space, method.rule)
        if method.twins or strategy in DRAWING:
            rules.drawn_by(space, method.rule)
    except ValueError as error:
        raise BadInput(f"method '{method.name}': {error}") from None


def _check_architecture(text: str, space: Space) -> None:
    try:
        space.parse(text)
    except ValueError as error:
        raise BadInput(f"architecture: {error}") from None


def _check_size(loaded: Study, space: Space, data: DataSet) -> None:
    try:
        with torch.device("meta"):
            cost(space.build(example(space), data.classes, data.channels), data.channels, data.size)
    except RuntimeError:
        raise BadInput(f"data: images of {data.size}×{data.size} are too small for {loaded.space}; "
                       "set data.image_size, as in data.image_size=32") from None  # fmt: skip


def _check_pretrained(settings: StudySettings, space: Space, data: DataSet, root: Path | None) -> None:
    study = settings.study
    vgg = study.space_options.get("vgg", study.space)
    for source in {recipe.pretrained for recipe in settings.recipes if recipe.pretrained}:
        if source != LEFT_OUT:
            with torch.device("meta"):
                network = space.build(example(space), data.classes, data.channels)
            pretrained.check(network, source, vgg)
        elif space.baseline() is None:
            raise BadInput(f"recipe.pretrained = '{LEFT_OUT}': {study.space} has no baseline to train on them")
        else:
            data_sets.load({**study.data.model_dump(), LEFT_OUT: True}, root)


def load(name: str, changes: Sequence[str], recipe: str | None = None) -> Study:
    """The study with `--set` changes and, from `--recipe FILE`, a recipe that a tuning exported."""
    if recipe is None:
        return study.load(name, changes)
    import tomllib

    try:
        found = tomllib.loads(Path(recipe).read_text())["recipe"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise BadInput(f"--recipe {recipe}: no TOML file with a [recipe] table ({error})") from None
    return study.load(name, [*_flat("recipe", found), *changes])


def _flat(path: str, value: Any) -> list[str]:
    if isinstance(value, dict):
        return [change for name, inner in value.items() for change in _flat(f"{path}.{name}", inner)]
    return [f"{path}={str(value).lower() if isinstance(value, bool) else repr(value)}"]
