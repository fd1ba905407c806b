"""Whether the fields of a row hold what docs/rows.md says. Standard library only."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from harness.storage import checks
from harness.storage.checks import Check, each, is_count, leaf, maybe, record, short, values
from harness.storage.folder import SCHEMAS
from harness.storage.shapes import RECIPE
from harness.vocabulary.kinds import Kind
from harness.vocabulary.rows import Status


def faults(row: Mapping[str, Any]) -> Iterator[str]:
    """What does not hold, a text each. A field that an older version did not write is no fault, nor is null."""
    yield from _inside(row, FIELDS)
    settings = row.get("settings")
    if isinstance(settings, dict) and settings.get("schema") != row.get("schema"):
        yield f"schema is {short(row.get('schema'))}, but {short(settings.get('schema'))} in its settings"


def unreadable(row: Mapping[str, Any]) -> str:
    """Why nothing can be made of it as a row, whatever its accuracy says; '' where something can."""
    missing = [name for name in NEEDED if row.get(name) is None] or [name for name in MAYBE_NULL if name not in row]
    return f"{missing[0]} is missing" if missing else next(_inside(row, READ), "")


def unwritable(row: Mapping[str, Any]) -> str:
    """Why no command could read it again once it is written: what code from outside gave, perhaps; '' where all can."""
    try:
        return unreadable(json.loads(json.dumps(row, allow_nan=False)))
    except (TypeError, ValueError, RecursionError) as error:
        return str(error)


def _inside(row: Mapping[str, Any], fields: Mapping[str, Check]) -> Iterator[str]:
    for name, check in fields.items():
        if (value := row.get(name)) is not None:
            yield from check(value, name)
    if row.get("kind") == Kind.TUNE:
        yield from TUNED(row, "")


NEEDED = ("key", "kind", "method", "status", "seed", "needs", "settings", "seconds", "device_seconds", "methods",
          "role", "train_seed", "twin", "epochs", "curve", "warnings", "versions")  # fmt: skip
MAYBE_NULL = ("twin_of", "pair", "architecture", "recipe", "split", "error", "val_accuracy", "test_accuracy",
              "train_loss", "test_loss", "parameters", "macs", "shortcuts", "long_shortcuts", "device", "threads",
              "path", "precision", "host", "started", "finished", "snapshots", "peak_memory_bytes", "commit",
              "dirty")  # of NEEDED and these every version writes all  # fmt: skip
NUMBER = maybe(checks.NUMBER)
POINT = record({"epoch": checks.FROM_ONE, **dict.fromkeys(("counts", "discretised_accuracy"), maybe(values(NUMBER))),
                **dict.fromkeys(("train_loss", "seconds", "lr", "val_accuracy", "test_accuracy", "entropy",
                                 "eigenvalue"), NUMBER)}, ("epoch",))  # fmt: skip
SETTINGS = record({"search": record({"warmup_epochs": checks.COUNT, "supernet": maybe(checks.TEXT),
                                     "score": checks.TEXT}),
                   "recipe_from": maybe(checks.TEXTS), "start": maybe(checks.TEXT), "index": checks.COUNT,
                   "asked": checks.OBJECT, "data": maybe(checks.OBJECT), "continues": checks.TEXT,
                   "source": maybe(record({"among": checks.TEXTS, "trained": checks.COUNT})),
                   "table": maybe(record({"data": checks.TEXT}))})  # fmt: skip
RANGE = record({"when": checks.OBJECT}, ("low", "high", "log", "integer", "step", "choices", "when"))
TUNED = record({"settings": record({"tuning": record({"ranges": values(RANGE)}, ("sampler", "ranges"))},
                                   ("tuning", "index")),
                "curve": each(record({}, ("val_accuracy",)))})  # fmt: skip
HISTORY = record({"queries": each(checks.COUNT), "best": each(each(checks.NUMBER)), "objective": checks.TEXT,
                  "front": each(each(checks.NUMBER)), "hypervolume": checks.NUMBER}, ("queries", "best"))  # fmt: skip
FIELDS: Mapping[str, Check] = {
    "schema": leaf(f"schema of {', '.join(map(str, SCHEMAS))}", lambda value: is_count(value) and value in SCHEMAS),
    "status": leaf(f"status of {', '.join(Status)}", lambda value: isinstance(value, str) and value in list(Status)),
    "curve": each(POINT),
    "snapshots": values(values(checks.ARRAY), checks.EPOCH),
    "settings": SETTINGS,
    "recipe": RECIPE,
    "history": HISTORY,
    "versions": values(checks.TEXT),
    "dirty": checks.TRUTH,
    **dict.fromkeys(("test_accuracy", "val_accuracy"), checks.PERCENTAGE),
    **dict.fromkeys(("train_loss", "test_loss", "score"), checks.NUMBER),
    **dict.fromkeys(("seconds", "device_seconds", "latency"), checks.DURATION),
    **dict.fromkeys(("seed", "train_seed", "twin", "parameters", "macs", "shortcuts", "long_shortcuts", "epochs",
                     "threads", "peak_memory_bytes", "stopped_at", "returned_to"), checks.COUNT),
    **dict.fromkeys(("key", "kind", "method", "role", "twin_of", "pair", "architecture", "split", "error", "device",
                     "hardware", "path", "precision", "host", "commit", "protocol",
                     "predictions", "test_labels", "weights"), checks.TEXT),
    **dict.fromkeys(("methods", "needs", "warnings"), checks.TEXTS),
    **dict.fromkeys(("started", "finished"), checks.TIME),
}  # fmt: skip
JUDGED = ("test_accuracy", "schema")  # a row with a wrong one counts as failed, or is named by `verify`
READ = {name: check for name, check in FIELDS.items() if name not in JUDGED} | {"status": checks.TEXT}
