"""Whether a study's trials run on processors or GPUs of one kind, and on such as multiply what its recipes ask for."""

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from harness.engine.cards import cards
from harness.engine.hardware import hardware
from harness.engine.instructions import WITH_BF16, instruction_set
from harness.plan.jobs import Job
from harness.plan.settings import by_table

Seen = dict[str, Any]  # what a machine answers
Rows = Mapping[str, Mapping[str, Any]]


def look(device: str) -> Seen:
    """What this machine's GPUs or its processor are."""
    if not device.startswith("cuda"):
        return {"kinds": [hardware(device)], "bf16": device != "cpu" or instruction_set() in WITH_BF16}
    try:
        found = cards()
    except (OSError, ValueError) as error:
        return {"error": str(error)}
    return {"kinds": [card.name for card in found], "bf16": all(card.multiplies_bf16 for card in found)}


def warn(seen: Iterable[Seen | None], device: str, jobs: Mapping[str, Job], rows: Rows) -> None:
    """Says what of the machines that answered `seen` matters to the `jobs` that have no row yet; None did not answer.

    A machine that joins later is not asked: its rows name its hardware, and the report says that there was more than
    one kind, and whether pairs mix them.
    """
    left = [job.settings for key, job in jobs.items() if key not in rows and not by_table(job.settings)]
    precisions = {settings["recipe"]["precision"] for settings in left if "recipe" in settings}
    for note in notes([one for one in seen if one and "kinds" in one], device, rows if left else {}, precisions):
        print(f"nas-harness: {note}", file=sys.stderr)


WHY = "times cannot be compared, and results may differ in rounding"


def notes(seen: Collection[Seen], device: str, rows: Rows, precisions: Collection[str]) -> Iterator[str]:
    """A sentence where kinds differ now, where `rows` come from others, and where bf16 is emulated."""
    sort = device.partition(":")[0]
    what = "GPUs" if sort == "cuda" else "processors"
    now = {kind for one in seen for kind in one["kinds"]}
    before = {str(row["hardware"]) for row in rows.values()
              if str(row.get("device")).partition(":")[0] == sort and row["hardware"]}  # fmt: skip
    if len(now) > 1:
        yield f"the nodes have different {what} ({_listed(now)}): {WHY}"
    if now and (others := {name for name in before if not name.startswith(tuple(now))}):  # parts of one are named so
        yield f"rows of this study come from other {what} ({_listed(others)}) than now ({_listed(now)}): {WHY}"
    if "bf16" in precisions and (slow := {kind for one in seen if not one["bf16"] for kind in one["kinds"]}):
        yield (f'recipe.precision = "bf16" is emulated here ({_listed(slow)}), several times slower than fp32: use '
               'other hardware, or "fp32" in a new study')  # fmt: skip


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
