"""Content keys: 16 hexadecimal digits that stand for what decides a job's result, and for nothing else.

Schema 5, of new folders, leaves out every field that a job of its kind never reads, and fields at their defaults, so
that a new field changes no key of a study that does not use it; a field's default can therefore never change. Folders
go on under the schema that they were begun with. Under schema 4 supernets started from the weights of final trainings
(what else it computed otherwise: docs/rows.md); under schema 3 scores did, and a table's answers did not depend on the
space's options. Schema 2 left out less that is never read, schema 1 holds every field there was.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from harness.plan.unread_settings import read_fields, read_under_schema_2
from harness.study.data import Data, Table
from harness.study.model import Model
from harness.study.schema import Range, Recipe, Scheduler, Tuning
from harness.study.search import Search

SCHEMA = 5  # of new folders: raised where a change of the code changes what equal settings give
Fields = Mapping[type[Model], Collection[str]]

MODELS: Mapping[str, type[Model]] = {"data": Data, "recipe": Recipe, "search": Search, "evolve": Search, "ask": Search,
                                     "tuning": Tuning, "table": Table}  # fmt: skip
TOP: Mapping[str, Any] = {"space_options": {}, "test_curve": False, "train_seed": 0}  # defaults of a job's own fields
FIRST: Fields = {  # the fields of schema 1
    Data: ("name", "train_images", "test_images", "image_size"),
    Scheduler: ("kind", "gamma", "step"),
    Recipe: ("epochs", "batch_size", "lr", "momentum", "weight_decay", "scheduler", "clip", "augment", "cutout",
             "precision", "pretrained", "tuned"),
    Search: ("strategy", "epochs", "snapshots", "gate", "order", "warmup_epochs", "alpha_lr", "alpha_betas",
             "alpha_weight_decay", "alpha_noise", "alpha_portion", "zero_one", "early_stop", "recipe", "candidates",
             "population", "lag", "mutation_rate", "crossover_rate", "tournament", "score", "score_epochs"),
    Range: ("low", "high", "log", "integer", "step", "choices", "when"),
    Tuning: ("name", "sampler", "trials", "seeds", "lag", "startup_trials", "candidates", "good_part", "pruner",
             "pruner_warmup_epochs", "pruner_reduction", "ranges", "recipe", "architecture"),
}  # fmt: skip


def content_key(settings: Mapping[str, Any]) -> str:
    """The key of a job with these settings, by the schema that they name."""
    text = json.dumps(_content(settings), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _content(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    settings = _by_content(settings)
    if settings["schema"] == 1:
        return _without_defaults(settings, FIRST)
    decisive = read_under_schema_2(settings) if settings["schema"] == 2 else read_fields(settings)
    lean = _without_defaults(decisive, {})
    return {name: value for name, value in lean.items() if name not in TOP or not _same(value, TOP[name])}


def _by_content(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """With the digest of a file, of weights or of a table, in place of its path."""
    out = dict(settings)
    for part, path, digest in (("recipe", "pretrained", "pretrained_sha256"), ("table", "name", "sha256")):
        values = settings.get(part) or {}
        if values.get(digest):
            out[part] = {name: value for name, value in values.items() if name != path}
    return out


def _without_defaults(settings: Mapping[str, Any], kept: Fields) -> dict[str, Any]:
    """`settings` without the fields of MODELS that are at their defaults, but for those `kept`; sources alike."""
    out: dict[str, Any] = {}
    for name, value in settings.items():
        if name in MODELS:
            out[name] = _lean(value, MODELS[name], kept)
        elif name in ("source", "of"):
            out[name] = _without_defaults(value, kept)
        else:
            out[name] = value
    return out


def _lean(values: Mapping[str, Any], model: type[Model], kept: Fields) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in values.items():
        field = model.model_fields.get(name)
        if field is not None and field.annotation is Scheduler:
            value = _lean(value, Scheduler, kept)
        elif name == "ranges":
            value = {span: _lean(its, Range, kept) for span, its in value.items()}
        if field is None or name in kept.get(model, ()) or not _same(value, _default(field, kept)):
            out[name] = value
    return out


def _default(field: Any, kept: Fields) -> Any:
    found = field.get_default(call_default_factory=True)
    return _lean(found.model_dump(), type(found), kept) if isinstance(found, Model) else found


def _same(value: Any, default: Any) -> bool:
    """As JSON has them: a row that was read holds lists where a study holds tuples."""
    try:
        return json.dumps(value, sort_keys=True) == json.dumps(default, sort_keys=True)
    except TypeError:
        return False  # a field without a default
