"""Whether a study's trials run on processors or GPUs of one kind, and on such as multiply what its recipes ask for."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import torch

from harness.engine.device import multiplies_bf16
from harness.engine.gpus import cards
from harness.engine.hardware import hardware
from harness.errors import say
from harness.plan.jobs import Job
from harness.plan.settings import by_table

Seen = dict[str, Any]  # what a machine answers: `kinds`, each with whether it multiplies bf16; or `error`
Rows = Mapping[str, Mapping[str, Any]]


def look(device: str) -> Seen:
    """What this process runs trials on; nothing where it has no such device."""
    if _sort(device) == "cuda" and not torch.cuda.is_available():
        return {}
    return {"kinds": {hardware(device): _sort(device) == "mps" or multiplies_bf16(torch.device(device))}}


def look_at_cards() -> Seen:
    """All GPUs of this machine, as its driver names them: a process to which Ray gives none has none for torch."""
    try:
        return {"kinds": {card.name: card.multiplies_bf16 for card in cards()}}
    except (OSError, ValueError) as error:
        return {"error": str(error)}


def warn(seen: Iterable[Seen | None], device: str, jobs: Mapping[str, Job], rows: Rows) -> None:
    """Says what of the machines that answered `seen` matters to the `jobs` that have no row yet; None did not answer.

    A machine that joins later is not asked: its rows name its hardware, and the report says that there was more than
    one kind, and whether pairs mix them.
    """
    left = [job.settings for key, job in jobs.items() if key not in rows and not by_table(job.settings)]
    precisions = {settings["recipe"]["precision"] for settings in left if "recipe" in settings}
    answers = [one for one in seen if one and "kinds" in one]
    for note in notes(answers, device, rows if left else {}, precisions):
        say(note)


WHY = "times cannot be compared, and results may differ in rounding"


def notes(seen: Collection[Seen], device: str, rows: Rows, precisions: Collection[str]) -> Iterator[str]:
    """A sentence where kinds differ now, where `rows` come from others, and where bf16 is emulated."""
    what = "GPUs" if _sort(device) == "cuda" else "processors"
    now = {kind: bf16 for one in seen for kind, bf16 in one["kinds"].items()}
    before = {str(row["hardware"]) for row in rows.values()
              if row.get("hardware") and _sort(str(row.get("device"))) == _sort(device)}  # fmt: skip
    if len(now) > 1:
        yield f"the nodes have different {what} ({_listed(now)}): {WHY}"
    if now and (others := {name for name in before if not any(_is_of(name, kind) for kind in now)}):
        yield f"rows of this study come from other {what} ({_listed(others)}) than now ({_listed(now)}): {WHY}"
    if "bf16" in precisions and (slow := [kind for kind, bf16 in now.items() if not bf16]):
        yield (f'recipe.precision = "bf16" is emulated here ({_listed(slow)}), several times slower than fp32: use '
               'other hardware, or "fp32" in a new study')  # fmt: skip


def _sort(device: str) -> str:
    return device.partition(":")[0]


def _is_of(name: str, kind: str) -> bool:
    """Parts of a GPU are named after it."""
    return name == kind or name.startswith(f"{kind} MIG ")


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
