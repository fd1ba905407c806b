"""What may be wrong with a study, its space and its data: found before anything starts."""

from pathlib import Path
from random import Random
from typing import Any

import torch

from harness.data import datasets
from harness.data.images import DataSet
from harness.errors import BadInput, first_line
from harness.plan.jobs import Plan
from harness.plan.make import base_settings
from harness.plan.methods import MethodSettings, StudySettings, strategy_of
from harness.plan.strategies import DRAWING, STRATEGIES, strategy
from harness.run.checks.black_box import black_box_fault, objective_fault, unread_fault
from harness.run.checks.gate import gate_fault
from harness.run.checks.mixing import mixing_fault
from harness.run.checks.perturbation import reading_fault
from harness.run.checks.recipe import best_of_fault, recipe_fault, tuning_fault
from harness.run.checks.scores import score_fault
from harness.run.checks.shape import shape_fault
from harness.study.schema import LEFT_OUT, Method, Study
from harness.tables import nasbench201, opened
from harness.training import pretrained
from harness.vocabulary.kinds import Kind, Role
from spaces import custom_rules
from spaces.alike import check_match
from spaces.labels import labels_of
from spaces.space import Space


def example(space: Space) -> Any:
    """The baseline, or a drawn architecture where there is none: for what is asked of some network of the space."""
    return space.baseline() or space.draw(space.rules[0], Random(0))


def check_methods(settings: StudySettings, space: Space) -> None:
    loaded = settings.study
    if fault := shape_fault(settings):
        raise BadInput(fault)
    for own in settings.methods:
        method, search = own.method, own.search
        strategy(search.strategy)
        if fault := _ignored(own):
            raise BadInput(f"method '{method.name}': {fault}")
        _check_rule(method, search.strategy, space)
        if fault := score_fault(own, settings) or black_box_fault(own, loaded, space) or unread_fault(own):
            raise BadInput(f"method '{method.name}': {fault}")
        gates = gate_fault(own, loaded, space) or mixing_fault(own, loaded, space)
        tuning = settings.tuning_of(own)
        if fault := best_of_fault(own, loaded, tuning) or recipe_fault(own, tuning) or gates:
            raise BadInput(f"method '{method.name}': {fault}")
        if fault := reading_fault(own, space):
            raise BadInput(f"method '{method.name}': {fault}")
        if strategy_of(own) == "baseline":
            _check_baseline("method", method.name, loaded, space)
        if method.architecture:
            _check_architecture(method.architecture, space)


def _ignored(own: MethodSettings) -> str:
    """What of a method nothing would read, though it asks for it; '' where all is read."""
    method, kind = own.method, strategy_of(own)
    if method.name in STRATEGIES and method.name != kind:
        return f"its name is a strategy's, but it is not by {method.name}; give it another name or that strategy"
    if kind == "given" and not method.architecture:
        return "strategy 'given' trains an architecture; give it one"
    search = {name: value for name, value in method.search.items() if (name, value) != ("strategy", kind)}
    asked = {"architecture": method.architecture, "rule": method.rule, "strategy": method.strategy,
             "twins": method.twins.count, "best_of": method.best_of.searches, "search": search}  # fmt: skip
    why, fields = UNREAD.get(kind, ("", ()))
    unread = next((name for name in fields if asked[name] and asked[name] != kind), None)
    return f"{why}, so that its {unread} would be ignored; leave that out" if unread else ""


UNREAD: dict[str, tuple[str, tuple[str, ...]]] = {  # strategy → why it does not read some fields of a method, and which
    "baseline": ("it is the space's own network", ("architecture", "rule", "strategy", "twins", "best_of", "search")),
    "given": ("its architecture is written in the study", ("strategy", "best_of", "search")),
    "random": ("its architecture is drawn without a search", ("search",)),
}


def alike(plan: Plan) -> list[tuple[str, ...]]:
    """Methods that share every training, so that they are one method under several names."""
    trained: dict[str, set[str]] = {}
    for key, job in plan.jobs.items():
        for row in job.methods if job.kind == Kind.TRAIN and job.role != Role.TWIN else ():
            trained.setdefault(row.partition("@")[0], set()).add(key)
    same: dict[frozenset[str], list[str]] = {}
    for name, keys in trained.items():
        same.setdefault(frozenset(keys), []).append(name)
    return [tuple(names) for names in same.values() if len(names) > 1]


