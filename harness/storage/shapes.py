"""What study.json and protocol.jsonl hold, so that whatever else a folder from elsewhere has there is named.

Fields of older versions may be absent; what is there has its type. Standard library only.
"""

from collections.abc import Mapping
from typing import Any

from harness.storage import checks
from harness.storage.checks import Check, each, is_count, leaf, maybe, pair, record, values

RECIPE = record({**dict.fromkeys(("lr", "momentum", "weight_decay", "batch_size", "epochs", "label_smoothing"),
                                 checks.NUMBER),
                 "scheduler": record({"kind": checks.TEXT, "warmup_epochs": checks.COUNT,
                                      **dict.fromkeys(("gamma", "step", "min_lr"), checks.NUMBER)}),
                 "precision": checks.TEXT, "nesterov": checks.TRUTH})  # fmt: skip
PRIMARY = record({"method": checks.TEXT, "against": checks.TEXT,
                  "at": leaf("number of epochs", lambda at: at is None or at == "mean" or is_count(at))},
                 ("method",))  # fmt: skip
TABLE_ROW = record({"method": checks.TEXT, **dict.fromkeys(("role", "rule", "twin"), maybe(checks.TEXT)),
                    **dict.fromkeys(("search_epochs", "best_of"), maybe(checks.COUNT))}, ("method",))  # fmt: skip
LOOKS = leaf("list of rising numbers of seeds", lambda looks: isinstance(looks, list) and all(map(is_count, looks))
             and looks == sorted({*looks} - {0}))  # fmt: skip
FIXED: Mapping[str, Check] = {
    "primary": maybe(PRIMARY), "alpha": checks.PORTION, "smallest_effect": checks.POSITIVE,
    "equivalence_margin": maybe(checks.POSITIVE), "looks": LOOKS, "seeds": values(checks.COUNT),
    "rows": each(TABLE_ROW), "twins": maybe(values(checks.COUNT)), "classes": maybe(values(checks.FROM_ONE)),
}  # fmt: skip

JOB = record({**dict.fromkeys(("key", "kind", "method", "role"), checks.TEXT), "seed": checks.COUNT,
              **dict.fromkeys(("needs", "methods"), checks.TEXTS)},
             ("key", "kind", "method", "seed", "needs"))  # fmt: skip
DATA = record({"name": checks.TEXT, "train_images": maybe(checks.COUNT), "classes": maybe(checks.FROM_ONE)})
STUDY = record({
    **dict.fromkeys(("name", "space", "task"), checks.TEXT), "schema": checks.COUNT, **FIXED, "plan": each(JOB),
    "command": checks.COMMAND, "space_options": checks.OBJECT, "recipe": RECIPE, "chance": maybe(checks.PERCENTAGE),
    "data": lambda value, place: (each(DATA) if isinstance(value, list) and value else DATA)(value, place),
    "table": maybe(record({"name": checks.TEXT, "signal": checks.TEXT})),
    "scale": values(record(dict.fromkeys(("uniform", "best"), checks.NUMBER), ("uniform", "best"))),
    "search": record({"strategy": checks.TEXT, "epochs": checks.COUNT, "snapshots": each(checks.COUNT),
                      "recipe": record({"precision": checks.TEXT})}),
    "methods": each(record({"name": checks.TEXT, **dict.fromkeys(("rule", "strategy"), maybe(checks.TEXT))},
                           ("name",))),
    "method": each(checks.OBJECT), "tuning": each(checks.OBJECT), "sequential": checks.TRUTH, "notes": checks.TEXTS,
    "paths": values(checks.TEXT), "scores": record({"of_trained": maybe(checks.TEXTS)}),
    "auto_precision": record(dict.fromkeys(("networks", "supernets"), checks.TEXT), ("networks", "supernets")),
    "alpha_labels": values(record({"rows": checks.TEXTS, "columns": checks.TEXTS}, ("rows", "columns"))),
}, ("name", "space", "space_options", "plan"))  # fmt: skip

ENTRY = record({**dict.fromkeys(("at", "event", "before", "hash"), checks.TEXT), "content": checks.OBJECT,
                **dict.fromkeys(("rows", "planned"), checks.COUNT)},
               ("at", "event", "content", "rows", "planned", "before", "hash"))  # fmt: skip
CONTENTS: Mapping[str, Check] = {
    "fixed": record(FIXED),
    "changed": record({name: pair(maybe(check)) for name, check in FIXED.items()}, others=pair(checks.ANY)),
    "reused": record({"rows": checks.COUNT, "from": checks.TEXTS, "keys": checks.TEXTS}),
    "looked": record({"looks": checks.COUNT}),
}


def study_fault(study: Any) -> str:
    """Why it is no content of a study.json; '' where it is."""
    return next(STUDY(study, ""), "")


def entry_fault(entry: Any) -> str:
    """Why it is no entry of a protocol.jsonl; '' where it is."""
    if fault := next(ENTRY(entry, ""), ""):
        return fault
    content = CONTENTS.get(entry["event"])
    return next(content(entry["content"], "content"), "") if content else ""
