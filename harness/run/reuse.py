"""Rows of other results folders: a trial with equal settings, and so with an equal key, need not run again."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.errors import say
from harness.plan.jobs import Plan, described
from harness.storage import networks, predictions
from harness.storage.rows import Records, final_rows
from harness.vocabulary.rows import Row

Lacking = Mapping[str, tuple[Path, Row]]  # key → the folder that has its row, and the row


def lacking(plan: Plan, folder: Path, others: Iterable[Path]) -> Lacking:
    """The final rows of `others` that `plan` lacks in `folder`."""
    have = final_rows(folder)
    found: dict[str, tuple[Path, Row]] = {}
    for other in others:
        for key, row in final_rows(other).items():
            if key in plan.jobs and key not in have:
                found.setdefault(key, (other, row))
    return found


def adopt(found: Lacking, plan: Plan, folder: Path, book: Records, entry: str | None, keep: bool) -> None:
    """Appends them as rows of the plan's own jobs, under the protocol's `entry`; `keep`: with their networks, where
    these are there. Says so.

    Raises OSError where the disk is full.
    """
    for key, (other, row) in found.items():
        predictions.take_over(folder, other, row)
        if keep:
            networks.take_over(folder, other, row)
        book.append({**row, **described(plan.jobs[key]), "protocol": entry})
    others = ", ".join(map(str, dict.fromkeys(other for other, _ in found.values())))
    say(f"{len(found)} trials taken over from {others}")