def check_tunings(settings: StudySettings, space: Space) -> None:
    for own in settings.tunings:
        tuning = own.tuning
        if fault := tuning_fault(own):
            raise BadInput(f"tuning '{tuning.name}': {fault}")
        if tuning.architecture:
            _check_architecture(tuning.architecture, space)
        else:
            _check_baseline("tuning", tuning.name, settings.study, space)


def _check_baseline(kind: str, name: str, loaded: Study, space: Space) -> None:
    if space.baseline() is None:
        raise BadInput(f"{kind} '{name}': {loaded.space} has no baseline; give the {kind} an architecture")


def _check_rule(method: Method, strategy: str, space: Space) -> None:
    rule = method.rule or space.rules[0]
    try:
        if rule not in space.rules:
            custom_rules.function(space, rule)
        if method.twins.count or strategy in DRAWING:
            rule = custom_rules.drawn_by(space, rule)
        if method.twins.count:
            check_match(space, rule, method.twins.match)
    except ValueError as error:
        raise BadInput(f"method '{method.name}': {error}") from None


def _check_architecture(text: str, space: Space) -> None:
    try:
        space.parse(text)
    except ValueError as error:
        raise BadInput(f"architecture: {error}") from None


def check_labels(loaded: Study, space: Space) -> None:
    try:
        labels_of(space)
    except ValueError as error:
        raise BadInput(f"{loaded.space}: {error}") from None


def check_size(loaded: Study, space: Space, data: DataSet) -> None:
    """Raises BadInput where a network of the space cannot take the study's images, or tells other classes apart."""
    shape = f"{data.channels}×{data.size}×{data.size}"
    try:
        with torch.device("meta"), torch.no_grad():
            network = space.build(example(space), data.classes, data.channels)
            logits = network.eval()(torch.zeros(2, data.channels, data.size, data.size))
    except RuntimeError as error:
        if ":" in loaded.space:
            raise BadInput(
                f"{loaded.space}: its network cannot run on images of {shape}: {first_line(error)}"
            ) from None
        raise BadInput(f"data: images of {data.size}×{data.size} are too small for {loaded.space}; "
                       "set data.image_size, as in data.image_size=32") from None  # fmt: skip
    if not isinstance(logits, torch.Tensor) or logits.shape != (2, data.classes):
        what = tuple(logits.shape) if isinstance(logits, torch.Tensor) else f"a {type(logits).__name__}"
        raise BadInput(f"{loaded.space}: its network gives {what} for two images of {data.classes} classes, and no "
                       f"logits (2, {data.classes})")  # fmt: skip


def check_table(settings: StudySettings, space: Space, home: Path | None) -> None:
    """Raises BadInput where the study's table cannot be read, or lacks an architecture that a method names."""
    study = settings.study
    for data in study.data_sets if study.table else ():
        found = opened.table(base_settings(study, 0, data), home)
        if study.table and study.table.name == nasbench201.NAME and str(some := example(space)) not in found.entries:
            raise BadInput(f"table: {found.name} has no architectures of {study.space}, such as {some}; "
                           "take space = 'nasbench201', or another table")  # fmt: skip
        for own in settings.methods:
            if fault := objective_fault(own, found):
                raise BadInput(f"method '{own.name}': {fault}")
            text = own.method.architecture
            if text and str(space.parse(text)) not in found.entries:
                raise BadInput(f"method '{own.name}': {found.name} has no run of {text}")


def check_cutout(settings: StudySettings, data: DataSet) -> None:
    """A square as large as an image leaves nothing of it to learn from."""
    tuned = (value for own in settings.tunings for value in own.tried("cutout"))
    largest = max([*(recipe.cutout for recipe in settings.recipes), *tuned], default=0)
    if largest >= data.size:
        raise BadInput(f"recipe.cutout = {largest:g} blanks whole images of {data.size}×{data.size}; take a smaller "
                       "one, or set data.image_size")  # fmt: skip


def check_pretrained(settings: StudySettings, space: Space, data: DataSet, root: Path | None,
                     home: Path | None) -> None:  # fmt: skip
    study = settings.study
    vgg = study.space_options.get("vgg", study.space)
    for source in {recipe.pretrained for recipe in settings.recipes if recipe.pretrained}:
        if source != LEFT_OUT:
            with torch.device("meta"):
                network = space.build(example(space), data.classes, data.channels)
            pretrained.check(network, source, vgg, home)
        elif space.baseline() is None:
            raise BadInput(f"recipe.pretrained = '{LEFT_OUT}': {study.space} has no baseline to train on them")
        else:
            for part in study.data_sets:
                datasets.load({**part.model_dump(), LEFT_OUT: True}, root)
