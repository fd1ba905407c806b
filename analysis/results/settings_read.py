"""What a report reads of a row's settings, which it does not keep."""

from collections.abc import Mapping
from typing import Any

from analysis.numbers import visible


def read(settings: Mapping[str, Any], kind: object) -> dict[str, Any]:
    """Fields of a trial; `match` is what a twin shares with its network beside the count of shortcuts."""
    search, source = settings.get("search") or {}, settings.get("source") or {}
    return {
        "warmup_epochs": search.get("warmup_epochs", 0) if kind == "search" else 0,
        "tuned": tuple(settings.get("recipe_from") or ()),
        "starts": bool(settings.get("start") or search.get("supernet") or source.get("trained")),
        "epochs_before": source.get("trained", 0),
        "match": source.get("match"),
        "scored_by": visible(str(search["score"])) if kind == "score" and search.get("score") else None,
        "of_trained": "of_training" in source,
    }
