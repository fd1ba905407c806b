"""Whether a study's trainings run on GPUs of one kind: on others times cannot be compared. Nothing of Ray in here."""

import sys
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from harness.engine.cards import cards
from harness.ray_tune.nodes import Ask, Seen


def look() -> Seen:
    """What this machine's GPUs are."""
    try:
        found = cards()
    except (OSError, ValueError) as error:
        return {"error": str(error)}
    return {"cards": [card.name for card in found], "bf16": all(card.multiplies_bf16 for card in found)}


def warn(ask: Ask, rows: Iterable[Mapping[str, Any]]) -> None:
    """Says so where nodes have different GPUs, or others than those of `rows`; nodes that cannot say it are left out.

    A node that joins later is not asked: its rows name its GPU, and the report says that there were several.
    """
    now = {card for seen in ask(look).values() if seen for card in seen.get("cards", ())}
    before = {str(row["hardware"]) for row in rows if str(row.get("device")).startswith("cuda") and row["hardware"]}
    if len(now) > 1:
        print(f"nas-harness: the nodes have different GPUs ({_listed(now)}): {WHY}", file=sys.stderr)
    if now and (others := {name for name in before if not name.startswith(tuple(now))}):  # parts of one are named so
        print(f"nas-harness: rows of this study come from other GPUs ({_listed(others)}) than there are now "
              f"({_listed(now)}): {WHY}", file=sys.stderr)  # fmt: skip


WHY = "times cannot be compared, and results may differ in rounding"


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
